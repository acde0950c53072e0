// Random networks at random sizes: the engine's two executors against the reference, against each
// other bit for bit, and random parts against the whole.
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "targets.hpp"
#include "tools/hash.hpp"

namespace hyperconv::fuzz {
namespace {

/// Builds a graph node by node; what does not fit is left out.
class RandomGraph {
 public:
  explicit RandomGraph(Random& random) : random_(random) {
    channels_ = 1 + int(random.below(9));
    graph_.add("input", Input{channels_}, {});
    if (random.below(2) == 0) side_ = graph_.add("side", SideInput{2 + int(random.below(5))}, {});
  }

  Graph build() {
    const int64_t count = 1 + random_.below(9);
    for (int64_t i = 0; i < count; ++i) add_one(fmt::format("n{}", i));
    // The last one is the output, and must be a picture.
    const NodeId last = some();
    graph_.add("output", Conv2d{1 + int(random_.below(5)), 1}, {last});
    return graph_;
  }
  int channels() const { return channels_; }

 private:
  /// The newest more often than others, so that networks get deep.
  NodeId some() {
    for (;;) {
      const NodeId id =
          random_.below(2) == 0 ? graph_.output() : NodeId(random_.below(graph_.output() + 1));
      if (id != side_) return id;
      if (graph_.output() == side_) return 0;
    }
  }

  void add_one(const std::string& name) {
    Operator op = some_operator();
    std::vector<NodeId> inputs = {some()};
    if (std::holds_alternative<Concat>(op) || std::holds_alternative<Add>(op) ||
        std::holds_alternative<Multiply>(op))
      inputs.push_back(some());
    if (auto* hyper = std::get_if<HyperConv2d>(&op);
        hyper != nullptr && hyper->conditioning == Conditioning::image)
      inputs.push_back(steering(name));
    Graph longer = graph_;
    try {
      longer.add(name, op, inputs);
      const int side = 2 * size_multiple(longer);
      infer_shapes(longer, {1, channels_, side, side});
      if (side > 32) return;
    } catch (const Error&) {
      return;  // shapes that do not fit
    }
    graph_ = longer;
  }

  /// What filters follow from: the side input, or the photo's descriptor.
  NodeId steering(const std::string& name) {
    if (side_ >= 0 && random_.below(2) == 0) return side_;
    return graph_.add(name + ".descriptor", PhotoDescriptor{}, {0});
  }

  Operator some_operator() {
    const int out = 1 + int(random_.below(20));
    const int kernel = 1 + 2 * int(random_.below(3));
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
        return Conv2d{out, kernel, 1 + int(random_.below(2)), Padding(random_.below(2)),
                      random_.below(4) != 0};
      case 3:
      case 4:
      case 5:
        return HyperConv2d{.out_channels = out,
                           .kernel = kernel,
                           .hidden = 1 + int(random_.below(5)),
                           .conditioning = Conditioning(random_.below(3)),
                           .constant_size = 3};
      case 6:
        return ConvTranspose2d{out};
      case 7:
        return AveragePool2d{};
      case 8:
        return MaxPool2d{};
      case 9:
        return Upsample2d{};
      case 10:
        return Concat{};
      case 11:
        return Add{};
      case 12:
        return Multiply{};
      case 13:
        return Activation{ActivationKind(random_.below(4))};
      case 14:
        return PRelu{};
      default:
        return PixelShuffle{2};
    }
  }

  Random& random_;
  Graph graph_;
  int channels_ = 0;
  NodeId side_ = -1;
};

Tensor run(const std::shared_ptr<const Model>& model, const Tensor& input, const SideInputs& side,
           const EngineOptions& options) {
  Engine engine(model, options);
  Tensor output;
  engine.run(input, output, side);
  return output;
}

void expect_near(const Tensor& got, const Tensor& want, double tolerance, const char* what) {
  if (!(got.shape() == want.shape())) throw std::logic_error(std::string(what) + ": another shape");
  for (size_t i = 0; i < got.size(); ++i)
    if (!(std::fabs(double(got.data()[i]) - double(want.data()[i])) <= tolerance))
      throw std::logic_error(fmt::format("{}: {} at {}, the reference has {} (± {})", what,
                                         got.data()[i], i, want.data()[i], tolerance));
}

Region some_part(const Shape& shape, Random& random) {
  Region part{random.below(shape.h), random.below(shape.w), 0, 0};
  part.height = 1 + random.below(shape.h - part.top);
  part.width = 1 + random.below(shape.w - part.left);
  return part;
}

/// Values of `whole` from [top, left] on.
Tensor cut_out(const Tensor& whole, const Region& part) {
  Tensor values({1, whole.shape().c, part.height, part.width});
  whole_input(whole).read(part, values);
  return values;
}

/// A part by itself, of a photo that is read in strips for what follows from the whole of it.
void compare_part(Engine& engine, const Tensor& input, const SideInputs& side, const Tensor& whole,
                  double tolerance, Random& random) {
  const Shape &shape = input.shape(), &out = whole.shape();
  WholeInput photo = whole_input(input);
  photo.values = nullptr;
  const Conditions conditions = engine.condition(photo, {}, side);
  if (engine.why_not_in_parts(conditions)) return;
  const Region part = some_part(shape, random);
  const PartPlan planned = engine.plan_part(shape, part);
  Tensor made;
  engine.run_part(shape, part, cut_out(input, planned.reads), conditions, made);
  if (engine.execution() == Execution::stream)
    return expect_near(made, cut_out(whole, planned.makes), 0, "a part, against the whole");
  // Around the part's own place something else may stand.
  const int64_t top = part.top * out.h / shape.h, left = part.left * out.w / shape.w;
  const Region own{top, left, ceil_div((part.top + part.height) * out.h, shape.h) - top,
                   ceil_div((part.left + part.width) * out.w, shape.w) - left};
  const Region within{top - planned.makes.top, left - planned.makes.left, own.height, own.width};
  expect_near(cut_out(made, within), cut_out(whole, own), tolerance, "a part, layer by layer");
}

void compare(const Bytes& bytes) {
  const uint64_t seed = hash_of(std::as_bytes(std::span(bytes)));
  Random random(seed);
  RandomGraph builder(random);
  const Graph graph = builder.build();
  const int multiple = size_multiple(graph);
  const Shape shape{1, builder.channels(), multiple * (1 + random.below(64 / multiple)),
                    multiple * (1 + random.below(64 / multiple))};
  const auto model = std::make_shared<const Model>(random_model(graph, seed));
  const Tensor input = random_tensor(shape, seed + 1);
  const SideInputs side = random_side(graph);
  const Tensor want = reference::run(*model, input, nullptr, side);
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i)
    largest = std::max(largest, std::fabs(double(want.data()[i])));
  if (!(largest < 1e6)) return;  // products of products: roundings say nothing any more
  // Ten times what a few random runs reach: thousands of networks are tried.
  const double tolerance = 10 * reference::tolerance(*model, input, side) + 1e-6 * largest;
  const Tensor whole = run(model, input, side, {.threads = 1, .execution = Execution::whole});
  expect_near(whole, want, tolerance, "whole");
  const Tensor chosen = run(model, input, side, {.threads = 1 + int(random.below(3))});
  expect_near(chosen, whole, 0, "automatic, against whole");
  for (const Execution execution : {Execution::automatic, Execution::whole}) {
    Engine engine(model, {.threads = 1 + int(random.below(3)), .execution = execution});
    compare_part(engine, input, side, whole, tolerance, random);
  }
}

}  // namespace

Target engine_target() {
  return {"engine", "random networks, against the reference", {Bytes{1}, Bytes{2, 3}}, {}, compare};
}

}  // namespace hyperconv::fuzz
