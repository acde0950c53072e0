#include "engine/whole.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/fail.hpp"
#include "base/watch.hpp"

namespace hyperconv {
namespace {

// What a strip's rows of input may take of a core's second-level cache (512 KiB and more), which
// the weights share.
constexpr int64_t strip_bytes = 128 << 10;

int64_t longest_row(const Plan& plan) {
  int64_t longest = 0;
  for (const Picture& picture : plan.pictures) longest = std::max(longest, picture.row);
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
  for (const Picture& picture : plan_.pictures) {
    views_.push_back({.data = arena_.data() + picture.offset,
                      .row = picture.row,
                      .pixel = picture.pixel_bytes(),
                      .slots = picture.height,
                      .left = -picture.border});
  }
  picture_sums_.resize(plan_.pictures.size());
  seconds_.resize(plan_.steps.size());
}

// Room for all filters that follow from the photo, once a run is not given one of them.
void WholeExecutor::make_room(const Given& given) {
  if (!predicted_.empty()) return;
  std::set<FilterId> all;
  bool is_one_missing = false;
  for (const Step& step : plan_.steps) {
    const auto* frame = std::get_if<FrameAction>(&step.action);
    const auto* predict = frame == nullptr ? nullptr : std::get_if<PredictFilters>(frame);
    if (predict == nullptr) continue;
    all.insert(predict->filter);
    is_one_missing = is_one_missing || given.filters.find(predict->filter) == nullptr;
  }
  if (is_one_missing) predicted_ = filters_.room_for({all.begin(), all.end()});
}

void WholeExecutor::run(const RunTensors& tensors, const Given& given) {
  make_room(given);
  const RunFilters filters(filters_, given.filters, predicted_);
  const RowRunner rows({plan_, filters, kernels_, views_, zeros_.data(), tensors});
  rows_ = &rows;
  given_ = &given;
  found_.clear();
  for (auto& sums : picture_sums_) sums.clear();
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    throw_if_interrupted();
    tell_done(int64_t(i), int64_t(plan_.steps.size()));
    const Step& step = plan_.steps[i];
    const auto start = std::chrono::steady_clock::now();
    for (const PictureId p : step.outputs) clear_border(p);
    std::visit([&](const auto& action) { execute(action, step); }, step.action);
    seconds_[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

// The arena is used again and again: zeros beside a picture do not stay.
void WholeExecutor::clear_border(PictureId id) {
  const Picture& of = picture(id);
  const View& view = views_[size_t(id)];
  const int64_t side = of.border * of.pixel_bytes();
  for (int64_t y = 0; y < of.height && side > 0; ++y) {
    std::fill_n(view.at(y, -of.border), side, std::byte(0));
    std::fill_n(view.at(y, of.width), side, std::byte(0));
  }
}

void WholeExecutor::mirror_border(PictureId id) {
  const Picture& of = picture(id);
  for_rows(of.height, [&](int64_t y) {
    for (int64_t i = 1; i <= of.border; ++i) {
      const int64_t right = of.width - 1 + i;
      std::copy_n(pixel(id, y, mirrored(-i, of.width)), of.pixel, pixel(id, y, -i));
      std::copy_n(pixel(id, y, mirrored(right, of.width)), of.pixel, pixel(id, y, right));
    }
  });
}

void WholeExecutor::execute(const FillBorder& action, const Step& step) {
  const PictureId around = step.inputs.front();
  switch (action.padding) {
    case Padding::zero:
      return clear_border(around);
    case Padding::reflect:
      return mirror_border(around);
  }
}

WholeExecutor::Pieces WholeExecutor::pieces_of(const RowAction& action, const Step& step) const {
  const RowReach reach = reach_of(plan_, action);
  Pieces pieces{.units = units_of(plan_, step),
                .rows = std::max<int64_t>(1, band_rows / reach.rows.out),
                .columns = 0};
  pieces.columns = pieces.units.width;
  // What reads rows again that lie far apart; a few rows at once look after themselves.
  if (reach.rows.count <= reach.rows.in || reach.rows.out > 1) return pieces;
  int64_t column_bytes = 0;
  for (const PictureId p : step.inputs) column_bytes += reach.rows.count * picture(p).pixel_bytes();
  const int64_t fitting = std::clamp(strip_bytes / column_bytes, int64_t(1), pieces.units.width);
  // Whole tiles, and strips of about the same width.
  const int64_t strips = ceil_div(pieces.units.width, fitting);
  const int64_t tiles = ceil_div(ceil_div(pieces.units.width, strips), kernels_.tile);
  pieces.columns = std::min(tiles * kernels_.tile, pieces.units.width);
  return pieces;
}

// Channels whose sums are wanted of what the step writes.
int64_t WholeExecutor::sums_wanted(const Step& step) const {
  int64_t count = 0;
  for (const PictureId p : step.outputs) count += picture(p).sums ? picture(p).channels : 0;
  return count;
}

void WholeExecutor::execute(const RowAction& action, const Step& step) {
  const Pieces pieces = pieces_of(action, step);
  const int64_t wanted = sums_wanted(step);
  const auto& sums = sums_.over_pieces(pieces.count(), wanted, [&](int64_t index, double* to) {
    run_piece(step, pieces, index, to);
  });
  auto next = sums.begin();
  for (const PictureId p : step.outputs) {
    if (!picture(p).sums) continue;
    picture_sums_[size_t(p)].assign(next, next + picture(p).channels);
    next += picture(p).channels;
  }
}

void WholeExecutor::run_piece(const Step& step, const Pieces& pieces, int64_t index, double* sums) {
  const RowReach reach = reach_of(plan_, std::get<RowAction>(step.action));
  const int64_t x = index % pieces.across() * pieces.columns;
  const Interval columns{x, std::min(pieces.units.width, x + pieces.columns)};
  const int64_t first = index / pieces.across() * pieces.rows;
  const int64_t end = std::min(pieces.units.height, first + pieces.rows);
  for (int64_t y = first; y < end; ++y) {
    rows_->run(step, y, columns);
    add_sums(step, reach, y, columns, sums);
  }
}

// Of what was just written: it is still in the cache.
void WholeExecutor::add_sums(const Step& step, const RowReach& reach, int64_t y, Interval columns,
                             double* sums) {
  for (const PictureId p : step.outputs) {
    const Picture& of = picture(p);
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

void WholeExecutor::execute(const TakeVector&, const Step& step) {
  std::ranges::copy(given_->vectors.at(step.node), pixel(step.outputs.front(), 0, 0));
}

void WholeExecutor::execute(const PredictFilters& action, const Step& step) {
  if (given_->filters.find(action.filter) != nullptr) return;
  switch (action.conditioning) {
    case Conditioning::layer:
      channel_means(step.inputs);
      break;
    case Conditioning::image:
      statistics_.clear();
      for (const PictureId p : step.inputs) {
        const float* s = pixel(p, 0, 0);
        statistics_.insert(statistics_.end(), s, s + picture(p).channels);
      }
      break;
    case Conditioning::constant:
      return;  // predicted when the weights were packed
  }
  filters_.predict(action.filter, action.node, statistics_, predicted_);
  found_[action.node] = statistics_;
}

}  // namespace hyperconv
