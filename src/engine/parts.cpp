#include "engine/parts.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

double gib(int64_t bytes) { return double(bytes) / (1 << 30); }

Shape smallest_input(const Graph& graph) {
  const int side = size_multiple(graph);
  return {1, std::get<Input>(graph.node(0).op).channels, side, side};
}

}  // namespace

PartRunner::PartRunner(std::shared_ptr<const Model> model, const EngineOptions& engine,
                       const PartOptions& options)
    : engine_(model, engine),
      options_(options),
      unit_(smallest_input(model->graph())),
      made_(infer_shapes(model->graph(), unit_).back()) {}

Region PartRunner::with_surroundings(const Shape& whole, const Region& part) const {
  const int64_t top = std::max<int64_t>(part.top - options_.around, 0);
  const int64_t left = std::max<int64_t>(part.left - options_.around, 0);
  const int64_t bottom = std::min(part.top + part.height + options_.around, whole.h);
  const int64_t right = std::min(part.left + part.width + options_.around, whole.w);
  return {top, left, bottom - top, right - left};
}

PartRunner::Bytes PartRunner::bytes_for(const WholeInput& photo, const Region& part) {
  const PartPlan planned = engine_.plan_part(photo.shape, with_surroundings(photo.shape, part));
  const int64_t read = unit_.c * planned.reads.height * planned.reads.width;
  const int64_t made = made_.c * planned.makes.height * planned.makes.width;
  const int64_t values = (read + made) * int64_t(sizeof(float));
  return {values, planned.bytes + values};
}

// What is available is asked for again for each photo.
PartRunner::Bytes PartRunner::most_bytes() const {
  if (options_.memory) return {*options_.memory, *options_.memory};
  const int64_t most = available_memory_bytes() / 4 * 3;
  switch (engine_.execution()) {
    case Execution::stream:
      return {usual_part_bytes, most};
    case Execution::automatic:
    case Execution::whole:
      return {most, most};
  }
  return {most, most};
}

// Rows are halved as long as parts are high, then the longer side, until a part in the middle fits:
// what lies at the edges needs less, and rows are read as they lie in memory.
PartRunner::Size PartRunner::part_size(const WholeInput& photo, const Region& region) {
  const Bytes most = most_bytes();
  const int64_t multiple = unit_.h;
  Size size{region.height, region.width};
  const auto bytes = [&] {
    return bytes_for(photo,
                     {region.top + (region.height - size.rows) / 2,
                      region.left + (region.width - size.columns) / 2, size.rows, size.columns});
  };
  for (Bytes needed = bytes(); needed.all > most.all || needed.values > most.values;
       needed = bytes()) {
    if (std::max(size.rows, size.columns) <= 2 * multiple)
      fail_as(ErrorCode::out_of_memory,
              "{:.3g} GiB of memory are too little: even in parts this network needs {:.3g} GiB",
              gib(most.all), gib(needed.all));
    constexpr int64_t few_rows = 8;
    const bool is_high = size.rows > few_rows * multiple || size.rows >= size.columns;
    int64_t& side = is_high ? size.rows : size.columns;
    side = round_up((side + 1) / 2, multiple);
  }
  return size;
}

// Only a limit that the caller gave forbids to try.
void PartRunner::check_whole(const WholeInput& photo, const std::string& why) {
  if (!options_.memory) return;
  const int64_t needed = bytes_for(photo, {0, 0, photo.shape.h, photo.shape.w}).all;
  if (needed > *options_.memory)
    fail_as(ErrorCode::out_of_memory,
            "{:.3g} GiB of memory are too little: {}, so that this network cannot run in parts, "
            "and needs {:.3g} GiB",
            gib(*options_.memory), why, gib(needed));
}

int64_t PartRunner::run(const WholeInput& photo, const Region& region, const Conditions& conditions,
                        const std::function<void(const PhotoPart&)>& use) {
  const auto why = engine_.why_not_in_parts(conditions);
  if (why && !options_.alone) {
    check_whole(photo, *why);
    run_one(photo, {0, 0, photo.shape.h, photo.shape.w}, region, conditions, use);
    return 1;
  }
  const auto [rows, columns] = part_size(photo, region);
  const int64_t count = ceil_div(region.height, rows) * ceil_div(region.width, columns);
  int64_t index = 0;
  for (int64_t top = 0; top < region.height; top += rows)
    for (int64_t left = 0; left < region.width; left += columns) {
      throw_if_interrupted();
      const WatchStage stage(index++, count);
      const Region part{region.top + top, region.left + left, std::min(rows, region.height - top),
                        std::min(columns, region.width - left)};
      run_one(photo, with_surroundings(photo.shape, part), part, conditions, use);
    }
  return count;
}

// Runs `seen`, a part with its surroundings, and passes on the region within it.
void PartRunner::run_one(const WholeInput& photo, const Region& seen, const Region& region,
                         const Conditions& conditions,
                         const std::function<void(const PhotoPart&)>& use) {
  const PartPlan planned = engine_.plan_part(photo.shape, seen);
  const Shape read{1, unit_.c, planned.reads.height, planned.reads.width};
  const bool is_there = photo.values != nullptr && read == photo.shape;
  if (!is_there) {
    if (input_.shape() != read) input_ = Tensor(read);
    photo.read(planned.reads, input_);
  }
  const Tensor& input = is_there ? *photo.values : input_;
  engine_.run_part(photo.shape, seen, input, conditions, output_);
  use({region, input, region.top - planned.reads.top, region.left - planned.reads.left, output_,
       region.top * made_.h / unit_.h - planned.makes.top,
       region.left * made_.w / unit_.w - planned.makes.left});
}

}  // namespace hyperconv
