#include "network/zoo.hpp"

#include <functional>
#include <map>

#include "base/fail.hpp"
#include "network/zoo_variants.hpp"

namespace hyperconv {
namespace {

StudyVariant variant_of(const HyperUNet& shape) {
  if (shape.hidden == 0) return StudyVariant::plain;
  switch (shape.conditioning) {
    case Conditioning::constant:
      return StudyVariant::hyper_constant;
    case Conditioning::layer:
      return StudyVariant::hyper_layer;
    case Conditioning::image:
      return StudyVariant::hyper_image;
  }
  return StudyVariant::plain;
}

NodeId rise(GraphBuilder& b, VariantLayers& layers, const std::string& name, NodeId x, NodeId skip,
            int out) {
  x = b.concat(name + ".concat", {b.conv_transpose(name + ".up", x, out), skip});
  for (const char* conv : {".conv1", ".conv2", ".conv3"}) x = layers.block(name + conv, x, out);
  return x;
}

/// The three-level U-Net of the poster's rows I to III, with layers of any kind.
Graph three_levels(const StudyNetwork& shape, bool linear_path) {
  const int w = shape.width;
  GraphBuilder b(4);
  VariantLayers layers(b, shape.variant, shape.hidden);
  NodeId x = b.conv_relu("down1.conv1", b.input(), w);
  const NodeId skip1 = x = layers.block("down1.conv2", x, w);
  x = layers.block("down2.conv1", b.average_pool("down2.pool", x), 2 * w);
  const NodeId skip2 = x = layers.block("down2.conv2", x, 2 * w);
  x = layers.block("bottleneck", b.average_pool("bottleneck.pool", x), 4 * w);
  x = rise(b, layers, "up2", x, skip2, 2 * w);
  x = rise(b, layers, "up1", x, skip1, w);
  x = b.conv("last", x, 12);
  if (linear_path) x = b.sum("sum", x, b.conv("linear", b.input(), 12));
  layers.output(b.shuffle("output", x));
  return b.take();
}

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const Parameter& p : parameters(graph)) count += p.count();
  return count;
}

/// A row of the poster's table: its width, and the hidden width that gives its parameter count.
Graph poster_network(int width, int64_t parameter_goal, Conditioning conditioning,
                     const ZooOptions& options) {
  HyperUNet shape{.width = options.width.value_or(width), .conditioning = conditioning};
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

void refuse_hidden(const ZooOptions& options) {
  if (options.hidden) fail("a network without HyperConvolutions has no hidden width to set");
}

/// `width` is the first level's; the others keep their ratio to it.
Graph told_network(DevelopNetwork shape, const ZooOptions& options) {
  if (shape.hidden == 0) refuse_hidden(options);
  if (options.hidden) shape.hidden = *options.hidden;
  if (options.width) {
    const int standard = shape.widths.front();
    for (int& width : shape.widths) width = width * *options.width / standard;
  }
  return develop_network(shape);
}

/// Makes a network that has a width and nothing else to choose.
Maker by_width(Graph (*make)(int), int width) {
  return [=](const ZooOptions& options) {
    refuse_hidden(options);
    return make(options.width.value_or(width));
  };
}

Graph plain(int width) { return plain_unet({width}); }
Graph vdn(int width) { return vdn_denoiser(width); }

/// Only what has something to predict has a hidden width.
StudyNetwork variant_network(StudyVariant variant, int width, const ZooOptions& options) {
  if (variant == StudyVariant::plain || variant == StudyVariant::squeeze_excitation)
    refuse_hidden(options);
  return {variant, options.width.value_or(width), options.hidden.value_or(StudyNetwork().hidden)};
}

/// The studies' backbone.
Maker study(StudyVariant variant) {
  return [=](const ZooOptions& options) {
    return study_network(variant_network(variant, StudyNetwork().width, options));
  };
}

/// The backbone of the poster's row III.
Maker control(StudyVariant variant) {
  return [=](const ZooOptions& options) {
    return three_levels(variant_network(variant, 16, options), false);
  };
}

struct Entry {
  Maker make;
  NetworkUse use;
  Initialisation start = Initialisation::kaiming;
};

constexpr NetworkUse develops{Task::develop, 2},
    develops_told{Task::develop, 2, Domain::stabilised},
    develops_x_trans{Task::develop, 6, Domain::stabilised, Packing::x_trans},
    develops_three_colours{Task::develop, 2, Domain::stabilised, Packing::three_colours},
    is_isp{Task::isp, 2}, denoises{Task::denoise, 1};

/// Each is there for two tasks.
constexpr std::pair<StudyVariant, const char*> study_variants[] = {
    {StudyVariant::plain, "plain"},
    {StudyVariant::hyper_constant, "hyper-constant"},
    {StudyVariant::hyper_layer, "hyper-layer"},
    {StudyVariant::hyper_image, "hyper-image"},
    {StudyVariant::squeeze_excitation, "squeeze-excitation"},
    {StudyVariant::film, "film"},
    {StudyVariant::colour_affine, "colour-affine"},
};

const std::map<std::string, Entry>& entries() {
  const auto hyper = [](int width, int64_t parameters) {
    return [=](const ZooOptions& o) {
      return poster_network(width, parameters, Conditioning::layer, o);
    };
  };
  // Row III with other filters, as many parameters as it has.
  const auto row_iii = [](Conditioning conditioning) {
    return [=](const ZooOptions& o) { return poster_network(16, 90'000'000, conditioning, o); };
  };
  const auto told = [](const DevelopNetwork& shape) {
    return [=](const ZooOptions& o) { return told_network(shape, o); };
  };
  const auto shipped = [](int width, int hidden) {
    return [=](const ZooOptions& o) { return shipped_network(width, hidden, o); };
  };
  const auto denoiser = [](int width, int hidden) {
    return [=](const ZooOptions& o) {
      return vdn_denoiser(o.width.value_or(width), o.hidden.value_or(hidden));
    };
  };
  const auto small = [](const SmallDenoiser& shape) {
    return [=](const ZooOptions& o) {
      if (shape.hidden == 0) refuse_hidden(o);
      return small_denoiser(
          {o.width.value_or(shape.width), o.hidden.value_or(shape.hidden), shape.is_told});
    };
  };
  // The comparators begin as the code of their authors does. D-Net's FLOPs go with the square of
  // its width: a quarter, a tenth and a twentieth of VDN's 64.
  static const std::map<std::string, Entry> all = [&] {
    std::map<std::string, Entry> known = {
        {"hyper-i", {hyper(32, 276'000'000), is_isp}},
        {"hyper-ii", {hyper(20, 95'000'000), is_isp}},
        {"hyper-iii", {hyper(16, 90'000'000), is_isp}},
        {"hyper-iii-constant", {row_iii(Conditioning::constant), is_isp}},
        {"hyper-iii-image", {row_iii(Conditioning::image), is_isp}},
        {"hyper-iii-plain", {control(StudyVariant::plain), is_isp}},
        {"hyper-iii-squeeze-excitation",
         {control(StudyVariant::squeeze_excitation), is_isp, Initialisation::kaiming_gentle}},
        {"hyper-iii-film", {control(StudyVariant::film), is_isp, Initialisation::kaiming_gentle}},
        {"hyper-iii-colour-affine",
         {control(StudyVariant::colour_affine), is_isp, Initialisation::kaiming_gentle}},
        {"plain-1.3t", {by_width(plain, 48), is_isp}},
        {"plain-0.6t", {by_width(plain, 32), is_isp}},
        {"pynet", {by_width(pynet, 32), is_isp, Initialisation::libtorch}},
        {"pynet-ca", {by_width(pynet_ca, 32), is_isp, Initialisation::libtorch}},
        {"awnet", {by_width(awnet, 64), is_isp, Initialisation::libtorch}},
        {"vdn", {by_width(vdn, 64), denoises, Initialisation::kaiming_convolutions}},
        {"vdn-s", {by_width(vdn_noise, 64), denoises, Initialisation::kaiming_convolutions}},
        {"vdn-hyper-4", {denoiser(32, 16), denoises}},
        {"vdn-hyper-10", {denoiser(20, 16), denoises}},
        {"vdn-hyper-20", {denoiser(14, 12), denoises}},
        {"vdn-plain-4", {by_width(vdn, 32), denoises}},
        {"vdn-plain-10", {by_width(vdn, 20), denoises}},
        {"vdn-plain-20", {by_width(vdn, 14), denoises}},
        {"denoise", {small({.is_told = true}), denoises}},
        {"denoise-best", {small({.width = 36, .is_told = true}), denoises}},
        {"denoise-plain", {small({.hidden = 0, .is_told = true}), denoises}},
        {"denoise-16", {small({}), denoises}},
        {"denoise-16-plain", {small({.hidden = 0}), denoises}},
        {"develop", {told({}), develops_told}},
        {"develop-xtrans", {told({.packing = Packing::x_trans}), develops_x_trans}},
        {"develop-rgb", {told({.packing = Packing::three_colours}), develops_three_colours}},
        {"develop-plain", {told({.hidden = 0}), develops_told}},
        {"develop-best", {told({.widths = {48, 64, 96, 128}}), develops_told}},
        {"develop-16", {shipped(16, 32), develops}},
        {"develop-16-plain", {shipped(16, 0), develops}},
    };
    for (const DevelopDesign& design : develop_designs())
      known.emplace(
          "design-" + design.name,
          Entry{told(design.shape), develops_told,
                design.shape.film ? Initialisation::kaiming_gentle : Initialisation::kaiming});
    for (const auto& [variant, name] : study_variants) {
      const Entry entry{study(variant), is_isp, Initialisation::kaiming_gentle};
      known.emplace(fmt::format("study-{}", name), entry);
      known.emplace(fmt::format("study-develop-{}", name),
                    Entry{entry.make, develops, entry.start});
    }
    return known;
  }();
  return all;
}

const Entry& entry(const std::string& name) {
  const auto found = entries().find(name);
  if (found == entries().end())
    fail("no network is called '{}'; known are {}", name, fmt::join(network_names(), ", "));
  return found->second;
}

}  // namespace

Graph plain_unet(const PlainUNet& shape) {
  const int w = shape.width;
  GraphBuilder b(4);
  NodeId x = b.conv_relu("down1.conv1", b.input(), w);
  const NodeId skip = x = b.conv_relu("down1.conv2", x, w);
  x = b.average_pool("down2.pool", x);
  for (const char* name : {"down2.conv1", "down2.conv2", "down2.conv3", "down2.conv4"})
    x = b.conv_relu(name, x, 2 * w);
  x = b.conv_relu("up1.up", b.upsample("up1.upsample", x), w);
  x = b.concat("up1.concat", {x, skip});
  x = b.conv_relu("up1.conv1", x, w);
  x = b.conv_relu("up1.conv2", x, w);
  b.shuffle("output", b.conv("last", x, 12));
  return b.take();
}

Graph hyper_unet(const HyperUNet& shape) {
  return three_levels({variant_of(shape), shape.width, shape.hidden}, shape.linear_path);
}

Graph make_network(const std::string& name, const ZooOptions& options) {
  return entry(name).make(options);
}

std::string to_string(const PhotoSize& size) {
  return fmt::format("{}x{}", size.rows, size.columns);
}

Shape network_input(const std::string& name, const Graph& graph, const PhotoSize& size) {
  const int samples = network_use(name).samples;
  const int multiple = samples * size_multiple(graph);
  if (size.rows < 1 || size.columns < 1 || size.rows % multiple != 0 ||
      size.columns % multiple != 0)
    fail("{} takes photos whose rows and columns are multiples of {}, not {}", name, multiple,
         to_string(size));
  return {1, std::get<Input>(graph.node(0).op).channels, size.rows / samples,
          size.columns / samples};
}

PhotoSize paper_memory_size(const std::string& name) {
  return name == "pynet" ? PhotoSize{2880, 3968} : PhotoSize{2976, 3968};
}

NetworkUse network_use(const std::string& name) { return entry(name).use; }

Initialisation network_initialisation(const std::string& name) { return entry(name).start; }

Model untrained_network(const std::string& name, const ZooOptions& options, const ModelInfo& info,
                        uint64_t seed) {
  ModelInfo facts = info;
  facts.packing = network_use(name).packing;
  Model model = untrained(make_network(name, options), facts, seed, network_initialisation(name));
  if (facts.packing != Packing::x_trans) return model;
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(model.graph()))
    weights[p.name] = model.weight(p.name).to_float();
  weights[interpolation_layer + std::string(".weight")] = x_trans_interpolation();
  return {model.graph(), facts, std::move(weights)};
}

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& [name, made] : entries()) names.push_back(name);
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
