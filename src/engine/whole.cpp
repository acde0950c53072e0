#include "engine/whole.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/fail.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

// What a tile's rows of input may take of a core's second-level cache (512 KiB and more), which the
// weights share.
constexpr int64_t tile_row_bytes = 128 << 10;

int64_t longest_row(const Plan& plan) {
  int64_t longest = 0;
  for (const FeatureMap& feature_map : plan.feature_maps)
    longest = std::max(longest, feature_map.row);
  return longest;
}

}  // namespace

void require_memory(int64_t bytes) {
  const int64_t machine = int64_t(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (bytes <= machine) return;
  fail_as(ErrorCode::out_of_memory,
          "the network needs {:.1f} GiB of memory for this frame; the machine has {:.1f} GiB",
          double(bytes) / (1 << 30), double(machine) / (1 << 30));
}

WholeExecutor::WholeExecutor(Plan plan, FilterBank& filters, const Kernels& kernels,
                             Threads& threads)
    : plan_(std::move(plan)),
      filters_(filters),
      kernels_(kernels),
      threads_(threads),
      sums_(threads) {
  require_memory(plan_.arena_bytes);
  arena_ = Arena(size_t(plan_.arena_bytes));
  zeros_.resize(size_t(longest_row(plan_)) + size_t(kernels_.lanes) * sizeof(float));
  for (const FeatureMap& feature_map : plan_.feature_maps) {
    buffers_.push_back({.data = arena_.data() + feature_map.offset,
                        .row = feature_map.row,
                        .pixel = feature_map.pixel_bytes(),
                        .slots = feature_map.height,
                        .left = -feature_map.border});
  }
  map_sums_.resize(plan_.feature_maps.size());
  seconds_.resize(plan_.steps.size());
}

// Memory for all predicted filters, as soon as a run is not given one of them.
void WholeExecutor::make_room(const Given& given) {
  if (!predicted_.empty()) return;
  std::set<FilterId> all;
  bool is_one_missing = false;
  for (const Step& step : plan_.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    const auto* predict = frame == nullptr ? nullptr : std::get_if<action::PredictFilters>(frame);
    if (predict == nullptr) continue;
    all.insert(predict->filter);
    is_one_missing = is_one_missing || given.filters.find(predict->filter) == nullptr;
  }
  if (is_one_missing) predicted_ = filters_.room_for({all.begin(), all.end()});
}

void WholeExecutor::run(const RunTensors& tensors, const Given& given) {
  make_room(given);
  const RunFilters filters(filters_, given.filters, predicted_);
  const RowRunner rows({plan_, filters, kernels_, buffers_, zeros_.data(), tensors});
  rows_ = &rows;
  given_ = &given;
  found_.clear();
  for (auto& sums : map_sums_) sums.clear();
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    throw_if_interrupted();
    tell_done(int64_t(i), int64_t(plan_.steps.size()));
    const Step& step = plan_.steps[i];
    const auto start = std::chrono::steady_clock::now();
    for (const FeatureMapId p : step.outputs) clear_border(p);
    std::visit([&](const auto& action) { execute(action, step); }, step.action);
    seconds_[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

// Other feature maps have used this memory: the border's zeros have to be restored.
void WholeExecutor::clear_border(FeatureMapId id) {
  const FeatureMap& of = feature_map(id);
  const RowBuffer& buffer = buffers_[size_t(id)];
  const int64_t side = of.border * of.pixel_bytes();
  for (int64_t y = 0; y < of.height && side > 0; ++y) {
    std::fill_n(buffer.at(y, -of.border), side, std::byte(0));
    std::fill_n(buffer.at(y, of.width), side, std::byte(0));
  }
}

void WholeExecutor::mirror_border(FeatureMapId id) {
  const FeatureMap& of = feature_map(id);
  for_rows(of.height, [&](int64_t y) {
    for (int64_t i = 1; i <= of.border; ++i) {
      const int64_t right = of.width - 1 + i;
      std::copy_n(pixel(id, y, mirrored(-i, of.width)), of.pixel, pixel(id, y, -i));
      std::copy_n(pixel(id, y, mirrored(right, of.width)), of.pixel, pixel(id, y, right));
    }
  });
}

void WholeExecutor::execute(const action::FillBorder& action, const Step& step) {
  const FeatureMapId around = step.inputs.front();
  switch (action.padding) {
    case Padding::zero:
      return clear_border(around);
    case Padding::reflect:
      return mirror_border(around);
  }
}

WholeExecutor::Tiling WholeExecutor::tiling_of(const RowAction& action, const Step& step) const {
  const RowReach reach = reach_of(plan_, action);
  Tiling tiling{.units = units_of(plan_, step),
                .rows = std::max<int64_t>(1, band_rows / reach.rows.out),
                .columns = 0};
  tiling.columns = tiling.units.width;
  // Only where each input row is read for several output rows, one after the other.
  if (reach.rows.count <= reach.rows.in || reach.rows.out > 1) return tiling;
  int64_t column_bytes = 0;
  for (const FeatureMapId p : step.inputs)
    column_bytes += reach.rows.count * feature_map(p).pixel_bytes();
  const int64_t fitting = std::clamp(tile_row_bytes / column_bytes, int64_t(1), tiling.units.width);
  // Multiples of the kernels' register tile, and all about as wide.
  const int64_t across = ceil_div(tiling.units.width, fitting);
  const int64_t register_tiles =
      ceil_div(ceil_div(tiling.units.width, across), kernels_.pixels_at_once);
  tiling.columns = std::min(register_tiles * kernels_.pixels_at_once, tiling.units.width);
  return tiling;
}

// Channels whose sums are wanted of what the step writes.
int64_t WholeExecutor::sums_wanted(const Step& step) const {
  int64_t count = 0;
  for (const FeatureMapId p : step.outputs)
    count += feature_map(p).sums ? feature_map(p).channels : 0;
  return count;
}

void WholeExecutor::execute(const RowAction& action, const Step& step) {
  const Tiling tiling = tiling_of(action, step);
  const int64_t wanted = sums_wanted(step);
  const auto& sums = sums_.over_tiles(tiling.count(), wanted, [&](int64_t index, double* to) {
    run_tile(step, tiling, index, to);
  });
  auto next = sums.begin();
  for (const FeatureMapId p : step.outputs) {
    if (!feature_map(p).sums) continue;
    map_sums_[size_t(p)].assign(next, next + feature_map(p).channels);
    next += feature_map(p).channels;
  }
}

void WholeExecutor::run_tile(const Step& step, const Tiling& tiling, int64_t index, double* sums) {
  const RowReach reach = reach_of(plan_, std::get<RowAction>(step.action));
  const int64_t x = index % tiling.across() * tiling.columns;
  const Interval columns{x, std::min(tiling.units.width, x + tiling.columns)};
  const int64_t first = index / tiling.across() * tiling.rows;
  const int64_t end = std::min(tiling.units.height, first + tiling.rows);
  for (int64_t y = first; y < end; ++y) {
    rows_->run(step, y, columns);
    add_sums(step, reach, y, columns, sums);
  }
}

// Of what was just written: it is still in the cache.
void WholeExecutor::add_sums(const Step& step, const RowReach& reach, int64_t y, Interval columns,
                             double* sums) {
  for (const FeatureMapId p : step.outputs) {
    const FeatureMap& of = feature_map(p);
    if (!of.sums) continue;
    const int64_t end = std::min(of.height, (y + 1) * reach.rows.out);
    const Interval written{columns.first * reach.columns.out, columns.end * reach.columns.out};
    for (int64_t row = y * reach.rows.out; row < end; ++row) rows_->add_sums(p, row, written, sums);
    sums += of.channels;
  }
}

void WholeExecutor::execute(const FrameAction& action, const Step& step) {
  std::visit([&](const auto& frame) { execute(frame, step); }, action);
}

void WholeExecutor::execute(const action::TakeVector&, const Step& step) {
  std::ranges::copy(given_->vectors.at(step.node), pixel(step.outputs.front(), 0, 0));
}

void WholeExecutor::execute(const action::PredictFilters& action, const Step& step) {
  if (given_->filters.find(action.filter) != nullptr) return;
  switch (action.conditioning) {
    case Conditioning::layer:
      channel_means(step.inputs);
      break;
    case Conditioning::image:
      statistics_.clear();
      for (const FeatureMapId p : step.inputs) {
        const float* s = pixel(p, 0, 0);
        statistics_.insert(statistics_.end(), s, s + feature_map(p).channels);
      }
      break;
    case Conditioning::constant:
      return;  // predicted when the weights were packed
  }
  filters_.predict(action.filter, action.node, statistics_, predicted_);
  found_[action.node] = statistics_;
}

}  // namespace hyperconv
