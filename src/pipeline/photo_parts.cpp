#include "pipeline/photo_parts.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/watch.hpp"
#include "pipeline/noise_level.hpp"

namespace hyperconv {
namespace {

int64_t round_down(int64_t value, int64_t multiple) {
  return (value >= 0 ? value : value - multiple + 1) / multiple * multiple;
}

/// What a network looks at for a part of a photo: the part and what lies around it, as far as its
/// filters reach, from a multiple of its poolings on, so that every part is pooled in the same
/// phase.
Region frame_around(const Region& part, int64_t margin, int64_t multiple) {
  Region frame;
  frame.top = round_down(part.top - margin, multiple);
  frame.left = round_down(part.left - margin, multiple);
  frame.height = round_up(part.top + part.height + margin - frame.top, multiple);
  frame.width = round_up(part.left + part.width + margin - frame.left, multiple);
  return frame;
}

}  // namespace

Tensor frame_of(const Image& photo, const Region& frame, Threads& threads) {
  Tensor tensor({1, 3, frame.height, frame.width});
  std::vector<size_t> columns(size_t(frame.width));
  for (int64_t x = 0; x < frame.width; ++x)
    columns[size_t(x)] = size_t(mirrored(frame.left + x, photo.width)) * size_t(photo.channels);
  const auto stride = size_t(photo.width) * size_t(photo.channels);
  const bool is_colour = colours_of(photo) == 3;
  std::visit(
      [&](const auto& samples) {
        using Sample = typename std::decay_t<decltype(samples)>::value_type;
        threads.parallel_for(frame.height, [&](int64_t y) {
          const Sample* row =
              samples.data() + size_t(mirrored(frame.top + y, photo.height)) * stride;
          for (int64_t c = 0; c < 3; ++c) {
            const Sample* from = row + (is_colour ? c : 0);
            float* to = tensor.row(0, c, y);
            for (size_t x = 0; x < columns.size(); ++x)
              to[x] = float(from[columns[x]]) / white_of<Sample>();
          }
        });
      },
      photo.samples);
  return tensor;
}

PartRunner::PartRunner(std::shared_ptr<const Model> model, const EngineOptions& options,
                       int64_t memory)
    : model_(std::move(model)),
      engine_(model_, options),
      channels_(infer_shapes(model_->graph(), {1, 3, multiple(), multiple()}).back().c),
      // Local deviations are taken of what lies around a place.
      margin_(receptive_field(model_->graph()) / 2 + local_reach),
      memory_(memory) {}

int PartRunner::multiple() const { return size_multiple(model_->graph()); }

int64_t PartRunner::bytes_for(int64_t rows, int64_t columns) {
  const Region frame = frame_around({1, 1, rows, columns}, margin_, multiple());
  const Shape shape{1, 3, frame.height, frame.width};
  return engine_.arena_bytes(shape) + (3 + channels_) * shape.plane() * int64_t(sizeof(float));
}

/// The longer side is halved until it fits.
std::array<int64_t, 2> PartRunner::piece_size(const Region& part) {
  int64_t rows = part.height, columns = part.width;
  while (bytes_for(rows, columns) > memory_) {
    if (std::max(rows, columns) <= 2 * multiple())
      fail_as(ErrorCode::out_of_memory,
              "{:.3g} GiB of memory are too little: even in parts this network needs {:.3g} GiB",
              double(memory_) / (1 << 30), double(bytes_for(rows, columns)) / (1 << 30));
    int64_t& longer = rows >= columns ? rows : columns;
    longer = round_up((longer + 1) / 2, multiple());
  }
  return {rows, columns};
}

void PartRunner::run(const Image& photo, const Region& part, Threads& threads,
                     const std::function<void(const Piece&)>& use) {
  const auto [rows, columns] = piece_size(part);
  Tensor output;
  const int64_t pieces = ceil_div(part.height, rows) * ceil_div(part.width, columns);
  int64_t index = 0;
  for (int64_t top = 0; top < part.height; top += rows)
    for (int64_t left = 0; left < part.width; left += columns) {
      throw_if_interrupted();
      const WatchStage stage(index++, pieces);
      const Region region{part.top + top, part.left + left, std::min(rows, part.height - top),
                          std::min(columns, part.width - left)};
      const Region frame = frame_around(region, margin_, multiple());
      const Tensor input = frame_of(photo, frame, threads);
      engine_.run(input, output);
      use({region, region.top - frame.top, region.left - frame.left, input, output});
    }
}

}  // namespace hyperconv
