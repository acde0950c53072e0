#include "engine/rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace hyperconv {
namespace {

// What the transformed rows of one strip may take of a core's second-level cache (512 KiB and
// more), which the filters share.
constexpr int64_t strip_bytes = 96 << 10;

enum class Scratch { transform, output, count };

// Every thread's own, kept from row to row; starts on a cache line.
float* scratch(Scratch use, int64_t floats) {
  constexpr int64_t line = 16;
  thread_local std::array<std::vector<float>, size_t(Scratch::count)> memories;
  std::vector<float>& memory = memories[size_t(use)];
  if (int64_t(memory.size()) < floats + line) memory.resize(size_t(floats + line));
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (line - int64_t(address / sizeof(float)) % line) % line;
}

float squashed(float value, ActivationKind kind) {
  const auto v = double(value);
  return float(kind == ActivationKind::tanh ? std::tanh(v) : 1 / (1 + std::exp(-v)));
}

// Rows [first, first + count) of a convolution's inputs, from column x on.
struct Taps {
  std::array<const float*, most_tap_rows> rows;
  std::array<ConvInput, most_tap_rows> inputs;
};

}  // namespace

int64_t reflected(int64_t index, int64_t size) {
  const int64_t period = std::max<int64_t>(2 * (size - 1), 1);
  const int64_t phase = (index % period + period) % period;
  return std::min(phase, period - phase) % size;
}

void RowRunner::run(const Step& step, int64_t y, Interval columns) const {
  std::visit([&](const auto& action) { run(action, step, y, columns); },
             std::get<RowAction>(step.action));
}

PixelRun RowRunner::in(const Step& step, size_t index, int64_t y, int64_t x) const {
  const View& from = view(step.inputs[index]);
  return {from.at(y, x), from.pixel};
}

// The same of a picture as large as the first output, or of its one pixel again and again.
PixelRun RowRunner::spread(const Step& step, size_t index, int64_t y, int64_t x) const {
  const Picture& from = picture(step.inputs[index]);
  const Picture& over = picture(step.outputs.front());
  if (from.height == over.height && from.width == over.width) return in(step, index, y, x);
  return {view(step.inputs[index]).at(0, 0), 0};
}

MutablePixelRun RowRunner::out(const Step& step, size_t index, int64_t y, int64_t x) const {
  const View& to = view(step.outputs[index]);
  return {to.at(y, x), to.pixel};
}

void RowRunner::run(const ReadInput&, const Step& step, int64_t y, Interval columns) const {
  const MutablePixelRun to = out(step, 0, y, columns.first);
  const int64_t channels = picture(step.outputs[0]).channels;
  for (int64_t c = 0; c < channels; ++c) {
    const float* from = context_.input.row(0, c, y) + columns.first;
    for (int64_t x = 0; x < columns.size(); ++x) to.data[x * to.pixel + c] = from[x];
  }
}

int64_t RowRunner::strip_width(const PackedFilter& filter) const {
  int64_t channels = 0;
  for (const FilterPart& part : filter.spec.parts) channels += part.channels;
  const int64_t bytes =
      winograd_rows * (channels + 2 * context_.kernels.lanes) * int64_t(sizeof(float));
  const int64_t tile = context_.kernels.tile;
  return std::max(tile, strip_bytes / bytes / tile * tile);
}

void RowRunner::convolve(const Convolution& what, const Step& step, int64_t y, Interval columns,
                         const Rows& out) const {
  const PackedFilter& filter = what.filter;
  const FilterSpec& spec = filter.spec;
  const bool winograd = spec.form == FilterForm::winograd;
  const int64_t top = y * (winograd ? 4 : what.stride) - spec.kernel / 2;
  const int64_t left = columns.first * what.stride - spec.kernel / 2;
  const int count = rows_read(spec);

  Taps taps;
  int64_t channels = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& from = picture(step.inputs[i]);
    const View& rows = view(step.inputs[i]);
    const float** pointers = taps.rows.data() + i * size_t(count);
    for (int r = 0; r < count; ++r) {
      const int64_t row = top + r;
      const bool mirrored = what.padding == Padding::reflect && row < from.height + spec.kernel / 2;
      if (row >= 0 && row < from.height)
        pointers[r] = rows.at(row, left);
      else
        pointers[r] = mirrored ? rows.at(reflected(row, from.height), left) : context_.zeros;
    }
    taps.inputs[i] = {pointers, from.pixel, from.channels};
    channels += from.channels;
  }

  if (!winograd) {
    context_.kernels.convolve({.inputs = taps.inputs.data(),
                               .input_count = int(step.inputs.size()),
                               .kernel = spec.kernel,
                               .stride = what.stride,
                               .vectors = filter.vectors,
                               .weights = filter.weights,
                               .bias = filter.bias,
                               .rectifier = what.rectifier,
                               .out = out.first[0],
                               .out_pixel = out.pixel,
                               .width = columns.size()});
    return;
  }
  const int64_t strip = strip_width(filter);
  WinogradRows run{.inputs = taps.inputs.data(),
                   .input_count = int(step.inputs.size()),
                   .channels = channels,
                   .vectors = filter.vectors,
                   .weights = filter.weights,
                   .bias = filter.bias,
                   .rectifier = what.rectifier,
                   .out = out.first,
                   .out_pixel = out.pixel,
                   .width = 0,
                   .scratch = scratch(Scratch::transform,
                                      winograd_scratch(strip, channels, context_.kernels.lanes))};
  for (int64_t x = 0; x < columns.size(); x += strip) {
    run.width = std::min(strip, columns.size() - x);
    context_.kernels.convolve_winograd(run);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const float** pointers = taps.rows.data() + i * size_t(count);
      for (int r = 0; r < count; ++r) pointers[r] += strip * taps.inputs[i].pixel;
    }
    for (float*& row : run.out) row = row == nullptr ? nullptr : row + strip * out.pixel;
  }
}

void RowRunner::run(const Convolve& action, const Step& step, int64_t y, Interval columns) const {
  const PackedFilter& filter = context_.filters[action.filter];
  const PictureId id = step.outputs.front();
  const int64_t rows = filter.spec.form == FilterForm::winograd ? 4 : 1;
  Rows to{{}, view(id).pixel};
  for (int64_t r = 0; r < rows && rows * y + r < picture(id).height; ++r)
    to.first[size_t(r)] = view(id).at(rows * y + r, columns.first);
  convolve({filter, action.rectifier, action.stride, action.padding}, step, y, columns, to);
}

// A strip at a time, by way of scratch memory, to planes of channels.
void RowRunner::run(const ConvolveToOutput& action, const Step& step, int64_t y,
                    Interval columns) const {
  constexpr int64_t strip = 96;
  const PackedFilter& filter = context_.filters[action.filter];
  const int64_t rows = filter.spec.form == FilterForm::winograd ? 4 : 1;
  const int64_t height = picture(step.inputs.front()).height;
  const int64_t pixel = int64_t(filter.vectors) * context_.kernels.lanes;
  const int64_t factor = action.factor;
  float* pixels = scratch(Scratch::output, rows * strip * pixel);
  for (int64_t x = columns.first; x < columns.end; x += strip) {
    const Interval piece{x, std::min(columns.end, x + strip)};
    Rows to{{}, pixel};
    for (int64_t r = 0; r < rows && rows * y + r < height; ++r)
      to.first[size_t(r)] = pixels + r * strip * pixel;
    convolve({filter, action.rectifier, 1, action.padding}, step, y, piece, to);
    for (int64_t r = 0; r < rows && rows * y + r < height; ++r) {
      for (int64_t c = 0; c < filter.spec.out_channels; c += factor) {
        const int64_t to_row = factor * (rows * y + r) + c / factor % factor;
        context_.kernels.spread(to.first[size_t(r)] + c, pixel, factor, piece.size(),
                                context_.output.row(0, c / (factor * factor), to_row) + factor * x);
      }
    }
  }
}

void RowRunner::run(const ConvolveTransposed& action, const Step& step, int64_t y,
                    Interval columns) const {
  const PackedFilter& filter = context_.filters[action.filter];
  for (int64_t tap = 0; tap < 4; ++tap) {
    const MutablePixelRun to = out(step, 0, 2 * y + tap / 2, 2 * columns.first + tap % 2);
    PackedFilter single = filter;
    single.weights += tap * filter.floats;
    convolve({single, action.rectifier}, step, y, columns, {{to.data}, 2 * to.pixel});
  }
}

void RowRunner::run(const Pool&, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    context_.kernels.average_pool(
        in(step, i, 2 * y, 2 * columns.first), in(step, i, 2 * y + 1, 2 * columns.first),
        out(step, i, y, columns.first), picture(step.inputs[i]).channels, columns.size());
  }
}

void RowRunner::run(const PoolLargest&, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    context_.kernels.max_pool(
        in(step, i, 2 * y, 2 * columns.first), in(step, i, 2 * y + 1, 2 * columns.first),
        out(step, i, y, columns.first), picture(step.inputs[i]).channels, columns.size());
  }
}

void RowRunner::run(const Upsample&, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    for (int64_t dy = 0; dy < 2; ++dy) {
      context_.kernels.upsample(in(step, i, y, columns.first),
                                out(step, i, 2 * y + dy, 2 * columns.first),
                                picture(step.inputs[i]).channels, columns.size());
    }
  }
}

// The inverse is the same sum: the transform of four values is its own inverse.
void RowRunner::run(const Transform& action, const Step& step, int64_t y, Interval columns) const {
  const bool up = action.kind == HaarKind::synthesis;
  const View& coarse = view(up ? step.inputs[0] : step.outputs[0]);
  const View& fine = view(up ? step.outputs[0] : step.inputs[0]);
  const int64_t channels = picture(up ? step.outputs[0] : step.inputs[0]).channels;
  for (int64_t x = columns.first; x < columns.end; ++x) {
    float* bands = coarse.at(y, x);
    const std::array<float*, 4> pixels = {fine.at(2 * y, 2 * x), fine.at(2 * y, 2 * x + 1),
                                          fine.at(2 * y + 1, 2 * x), fine.at(2 * y + 1, 2 * x + 1)};
    for (int64_t k = 0; k < channels; ++k) {
      if (up) {
        const float ll = bands[k], hl = bands[channels + k], lh = bands[2 * channels + k],
                    hh = bands[3 * channels + k];
        pixels[0][k] = 0.5f * ((ll - hl) + (hh - lh));
        pixels[1][k] = 0.5f * ((ll + hl) - (lh + hh));
        pixels[2][k] = 0.5f * ((ll - hl) + (lh - hh));
        pixels[3][k] = 0.5f * ((ll + hl) + (lh + hh));
        continue;
      }
      const float a = pixels[0][k], b = pixels[1][k], c = pixels[2][k], d = pixels[3][k];
      bands[k] = 0.5f * ((a + b) + (c + d));
      if (action.kind == HaarKind::low) continue;
      bands[channels + k] = 0.5f * ((b - a) + (d - c));
      bands[2 * channels + k] = 0.5f * ((c - a) + (d - b));
      bands[3 * channels + k] = 0.5f * ((a - b) + (d - c));
    }
  }
}

void RowRunner::run(const Shuffle& action, const Step& step, int64_t y, Interval columns) const {
  const View& from = view(step.inputs.front());
  const View& to = view(step.outputs.front());
  const int64_t factor = action.factor, channels = picture(step.outputs.front()).channels;
  for (int64_t dy = 0; dy < factor; ++dy) {
    for (int64_t x = columns.first; x < columns.end; ++x) {
      const float* values = from.at(y, x) + dy * factor;
      float* pixel = to.at(factor * y + dy, factor * x);
      for (int64_t dx = 0; dx < factor; ++dx, pixel += to.pixel) {
        for (int64_t c = 0; c < channels; ++c) pixel[c] = values[c * factor * factor + dx];
      }
    }
  }
}

void RowRunner::run(const Sum& action, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    context_.kernels.add(in(step, i, y, columns.first),
                         spread(step, step.outputs.size() + i, y, columns.first),
                         out(step, i, y, columns.first), picture(step.outputs[i]).channels,
                         columns.size(), action.rectifier);
  }
}

void RowRunner::run(const Product&, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    context_.kernels.multiply(
        in(step, i, y, columns.first), spread(step, step.outputs.size() + i, y, columns.first),
        out(step, i, y, columns.first), picture(step.outputs[i]).channels, columns.size());
  }
}

void RowRunner::run(const Rectify& action, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    context_.kernels.rectify(in(step, i, y, columns.first), out(step, i, y, columns.first),
                             picture(step.outputs[i]).channels, columns.size(), action.rectifier);
  }
}

void RowRunner::run(const Squash& action, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const PixelRun from = in(step, i, y, columns.first);
    const MutablePixelRun to = out(step, i, y, columns.first);
    for (int64_t x = 0; x < columns.size(); ++x) {
      for (int64_t c = 0; c < picture(step.outputs[i]).channels; ++c)
        to.data[x * to.pixel + c] = squashed(from.data[x * from.pixel + c], action.kind);
    }
  }
}

void RowRunner::run(const RectifyLearned&, const Step& step, int64_t y, Interval columns) const {
  const float slope = context_.filters.channel_weights(step.node).scale.front();
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const PixelRun from = in(step, i, y, columns.first);
    const MutablePixelRun to = out(step, i, y, columns.first);
    for (int64_t x = 0; x < columns.size(); ++x) {
      for (int64_t c = 0; c < picture(step.outputs[i]).channels; ++c) {
        const float value = from.data[x * from.pixel + c];
        to.data[x * to.pixel + c] = value > 0 ? value : slope * value;
      }
    }
  }
}

void RowRunner::run(const Join&, const Step& step, int64_t y, Interval columns) const {
  MutablePixelRun to = out(step, 0, y, columns.first);
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const int64_t channels = picture(step.inputs[i]).channels;
    context_.kernels.rectify(in(step, i, y, columns.first), to, channels, columns.size(),
                             Rectifier::none);
    to.data += channels;
  }
}

void RowRunner::run(const WriteOutput&, const Step& step, int64_t y, Interval columns) const {
  int64_t first = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const PixelRun from = in(step, i, y, columns.first);
    const int64_t channels = picture(step.inputs[i]).channels;
    for (int64_t c = 0; c < channels; ++c) {
      context_.kernels.spread(from.data + c, from.pixel, 1, columns.size(),
                              context_.output.row(0, first + c, y) + columns.first);
    }
    first += channels;
  }
}

}  // namespace hyperconv
