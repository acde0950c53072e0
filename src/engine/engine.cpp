#include "engine/engine.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/watch.hpp"
#include "engine/given.hpp"
#include "engine/stream.hpp"
#include "engine/sums.hpp"
#include "engine/whole.hpp"

namespace hyperconv {
namespace {

Shape smallest_input(const Graph& graph) {
  if (graph.empty()) fail("the network has no nodes");
  const int side = size_multiple(graph);
  return {1, std::get<Input>(graph.node(0).op).channels, side, side};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Precision precision_of(const EngineOptions& options) {
  if (options.precision) {
    if (*options.precision != Precision::f32 && *options.precision != Precision::bf16)
      fail("the engine computes in f32 or bf16, not in {}", to_string(*options.precision));
    return *options.precision;
  }
  const std::string wish = environment("HYPERCONV_PRECISION");
  if (wish.empty() || wish == "f32") return Precision::f32;
  if (wish == "bf16") return Precision::bf16;
  fail("HYPERCONV_PRECISION={}: there are f32 and bf16", wish);
}

// nullptr: bf16 is what is stored, and fp32 what is computed in.
const Bf16Kernels* bf16_kernels_beside(const Kernels& kernels) {
  // HYPERCONV_TARGET asks for an older processor's instructions.
  constexpr int lanes_of_avx512 = 16;
  if (kernels.lanes < lanes_of_avx512 && environment("HYPERCONV_BF16").empty()) return nullptr;
  return chosen_bf16_kernels();
}

PlanOptions plan_options(const Kernels& kernels, const EngineOptions& options) {
  const std::string kernel = environment("HYPERCONV_KERNEL");
  if (!kernel.empty() && kernel != "direct" && kernel != "winograd")
    fail("HYPERCONV_KERNEL={}: there are direct and winograd", kernel);
  const Precision precision = precision_of(options);
  return {.lanes = kernels.lanes,
          .winograd = kernel != "direct",
          .bf16 = precision == Precision::bf16 ? bf16_kernels_beside(kernels) : nullptr,
          .precision = precision};
}

Execution wanted_execution(const EngineOptions& options) {
  if (options.execution != Execution::automatic) return options.execution;
  const std::string wish = environment("HYPERCONV_EXECUTION");
  if (wish.empty()) return Execution::automatic;
  if (wish == "whole") return Execution::whole;
  if (wish == "stream") return Execution::stream;
  fail("HYPERCONV_EXECUTION={}: there are whole and stream", wish);
}

Execution execution_of(const Plan& plan, const EngineOptions& options) {
  const Execution wanted = wanted_execution(options);
  if (wanted == Execution::whole) return wanted;
  if (can_stream(plan)) return Execution::stream;
  if (wanted == Execution::stream)
    fail("the network cannot run row by row: an operator looks at the whole of a layer");
  return Execution::whole;
}

Region all_of(const Shape& shape) { return {0, 0, shape.h, shape.w}; }

int64_t bytes_of(const Plan& plan, Execution execution, int threads) {
  return execution == Execution::stream
             ? StreamExecutor::part_plan(plan, threads, all_of(plan.output)).bytes
             : plan.arena_bytes;
}

// Rows [top, top + height) of `from` lines, where they lie among `to` lines.
Interval scaled(int64_t top, int64_t height, int64_t from, int64_t to) {
  return {top * to / from, ceil_div((top + height) * to, from)};
}

// Of a part of the input, where it lies in the output.
Region output_of(const Region& part, const Shape& input, const Shape& output) {
  const Interval rows = scaled(part.top, part.height, input.h, output.h);
  const Interval columns = scaled(part.left, part.width, input.w, output.w);
  return {rows.first, columns.first, rows.size(), columns.size()};
}

Interval joined(const Interval& a, const Interval& b) {
  if (a.size() <= 0) return b;
  return {std::min(a.first, b.first), std::max(a.end, b.end)};
}

Region joined(const Region& a, const Region& b) {
  const Interval rows = joined(Interval{a.top, a.top + a.height}, {b.top, b.top + b.height});
  const Interval columns = joined(Interval{a.left, a.left + a.width}, {b.left, b.left + b.width});
  return {rows.first, columns.first, rows.size(), columns.size()};
}

// The part and `margin` lines around it, from a multiple to a multiple, within the whole.
Interval frame_around(int64_t first, int64_t size, int64_t margin, int64_t multiple,
                      int64_t whole) {
  return {std::max<int64_t>(first - margin, 0) / multiple * multiple,
          std::min(whole, round_up(first + size + margin, multiple))};
}

// The nodes up to one, which becomes the output.
Graph graph_up_to(const Graph& graph, NodeId last) {
  Graph beginning;
  for (NodeId id = 0; id <= last; ++id) {
    const Node& node = graph.node(id);
    beginning.add(node.name, node.op, node.inputs);
  }
  return beginning;
}

// Whether a node is read only by HyperConv2ds that have an entry in the statistics.
bool steers_known_filters_alone(const Graph& graph, NodeId id, const Statistics& known) {
  for (NodeId reader = id + 1; reader <= graph.output(); ++reader) {
    const Node& node = graph.node(reader);
    if (std::ranges::find(node.inputs, id) == node.inputs.end()) continue;
    const bool is_known = std::holds_alternative<HyperConv2d>(node.op) && known.contains(reader) &&
                          node.inputs.front() != id;
    const bool is_handed_on =
        std::holds_alternative<Concat>(node.op) && steers_known_filters_alone(graph, reader, known);
    if (!is_known && !is_handed_on) return false;
  }
  return id != graph.output();
}

using Vectors = std::map<NodeId, std::vector<float>>;

/// Throws Error as check_side_inputs().
Vectors side_vectors(const Graph& graph, const SideRanges& ranges, const SideInputs& given) {
  check_side_inputs(graph, given);
  const SideInputs side = held_to(ranges, given);
  Vectors vectors;
  for (NodeId id = 0; id <= graph.output(); ++id) {
    if (!std::holds_alternative<SideInput>(graph.node(id).op)) continue;
    const Tensor& value = side.at(graph.node(id).name);
    vectors[id].assign(value.data(), value.data() + value.size());
  }
  return vectors;
}

// About what describing a photo takes of a run's time: for who watches.
constexpr double looking_share = 0.1;

// Rows of a photo that are described at once: few enough to stay in a cache.
constexpr int64_t band_height = 64;

}  // namespace

const Statistics& Conditions::statistics() const { return given_->statistics; }

WholeInput whole_input(const Tensor& values) {
  const auto read = [&values](const Region& part, Tensor& to) {
    for (int64_t c = 0; c < values.shape().c; ++c)
      for (int64_t y = 0; y < part.height; ++y)
        std::copy_n(values.row(0, c, part.top + y) + part.left, part.width, to.row(0, c, y));
  };
  return {values.shape(), read, &values};
}

std::optional<Precision> fastest_precision(const Graph& graph) {
  if (!environment("HYPERCONV_PRECISION").empty()) return std::nullopt;
  PlanOptions options = plan_options(kernels(), {.precision = Precision::bf16});
  if (options.bf16 == nullptr) return std::nullopt;
  options.precision = Precision::f32;
  options.bf16 = nullptr;
  const bool can = !node_that_needs_f32(make_plan(graph, smallest_input(graph), options));
  return can ? std::optional(Precision::bf16) : std::nullopt;
}

int64_t activation_bytes(const Graph& graph, const Shape& input, const EngineOptions& options) {
  const Plan plan = make_plan(graph, input, plan_options(kernels(), options));
  const int threads = options.threads > 0 ? options.threads : available_cores();
  return bytes_of(plan, execution_of(plan, options), threads);
}

class Engine::Impl {
 public:
  Impl(std::shared_ptr<const Model> model, const EngineOptions& options)
      : Impl(model, model->graph(), options, std::make_shared<Threads>(options.threads)) {}

  // The first nodes of the model, as a network of their own.
  Impl(std::shared_ptr<const Model> model, Graph graph, const EngineOptions& options,
       std::shared_ptr<Threads> threads)
      : model_(std::move(model)),
        graph_(std::move(graph)),
        kernels_(kernels()),
        plan_options_(plan_options(kernels_, options)),
        threads_(std::move(threads)),
        smallest_(smallest_input(graph_)),
        smallest_plan_(make_plan(graph_, smallest_, plan_options_)),
        execution_(execution_of(smallest_plan_, options)),
        filters_(model_, smallest_plan_.filters, kernels_, *threads_) {
    find_descriptors(options);
  }

  void run(const Tensor& input, Tensor& output, const SideInputs& side) {
    check_input(input.shape());
    const double looking = descriptors_.empty() ? 0 : looking_share;
    {
      const WatchStage stage(0, looking);
      know(whole_input(input), all_of(input.shape()), told(side), own_);
    }
    const WatchStage stage(looking, 1);
    run_whole(input, own_, output);
  }

  std::shared_ptr<const Given> condition(const WholeInput& photo,
                                         const std::optional<Region>& described,
                                         const SideInputs& side) {
    check_input(photo.shape);
    const Region whole = all_of(photo.shape);
    check_part(photo.shape, described.value_or(whole));
    if (described && (described->top % smallest_.h != 0 || described->left % smallest_.w != 0))
      fail("the photo begins at ({}, {}) of the input; multiples of {} are needed", described->left,
           described->top, smallest_.h);
    auto given = std::make_shared<Given>();
    know(photo, described.value_or(whole), told(side), *given);
    return given;
  }

  std::shared_ptr<const Given> condition(const Statistics& statistics, const SideInputs& side) {
    auto given = std::make_shared<Given>();
    given->vectors = told(side);
    for (const Description& descriptor : descriptors_) {
      if (!steers_known_filters_alone(graph_, descriptor.node, statistics))
        fail("more than known filters follow from the photo by way of '{}'",
             graph_.node(descriptor.node).name);
      given->vectors[descriptor.node].resize(size_t(descriptor.size));
    }
    predict_filters(smallest_plan_, filters_, statistics, *given);
    return given;
  }

  Statistics statistics(const Tensor& input, const SideInputs& side) {
    check_input(input.shape());
    know(whole_input(input), all_of(input.shape()), told(side), own_);
    Statistics found = own_.statistics;
    bool is_complete = true;
    for (NodeId id = 0; id <= graph_.output(); ++id) {
      const auto* op = std::get_if<HyperConv2d>(&graph_.node(id).op);
      if (op == nullptr) continue;
      if (op->conditioning == Conditioning::constant)
        found[id] = model_->weight(graph_.node(id).name + ".s").to_float();
      is_complete = is_complete && found.contains(id);
    }
    if (is_complete) return found;
    // The others become known during the run of an executor that computes whole layers.
    WholeExecutor executor(make_plan(graph_, input.shape(), plan_options_), filters_, kernels_,
                           *threads_);
    Tensor output(executor.plan().output);
    executor.run({input, output}, own_);
    found.insert(executor.statistics().begin(), executor.statistics().end());
    return found;
  }

  std::optional<std::string> why_not_in_parts(const Statistics& known) const {
    const auto node = node_that_needs_whole_layers(graph_, known);
    if (!node) return std::nullopt;
    return fmt::format("node '{}' ({}) looks at the whole of a layer", graph_.node(*node).name,
                       operator_name(graph_.node(*node).op));
  }

  const PartPlan& plan_part(const Shape& whole, const Region& part) {
    if (last_.whole != whole || last_.part != part)
      last_ = {whole, part, planned_part(whole, part)};
    return last_.plan;
  }

  void run_part(const Shape& whole, const Region& part, const Tensor& input, const Given& given,
                Tensor& output) {
    check_part(whole, part);
    const bool streams = execution_ == Execution::stream;
    PartPlan planned = streams ? PartPlan() : framed(whole, part);
    Executor& executor = executor_for(streams ? whole : shape_of(planned.reads));
    if (streams) {
      auto& stream = static_cast<StreamExecutor&>(executor);
      stream.make_part(output_of(part, whole, stream.plan().output));
      planned = with_itself(stream.part_plan(), part);
    }
    if (input.shape() != shape_of(planned.reads))
      fail("the part reads {} of the input, not {}", to_string(shape_of(planned.reads)),
           to_string(input.shape()));
    const Shape made{1, executor.plan().output.c, planned.makes.height, planned.makes.width};
    if (output.shape() != made) output = Tensor(made);
    // A frame's plan begins where the frame does.
    const Region in = streams ? planned.reads : Region(), out = streams ? planned.makes : Region();
    executor.run({input, output, in.top, in.left, out.top, out.left}, given);
  }

  int64_t arena_bytes(const Shape& input) const {
    check_input(input);
    return bytes_of(make_plan(graph_, input, plan_options_), execution_, threads_->count());
  }

  Execution execution() const { return execution_; }
  Precision precision() const { return plan_options_.precision; }

 private:
  Vectors told(const SideInputs& side) const {
    return side_vectors(graph_, model_->info().side_ranges, side);
  }

  PartPlan planned_part(const Shape& whole, const Region& part) const {
    check_part(whole, part);
    if (execution_ == Execution::stream) {
      const Plan plan = make_plan(graph_, whole, plan_options_);
      return with_itself(
          StreamExecutor::part_plan(plan, threads_->count(), output_of(part, whole, plan.output)),
          part);
    }
    PartPlan planned = framed(whole, part);
    planned.bytes = make_plan(graph_, shape_of(planned.reads), plan_options_).arena_bytes;
    return planned;
  }

  // A PhotoDescriptor, and the network that computes its input.
  struct Description {
    NodeId node;
    int64_t size;                ///< numbers
    std::unique_ptr<Impl> made;  ///< makes what is described; null: the input itself is
  };

  void find_descriptors(EngineOptions options) {
    options.precision = Precision::f32;
    const auto shapes = infer_shapes(graph_, smallest_);
    for (NodeId id = 0; id <= graph_.output(); ++id) {
      if (!std::holds_alternative<PhotoDescriptor>(graph_.node(id).op)) continue;
      const NodeId source = graph_.node(id).inputs.front();
      Description descriptor{id, shapes[size_t(id)].c, nullptr};
      // The user's choice of execution does not apply here.
      options.execution = Execution::automatic;
      if (source != 0)
        descriptor.made =
            std::make_unique<Impl>(model_, graph_up_to(graph_, source), options, threads_);
      descriptors_.push_back(std::move(descriptor));
    }
  }

  void check_input(const Shape& input) const {
    const Shape& unit = smallest_;
    if (input.n != 1 || input.c != unit.c || input.h < 1 || input.w < 1 || input.h % unit.h != 0 ||
        input.w % unit.w != 0) {
      fail("the network takes [1,{},H,W] with H and W multiples of {}, not {}", unit.c, unit.h,
           to_string(input));
    }
  }

  void check_part(const Shape& whole, const Region& part) const {
    check_input(whole);
    if (part.top < 0 || part.left < 0 || part.height < 1 || part.width < 1 ||
        part.height > whole.h - part.top || part.width > whole.w - part.left)
      fail("the part {}x{} at ({}, {}) is not within the input's {}x{}", part.width, part.height,
           part.left, part.top, whole.w, whole.h);
  }

  // Everything that is computed of the photo before its first row is convolved.
  void know(const WholeInput& photo, const Region& described, Vectors side, Given& given) {
    given.statistics.clear();
    given.vectors = std::move(side);
    for (size_t i = 0; i < descriptors_.size(); ++i) {
      const WatchStage stage(int64_t(i), int64_t(descriptors_.size()));
      given.vectors[descriptors_[i].node] = describe(descriptors_[i], photo, described, given);
    }
    predict_filters(smallest_plan_, filters_, {}, given);
  }

  std::vector<float> describe(Description& descriptor, const WholeInput& photo,
                              const Region& described, const Given& given) {
    PhotoSums sums(kernels_, *threads_);
    if (descriptor.made == nullptr)
      add_input(photo, described, sums);
    else
      descriptor.made->add_made(photo, described, given.vectors, sums);
    return sums.descriptor();
  }

  // Calls add(band) for one band of whole rows after the other.
  template <class Add>
  static void for_bands(const Region& all, int64_t multiple, const Add& add) {
    const int64_t rows = round_up(band_height, multiple);
    for (int64_t top = 0; top < all.height; top += rows) {
      throw_if_interrupted();
      const int64_t end = std::min(top + rows, all.height);
      const WatchStage stage(double(top) / double(all.height), double(end) / double(all.height));
      add(Region{all.top + top, all.left, end - top, all.width});
    }
  }

  static void add_input(const WholeInput& photo, const Region& described, PhotoSums& sums) {
    const Interval columns{described.left, described.left + described.width};
    if (photo.values != nullptr)
      return sums.add(*photo.values, {described.top, described.top + described.height}, columns);
    Tensor values;
    for_bands(described, 1, [&](const Region& band) {
      const Shape shape{1, photo.shape.c, band.height, band.width};
      if (values.shape() != shape) values = Tensor(shape);
      photo.read(band, values);
      sums.add(values, {0, band.height}, {0, band.width});
    });
  }

  // Adds this network's output for the described part of the photo.
  void add_made(const WholeInput& photo, Region described, const Vectors& vectors,
                PhotoSums& sums) {
    described.height = round_up(described.height, smallest_.h);
    described.width = round_up(described.width, smallest_.w);
    Vectors own;
    for (const auto& [node, value] : vectors)
      if (node <= graph_.output()) own[node] = value;
    Given given;
    know(photo, described, std::move(own), given);
    Tensor values, made;
    // Operators that read whole layers need all of the photo.
    if (why_not_in_parts(given.statistics)) {
      values = Tensor(photo.shape);
      photo.read(all_of(photo.shape), values);
      run_whole(values, given, made);
      const Region place = output_of(described, photo.shape, made.shape());
      return sums.add(made, {place.top, place.top + place.height},
                      {place.left, place.left + place.width});
    }
    for_bands(described, smallest_.h, [&](const Region& band) {
      const PartPlan planned = plan_part(photo.shape, band);
      if (values.shape() != shape_of(planned.reads)) values = Tensor(shape_of(planned.reads));
      photo.read(planned.reads, values);
      run_part(photo.shape, band, values, given, made);
      const Region place = output_of(band, smallest_, smallest_plan_.output);
      const int64_t top = place.top - planned.makes.top, left = place.left - planned.makes.left;
      sums.add(made, {top, top + place.height}, {left, left + place.width});
    });
  }

  void run_whole(const Tensor& input, const Given& given, Tensor& output) {
    Executor& executor = executor_for(input.shape());
    const Shape& shape = executor.plan().output;
    if (execution_ == Execution::stream)
      static_cast<StreamExecutor&>(executor).make_part(all_of(shape));
    if (output.shape() != shape) output = Tensor(shape);
    executor.run({input, output}, given);
  }

  // At least some of the part is read, even where the network does not depend on it.
  static PartPlan with_itself(PartPlan planned, const Region& part) {
    planned.reads = joined(planned.reads, part);
    return planned;
  }

  // A part as a small photo of its own, with the halo around it.
  PartPlan framed(const Shape& whole, const Region& part) const {
    const int64_t margin = receptive_field(graph_) / 2;
    // From the edges of the output's pixels on, which may be larger than the input's.
    const Shape& made = smallest_plan_.output;
    const Region own = output_of(output_of(part, smallest_, made), made, smallest_);
    const Interval rows = frame_around(own.top, own.height, margin, smallest_.h, whole.h);
    const Interval columns = frame_around(own.left, own.width, margin, smallest_.w, whole.w);
    PartPlan planned;
    planned.reads = {rows.first, columns.first, rows.size(), columns.size()};
    planned.makes = output_of(planned.reads, smallest_, smallest_plan_.output);
    return planned;
  }

  Shape shape_of(const Region& part) const { return {1, smallest_.c, part.height, part.width}; }

  Executor& executor_for(const Shape& shape) {
    if (!executor_ || executor_->plan().input != shape) {
      Plan plan = make_plan(graph_, shape, plan_options_);
      executor_.reset();  // frees the old memory before the new is allocated
      executor_ = make_executor(std::move(plan));
    }
    return *executor_;
  }

  std::unique_ptr<Executor> make_executor(Plan plan) {
    if (execution_ == Execution::stream)
      return std::make_unique<StreamExecutor>(std::move(plan), filters_, kernels_, *threads_);
    return std::make_unique<WholeExecutor>(std::move(plan), filters_, kernels_, *threads_);
  }

  std::shared_ptr<const Model> model_;
  const Graph graph_;
  const Kernels& kernels_;
  const PlanOptions plan_options_;
  std::shared_ptr<Threads> threads_;
  const Shape smallest_;
  const Plan smallest_plan_;
  const Execution execution_;
  FilterBank filters_;
  std::vector<Description> descriptors_;
  struct {
    Shape whole;
    Region part;
    PartPlan plan;
  } last_;                              // planned part
  Given own_;                           // of the last whole photo
  std::unique_ptr<Executor> executor_;  // for the last size
};

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

void Engine::run(const Tensor& input, Tensor& output, const SideInputs& side) {
  impl_->run(input, output, side);
}

Conditions Engine::condition(const WholeInput& photo, const std::optional<Region>& described,
                             const SideInputs& side) {
  return {impl_->condition(photo, described, side), impl_.get()};
}

Conditions Engine::condition(const Statistics& statistics, const SideInputs& side) {
  return {impl_->condition(statistics, side), impl_.get()};
}

Statistics Engine::statistics(const Tensor& input, const SideInputs& side) {
  return impl_->statistics(input, side);
}

std::optional<std::string> Engine::why_not_in_parts() const { return impl_->why_not_in_parts({}); }

std::optional<std::string> Engine::why_not_in_parts(const Conditions& conditions) const {
  return impl_->why_not_in_parts(conditions.statistics());
}

PartPlan Engine::plan_part(const Shape& whole, const Region& part) {
  return impl_->plan_part(whole, part);
}

void Engine::run_part(const Shape& whole, const Region& part, const Tensor& input,
                      const Conditions& conditions, Tensor& output) {
  if (conditions.engine_ != impl_.get()) fail("these conditions are another engine's");
  impl_->run_part(whole, part, input, *conditions.given_, output);
}

Execution Engine::execution() const { return impl_->execution(); }

Precision Engine::precision() const { return impl_->precision(); }

int64_t Engine::arena_bytes(const Shape& input) { return impl_->arena_bytes(input); }

}  // namespace hyperconv
