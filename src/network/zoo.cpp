#include "hyperconv/zoo.hpp"

#include <functional>
#include <map>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

/// Writes a U-Net down, a block a line.
class Builder {
 public:
  explicit Builder(int channels) : input_(graph_.add("input", Input{channels}, {})) {}

  NodeId input() const { return input_; }
  Graph take() { return std::move(graph_); }

  NodeId conv(const std::string& name, NodeId x, int out, int kernel = 3) {
    return graph_.add(name, Conv2d{out, kernel}, {x});
  }
  NodeId relu(const std::string& name, NodeId x) {
    return graph_.add(name + ".relu", Activation{}, {x});
  }
  NodeId conv_relu(const std::string& name, NodeId x, int out) {
    return relu(name, conv(name, x, out));
  }
  NodeId pool(const std::string& name, NodeId x) { return graph_.add(name, AveragePool2d{}, {x}); }
  NodeId upsample(const std::string& name, NodeId x) { return graph_.add(name, Upsample2d{}, {x}); }
  NodeId up(const std::string& name, NodeId x, int out) {
    return graph_.add(name, ConvTranspose2d{out}, {x});
  }
  NodeId concat(const std::string& name, NodeId a, NodeId b) {
    return graph_.add(name, Concat{}, {a, b});
  }
  NodeId add(const std::string& name, NodeId a, NodeId b) {
    return graph_.add(name, Add{}, {a, b});
  }
  NodeId shuffle(const std::string& name, NodeId x) {
    return graph_.add(name, PixelShuffle{2}, {x});
  }
  NodeId descriptor() { return graph_.add("descriptor", PhotoDescriptor{}, {input_}); }
  NodeId hyper_conv(const std::string& name, std::vector<NodeId> inputs, const HyperConv2d& op) {
    return graph_.add(name, op, std::move(inputs));
  }

 private:
  Graph graph_;
  NodeId input_;
};

/// The three-level U-Net, with HyperConvolutions or ordinary convolutions in the same places.
class HyperUNetBuilder {
 public:
  explicit HyperUNetBuilder(const HyperUNet& shape) : shape_(shape), b_(4) {
    if (shape.hidden > 0 && shape.conditioning == Conditioning::image)
      descriptor_ = b_.descriptor();
  }

  Graph build() {
    const int w = shape_.width;
    NodeId x = b_.conv_relu("down1.conv1", b_.input(), w);
    const NodeId skip1 = x = block("down1.conv2", x, w);
    x = block("down2.conv1", b_.pool("down2.pool", x), 2 * w);
    const NodeId skip2 = x = block("down2.conv2", x, 2 * w);
    x = block("bottleneck", b_.pool("bottleneck.pool", x), 4 * w);
    x = rise("up2", x, skip2, 2 * w);
    x = rise("up1", x, skip1, w);
    x = b_.conv("last", x, 12);
    if (shape_.linear_path) x = b_.add("sum", x, b_.conv("linear", b_.input(), 12));
    b_.shuffle("output", x);
    return b_.take();
  }

 private:
  NodeId block(const std::string& name, NodeId x, int out) {
    if (shape_.hidden == 0) return b_.conv_relu(name, x, out);
    const HyperConv2d op{
        .out_channels = out, .hidden = shape_.hidden, .conditioning = shape_.conditioning};
    std::vector<NodeId> inputs{x};
    if (shape_.conditioning == Conditioning::image) inputs.push_back(descriptor_);
    return b_.relu(name, b_.hyper_conv(name, std::move(inputs), op));
  }

  NodeId rise(const std::string& name, NodeId x, NodeId skip, int out) {
    x = b_.concat(name + ".concat", b_.up(name + ".up", x, out), skip);
    for (const char* conv : {".conv1", ".conv2", ".conv3"}) x = block(name + conv, x, out);
    return x;
  }

  HyperUNet shape_;
  Builder b_;
  NodeId descriptor_ = -1;
};

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const Parameter& p : parameters(graph)) count += p.count();
  return count;
}

/// A row of the poster's table: its width, and the hidden width that gives its parameter count.
Graph poster_network(int width, int64_t parameter_goal, const ZooOptions& options) {
  HyperUNet shape{.width = options.width.value_or(width), .conditioning = Conditioning::layer};
  shape.hidden = options.hidden ? *options.hidden : hidden_for_parameters(shape, parameter_goal);
  return hyper_unet(shape);
}

using Maker = std::function<Graph(const ZooOptions&)>;

Graph shipped_network(int width, int hidden, const ZooOptions& options) {
  return hyper_unet({.width = options.width.value_or(width),
                     .hidden = options.hidden.value_or(hidden),
                     .conditioning = Conditioning::image,
                     .linear_path = true});
}

Graph plain_network(int width, const ZooOptions& options) {
  if (options.hidden) fail("a plain network has no hidden width to set");
  return plain_unet({options.width.value_or(width)});
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all = {
      {"hyper-i", [](const ZooOptions& o) { return poster_network(32, 276'000'000, o); }},
      {"hyper-ii", [](const ZooOptions& o) { return poster_network(20, 95'000'000, o); }},
      {"hyper-iii", [](const ZooOptions& o) { return poster_network(16, 90'000'000, o); }},
      {"plain-1.3t", [](const ZooOptions& o) { return plain_network(48, o); }},
      {"plain-0.6t", [](const ZooOptions& o) { return plain_network(32, o); }},
      {"develop-16", [](const ZooOptions& o) { return shipped_network(16, 32, o); }},
      {"develop-16-plain", [](const ZooOptions& o) { return shipped_network(16, 0, o); }},
  };
  return all;
}

}  // namespace

Graph plain_unet(const PlainUNet& shape) {
  const int w = shape.width;
  Builder b(4);
  NodeId x = b.conv_relu("down1.conv1", b.input(), w);
  const NodeId skip = x = b.conv_relu("down1.conv2", x, w);
  x = b.pool("down2.pool", x);
  for (const char* name : {"down2.conv1", "down2.conv2", "down2.conv3", "down2.conv4"})
    x = b.conv_relu(name, x, 2 * w);
  x = b.conv_relu("up1.up", b.upsample("up1.upsample", x), w);
  x = b.concat("up1.concat", x, skip);
  x = b.conv_relu("up1.conv1", x, w);
  x = b.conv_relu("up1.conv2", x, w);
  b.shuffle("output", b.conv("last", x, 12));
  return b.take();
}

Graph hyper_unet(const HyperUNet& shape) { return HyperUNetBuilder(shape).build(); }

Graph make_network(const std::string& name, const ZooOptions& options) {
  const auto found = makers().find(name);
  if (found == makers().end())
    fail("no network is called '{}'; known are {}", name, fmt::join(network_names(), ", "));
  return found->second(options);
}

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers()) names.push_back(name);
  return names;
}

int hidden_for_parameters(HyperUNet shape, int64_t count) {
  // The parameter count is linear in the hidden width.
  shape.hidden = 1;
  const int64_t at_one = parameter_count(hyper_unet(shape));
  shape.hidden = 2;
  const int64_t each = parameter_count(hyper_unet(shape)) - at_one;
  const int64_t hidden = 1 + (count - at_one) / each;
  if (count < at_one) fail("{} parameters are too few; hidden width 1 has {}", count, at_one);
  return int(hidden);
}

}  // namespace hyperconv
