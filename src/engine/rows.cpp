#include "engine/rows.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "base/integers.hpp"
#include "engine/packing.hpp"

namespace hyperconv {
namespace {

enum class Scratch { transform, output, taps, in0, in1, out0, out1, count };

// Output rows of a convolution that are computed at once.
int64_t rows_of_unit(const FilterSpec& spec) {
  switch (spec.form) {
    case FilterForm::direct:
    case FilterForm::bf16:
      return 1;
    case FilterForm::winograd:
      return 4;
    case FilterForm::bf16_winograd:
      return 2;
  }
  return 1;
}

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
  switch (kind) {
    case ActivationKind::sigmoid:
      return float(1 / (1 + std::exp(-v)));
    case ActivationKind::tanh:
      return float(std::tanh(v));
    case ActivationKind::relu:
    case ActivationKind::leaky_relu:
      break;  // done by a kernel: rectifier_of()
  }
  assert(false);
  return 0;
}

}  // namespace

void RowRunner::run(const Step& step, int64_t y, Interval columns) const {
  std::visit([&](const auto& action) { run(action, step, y, columns); },
             std::get<RowAction>(step.action));
}

PixelRun RowRunner::in(FeatureMapId id, int64_t y, Interval columns, int place) const {
  const FeatureMap& of = feature_map(id);
  const std::byte* values = buffer(id).at(y, columns.first);
  if (of.precision == Precision::f32) return {reinterpret_cast<const float*>(values), of.pixel};
  const int64_t count = columns.size() * of.pixel;
  // Kernels that take groups of channels read a little further.
  float* wide = scratch(place == 0 ? Scratch::in0 : Scratch::in1, count + 4);
  context_.kernels.convert(values, of.precision, count, wide);
  return {wide, of.pixel};
}

// The same of a feature map as large as the first output, or its one pixel broadcast.
PixelRun RowRunner::broadcast(const Step& step, size_t index, int64_t y, Interval columns) const {
  const FeatureMapId id = step.inputs[index];
  const FeatureMap& over = feature_map(step.outputs.front());
  if (feature_map(id).height == over.height && feature_map(id).width == over.width)
    return in(id, y, columns, 1);
  return {in(id, 0, {0, 1}, 1).data, 0};
}

RowRunner::Target::Target(const RowRunner& runner, FeatureMapId id, int64_t y, Interval columns,
                          int place)
    : kernels_(runner.context_.kernels) {
  const FeatureMap& of = runner.feature_map(id);
  std::byte* values = runner.buffer(id).at(y, columns.first);
  if (of.precision == Precision::f32) {
    run_ = {reinterpret_cast<float*>(values), of.pixel};
    return;
  }
  narrow_ = values;
  count_ = columns.size() * of.pixel;
  run_ = {scratch(place == 0 ? Scratch::out0 : Scratch::out1, count_), of.pixel};
}

RowRunner::Target::~Target() {
  if (narrow_ != nullptr) kernels_.narrow(run_.data, count_, narrow_);
}

void RowRunner::run(const action::Input&, const Step& step, int64_t y, Interval columns) const {
  const FeatureMapId id = step.outputs[0];
  const auto fill = [&](const MutablePixelRun& to, int64_t channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const float* from = context_.tensors.input_at(c, y, columns.first);
      for (int64_t x = 0; x < columns.size(); ++x) to.data[x * to.pixel + c] = from[x];
    }
  };
  const int64_t channels = context_.plan.input.c;
  if (!feature_map(id).hi_lo) {
    const Target target(*this, id, y, columns);
    return fill(target.run(), channels);
  }
  float* pixels = scratch(Scratch::out0, columns.size() * channels);
  fill({pixels, channels}, channels);
  context_.kernels.to_hi_lo({pixels, channels}, channels, columns.size(),
                            buffer(id).at(y, columns.first));
}

// Rows of the inputs from the first tap of unit row y on, at column `left`.
void RowRunner::find_taps(const Convolution& what, const Step& step, int64_t y, int64_t left,
                          Taps& taps) const {
  const FilterSpec& spec = what.filter.spec;
  const int64_t top = y * rows_of_unit(spec) * what.stride - spec.kernel / 2;
  const int count = rows_read(spec);
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FeatureMap& from = feature_map(step.inputs[i]);
    const RowBuffer& rows = buffer(step.inputs[i]);
    const std::byte** pointers = taps.rows.data() + i * size_t(count);
    for (int r = 0; r < count; ++r) {
      const int64_t row = top + r;
      // Rows further out enter only output rows that are not stored.
      const bool is_mirrored = mirrors(what.padding) && row < from.height + spec.kernel / 2;
      if (row >= 0 && row < from.height)
        pointers[r] = rows.at(row, left);
      else
        pointers[r] = is_mirrored ? rows.at(mirrored(row, from.height), left) : context_.zeros;
    }
    taps.inputs[i] = {pointers, from.pixel, from.channels, from.precision};
  }
}

// `columns` pixels of each row in f32: the direct kernel takes nothing else.
void RowRunner::widen_taps(const Step& step, int count, int64_t columns, Taps& taps) const {
  int64_t floats = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const ConvInput& input = taps.inputs[i];
    if (input.precision != Precision::f32) floats += count * columns * input.pixel;
  }
  if (floats == 0) return;
  float* wide = scratch(Scratch::taps, floats);
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    ConvInput& input = taps.inputs[i];
    if (input.precision == Precision::f32) continue;
    for (size_t r = i * size_t(count); r < (i + 1) * size_t(count); ++r) {
      context_.kernels.convert(taps.rows[r], input.precision, columns * input.pixel, wide);
      taps.rows[r] = reinterpret_cast<const std::byte*>(wide);
      wide += columns * input.pixel;
    }
    input.precision = Precision::f32;
  }
}

void RowRunner::convolve_direct(const Convolution& what, const Step& step, int64_t width,
                                Taps& taps, const Rows& out) const {
  const PackedFilter& filter = what.filter;
  widen_taps(step, filter.spec.kernel, (width - 1) * what.stride + filter.spec.kernel, taps);
  const bool narrow = out.precision != Precision::f32;
  const int64_t written = filter.padded;
  float* to =
      narrow ? scratch(Scratch::out0, width * written) : reinterpret_cast<float*>(out.first[0]);
  context_.kernels.conv2d({.inputs = taps.inputs.data(),
                           .input_count = int(step.inputs.size()),
                           .kernel = filter.spec.kernel,
                           .stride = what.stride,
                           .vectors = filter.vectors,
                           .weights = filter.floats(),
                           .bias = filter.bias,
                           .rectifier = what.rectifier,
                           .out = to,
                           .out_pixel = narrow ? written : out.pixel,
                           .width = width});
  for (int64_t x = 0; narrow && x < width; ++x) {
    context_.kernels.narrow(to + x * written, written,
                            out.first[0] + x * out.pixel * bytes_per_value(out.precision));
  }
}

void RowRunner::convolve_winograd(const Convolution& what, const Step& step, int64_t width,
                                  Taps& taps, const Rows& out) const {
  const PackedFilter& filter = what.filter;
  const int64_t channels = channels_of(filter.spec);
  const int64_t strip = winograd_strip(channels, context_.kernels);
  const WinogradRows run{
      .inputs = taps.inputs.data(),
      .input_count = int(step.inputs.size()),
      .channels = channels,
      .vectors = filter.vectors,
      .weights = filter.floats(),
      .bias = filter.bias,
      .rectifier = what.rectifier,
      .out = out.first,
      .out_precision = out.precision,
      .out_pixel = out.pixel,
      .width = 0,
      .scratch =
          scratch(Scratch::transform, winograd_scratch(strip, channels, context_.kernels.lanes))};
  conv2d_winograd_strips(context_.kernels, run, width, taps.rows.data());
}

// Feature maps in f32 (vectors, an input that others read too) are rounded here: to hi and lo.
void RowRunner::convolve_bf16(const Convolution& what, const Step& step, int64_t width,
                              const Taps& taps, const Rows& out) const {
  const PackedFilter& filter = what.filter;
  const int kernel = filter.spec.kernel;
  const int64_t columns = (width - 1) * what.stride + kernel;
  int64_t values = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i)
    if (taps.inputs[i].precision == Precision::f32)
      values += kernel * columns * bf16_taps(filter.spec, filter.spec.slices[i]).channels;
  auto* rounded = reinterpret_cast<std::byte*>(scratch(Scratch::taps, ceil_div(values, 2)));
  std::array<const std::byte*, most_tap_rows> rows{};
  std::array<Bf16Input, most_tap_rows> inputs{};
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FilterSlice& slice = filter.spec.slices[i];
    const ConvInput& from = taps.inputs[i];
    const std::byte** first = rows.data() + i * size_t(kernel);
    const int64_t channels = bf16_taps(filter.spec, slice).channels;
    inputs[i] = {first, from.precision == Precision::f32 ? channels : from.pixel, channels};
    for (int r = 0; r < kernel; ++r) {
      first[r] = from.rows[r];
      if (from.precision != Precision::f32) continue;
      context_.kernels.to_hi_lo({reinterpret_cast<const float*>(from.rows[r]), from.pixel},
                                from.channels, columns, rounded);
      first[r] = rounded;
      rounded += columns * channels * int64_t(sizeof(uint16_t));
    }
  }
  context_.plan.bf16->conv2d({.inputs = inputs.data(),
                              .input_count = int(step.inputs.size()),
                              .kernel = kernel,
                              .stride = what.stride,
                              .out_blocks = filter.vectors,
                              .weights = filter.weights,
                              .bias = filter.bias,
                              .rectifier = what.rectifier,
                              .out = out.first[0],
                              .out_channels = out.channels,
                              .out_precision = out.precision,
                              .out_pixel = out.pixel,
                              .width = width});
}

void RowRunner::convolve_bf16_winograd(const Convolution& what, const Step& step, int64_t width,
                                       Taps& taps, const Rows& out) const {
  const PackedFilter& filter = what.filter;
  const int64_t channels = channels_of(filter.spec), strip = bf16_winograd_strip(channels);
  std::array<Bf16Input, most_tap_rows> inputs{};
  for (size_t i = 0; i < step.inputs.size(); ++i)
    inputs[i] = {taps.inputs[i].rows, taps.inputs[i].pixel, taps.inputs[i].channels};
  const int64_t floats =
      ceil_div(bf16_winograd_scratch(std::min(strip, width), channels), int64_t(sizeof(float)));
  const Bf16WinogradRows run{
      .inputs = inputs.data(),
      .input_count = int(step.inputs.size()),
      .channels = channels,
      .out_blocks = filter.vectors,
      .weights = filter.weights,
      .bias = filter.bias,
      .rectifier = what.rectifier,
      .out = {out.first[0], out.first[1]},
      .out_channels = out.channels,
      .out_precision = out.precision,
      .out_pixel = out.pixel,
      .width = 0,
      .scratch = reinterpret_cast<std::byte*>(scratch(Scratch::transform, floats))};
  bf16_winograd_strips(*context_.plan.bf16, run, width, taps.rows.data());
}

void RowRunner::convolve(const Convolution& what, const Step& step, int64_t y, Interval columns,
                         const Rows& out) const {
  const FilterSpec& spec = what.filter.spec;
  Taps taps;
  find_taps(what, step, y, columns.first * what.stride - spec.kernel / 2, taps);
  switch (spec.form) {
    case FilterForm::direct:
      return convolve_direct(what, step, columns.size(), taps, out);
    case FilterForm::winograd:
      return convolve_winograd(what, step, columns.size(), taps, out);
    case FilterForm::bf16:
      return convolve_bf16(what, step, columns.size(), taps, out);
    case FilterForm::bf16_winograd:
      return convolve_bf16_winograd(what, step, columns.size(), taps, out);
  }
}

void RowRunner::run(const action::Conv2d& action, const Step& step, int64_t y,
                    Interval columns) const {
  const PackedFilter& filter = context_.filters[action.filter];
  const FeatureMapId id = step.outputs.front();
  const int64_t rows = rows_of_unit(filter.spec);
  Rows to{{}, feature_map(id).pixel, feature_map(id).channels, feature_map(id).precision};
  for (int64_t r = 0; r < rows && rows * y + r < feature_map(id).height; ++r)
    to.first[size_t(r)] = buffer(id).at(rows * y + r, columns.first);
  convolve({filter, action.rectifier, action.stride, action.padding}, step, y, columns, to);
}

// A strip at a time through scratch memory, from channels-last to planes.
void RowRunner::run(const action::Conv2dToOutput& action, const Step& step, int64_t y,
                    Interval columns) const {
  constexpr int64_t strip = 96;
  const PackedFilter& filter = context_.filters[action.filter];
  const int64_t rows = rows_of_unit(filter.spec);
  const int64_t height = feature_map(step.inputs.front()).height;
  const int64_t pixel = filter.padded;
  const int64_t factor = action.factor;
  float* pixels = scratch(Scratch::output, rows * strip * pixel);
  for (int64_t x = columns.first; x < columns.end; x += strip) {
    const Interval pixels_of_strip{x, std::min(columns.end, x + strip)};
    Rows to{{}, pixel, pixel};
    for (int64_t r = 0; r < rows && rows * y + r < height; ++r)
      to.first[size_t(r)] = reinterpret_cast<std::byte*>(pixels + r * strip * pixel);
    convolve({filter, action.rectifier, 1, action.padding}, step, y, pixels_of_strip, to);
    for (int64_t r = 0; r < rows && rows * y + r < height; ++r) {
      for (int64_t c = 0; c < filter.spec.out_channels; c += factor) {
        const int64_t to_row = factor * (rows * y + r) + c / factor % factor;
        context_.kernels.to_planes(
            pixels + r * strip * pixel + c, pixel, factor, pixels_of_strip.size(),
            context_.tensors.output_at(c / (factor * factor), to_row, factor * x));
      }
    }
  }
}

// Each tap is a 1x1 convolution that writes every second pixel of one of two rows; or two taps
// together are one that writes all of a row.
void RowRunner::run(const action::ConvTranspose2d& action, const Step& step, int64_t y,
                    Interval columns) const {
  const FeatureMapId id = step.outputs.front();
  const FeatureMap& out = feature_map(id);
  PackedFilter filter = context_.filters[action.filter];
  const int64_t taps = 4 / filters_of(filter.spec);
  for (int64_t tap = 0; tap < 4; tap += taps) {
    std::byte* to = buffer(id).at(2 * y + tap / 2, 2 * columns.first + tap % 2);
    convolve({filter, action.rectifier}, step, y, columns,
             {{to}, 2 * out.pixel, taps * out.channels, out.precision});
    filter.weights += filter.bytes;
  }
}

void RowRunner::run(const action::AveragePool2d&, const Step& step, int64_t y,
                    Interval columns) const {
  const Interval twice{2 * columns.first, 2 * columns.end};
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FeatureMapId from = step.inputs[i], into = step.outputs[i];
    if (is_dense_bf16(from) && is_dense_bf16(into)) {
      context_.kernels.average_pool2d_bf16(
          buffer(from).at(2 * y, twice.first), buffer(from).at(2 * y + 1, twice.first),
          feature_map(from).channels, columns.size(), buffer(into).at(y, columns.first));
      continue;
    }
    const Target to(*this, step.outputs[i], y, columns);
    context_.kernels.average_pool2d(in(step.inputs[i], 2 * y, twice, 0),
                                    in(step.inputs[i], 2 * y + 1, twice, 1), to.run(),
                                    feature_map(step.inputs[i]).channels, columns.size());
  }
}

void RowRunner::run(const action::MaxPool2d&, const Step& step, int64_t y, Interval columns) const {
  const Interval twice{2 * columns.first, 2 * columns.end};
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Target to(*this, step.outputs[i], y, columns);
    context_.kernels.max_pool2d(in(step.inputs[i], 2 * y, twice, 0),
                                in(step.inputs[i], 2 * y + 1, twice, 1), to.run(),
                                feature_map(step.inputs[i]).channels, columns.size());
  }
}

void RowRunner::run(const action::Upsample2d&, const Step& step, int64_t y,
                    Interval columns) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    for (int64_t dy = 0; dy < 2; ++dy) {
      const Target to(*this, step.outputs[i], 2 * y + dy, {2 * columns.first, 2 * columns.end});
      context_.kernels.upsample2d(in(step.inputs[i], y, columns), to.run(),
                                  feature_map(step.inputs[i]).channels, columns.size());
    }
  }
}

// Squares of 2x2 pixels of two rows, and the four subbands of each.
struct RowRunner::Squares {
  MutablePixelRun subbands, top, bottom;
  int64_t channels;

  template <class Body>  // body(subbands, four pixels), of one channel
  void for_each(int64_t width, const Body& body) const {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t k = 0; k < channels; ++k) {
        float* up = top.data + 2 * x * top.pixel + k;
        float* down = bottom.data + 2 * x * bottom.pixel + k;
        body(subbands.data + x * subbands.pixel + k, up[0], up[top.pixel], down[0],
             down[bottom.pixel]);
      }
    }
  }
};

namespace {

bool is_synthesis(HaarKind kind) {
  switch (kind) {
    case HaarKind::synthesis:
      return true;
    case HaarKind::analysis:
    case HaarKind::low:
      return false;
  }
  return false;
}

bool has_all_subbands(HaarKind kind) {
  switch (kind) {
    case HaarKind::analysis:
    case HaarKind::synthesis:
      return true;
    case HaarKind::low:
      return false;
  }
  return false;
}

}  // namespace

// The inverse is the same sum: the transform of four values is its own inverse.
void RowRunner::run(const action::Haar2d& action, const Step& step, int64_t y,
                    Interval columns) const {
  const FeatureMapId from = step.inputs.front(), to = step.outputs.front();
  const Interval twice{2 * columns.first, 2 * columns.end};
  const auto readable = [](const PixelRun& run) {
    return MutablePixelRun{const_cast<float*>(run.data), run.pixel};
  };
  if (is_synthesis(action.kind)) {
    const Target top(*this, to, 2 * y, twice, 0), bottom(*this, to, 2 * y + 1, twice, 1);
    const int64_t n = feature_map(to).channels;
    const Squares squares{readable(in(from, y, columns)), top.run(), bottom.run(), n};
    squares.for_each(
        columns.size(), [n](const float* subband, float& a, float& b, float& c, float& d) {
          const float ll = subband[0], hl = subband[n], lh = subband[2 * n], hh = subband[3 * n];
          a = 0.5f * ((ll - hl) + (hh - lh));
          b = 0.5f * ((ll + hl) - (lh + hh));
          c = 0.5f * ((ll - hl) + (lh - hh));
          d = 0.5f * ((ll + hl) + (lh + hh));
        });
    return;
  }
  const Target subbands(*this, to, y, columns);
  const int64_t n = feature_map(from).channels;
  const bool all = has_all_subbands(action.kind);
  const Squares squares{subbands.run(), readable(in(from, 2 * y, twice, 0)),
                        readable(in(from, 2 * y + 1, twice, 1)), n};
  squares.for_each(columns.size(), [=](float* subband, float a, float b, float c, float d) {
    subband[0] = 0.5f * ((a + b) + (c + d));
    if (!all) return;
    subband[n] = 0.5f * ((b - a) + (d - c));
    subband[2 * n] = 0.5f * ((c - a) + (d - b));
    subband[3 * n] = 0.5f * ((a - b) + (d - c));
  });
}

void RowRunner::run(const action::PixelShuffle& action, const Step& step, int64_t y,
                    Interval columns) const {
  const FeatureMapId id = step.outputs.front();
  const int64_t factor = action.factor, channels = feature_map(id).channels;
  const PixelRun from = in(step.inputs.front(), y, columns);
  for (int64_t dy = 0; dy < factor; ++dy) {
    const Target target(*this, id, factor * y + dy, {factor * columns.first, factor * columns.end});
    const MutablePixelRun to = target.run();
    for (int64_t x = 0; x < factor * columns.size(); ++x) {
      const float* values = from.data + x / factor * from.pixel + dy * factor + x % factor;
      for (int64_t c = 0; c < channels; ++c)
        to.data[x * to.pixel + c] = values[c * factor * factor];
    }
  }
}

void RowRunner::run(const action::Add& action, const Step& step, int64_t y,
                    Interval columns) const {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const FeatureMapId a = step.inputs[i], b = step.inputs[step.outputs.size() + i];
    const FeatureMapId into = step.outputs[i];
    const bool one_size = feature_map(a).width == feature_map(b).width &&
                          feature_map(a).height == feature_map(b).height;
    if (one_size && is_dense_bf16(a) && is_dense_bf16(b) && is_dense_bf16(into)) {
      context_.kernels.add_bf16(buffer(a).at(y, columns.first), buffer(b).at(y, columns.first),
                                columns.size() * feature_map(a).channels, action.rectifier,
                                buffer(into).at(y, columns.first));
      continue;
    }
    const Target to(*this, step.outputs[i], y, columns);
    context_.kernels.add(in(step.inputs[i], y, columns),
                         broadcast(step, step.outputs.size() + i, y, columns), to.run(),
                         feature_map(step.outputs[i]).channels, columns.size(), action.rectifier);
  }
}

void RowRunner::run(const action::Multiply&, const Step& step, int64_t y, Interval columns) const {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const Target to(*this, step.outputs[i], y, columns);
    context_.kernels.multiply(in(step.inputs[i], y, columns),
                              broadcast(step, step.outputs.size() + i, y, columns), to.run(),
                              feature_map(step.outputs[i]).channels, columns.size());
  }
}

template <class Function>
void RowRunner::map(const Step& step, int64_t y, Interval columns, const Function& function) const {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Target target(*this, step.outputs[i], y, columns);
    const PixelRun from = in(step.inputs[i], y, columns);
    const MutablePixelRun to = target.run();
    for (int64_t x = 0; x < columns.size(); ++x) {
      for (int64_t c = 0; c < feature_map(step.outputs[i]).channels; ++c)
        to.data[x * to.pixel + c] = function(from.data[x * from.pixel + c]);
    }
  }
}

void RowRunner::run(const action::Activation& action, const Step& step, int64_t y,
                    Interval columns) const {
  const auto rectifier = rectifier_of(action.kind);
  if (!rectifier)
    return map(step, y, columns, [&](float value) { return squashed(value, action.kind); });
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Target to(*this, step.outputs[i], y, columns);
    context_.kernels.rectify(in(step.inputs[i], y, columns), to.run(),
                             feature_map(step.outputs[i]).channels, columns.size(), *rectifier);
  }
}

void RowRunner::run(const action::PRelu&, const Step& step, int64_t y, Interval columns) const {
  const float slope = context_.filters.channel_weights(step.node).scale.front();
  map(step, y, columns, [&](float value) { return value > 0 ? value : slope * value; });
}

void RowRunner::run(const action::Concat&, const Step& step, int64_t y, Interval columns) const {
  const Target target(*this, step.outputs.front(), y, columns);
  MutablePixelRun to = target.run();
  for (const FeatureMapId id : step.inputs) {
    context_.kernels.rectify(in(id, y, columns), to, feature_map(id).channels, columns.size(),
                             Rectifier::none);
    to.data += feature_map(id).channels;
  }
}

void RowRunner::run(const action::Output&, const Step& step, int64_t y, Interval columns) const {
  int64_t first = 0;
  for (const FeatureMapId id : step.inputs) {
    const PixelRun from = in(id, y, columns);
    for (int64_t c = 0; c < feature_map(id).channels; ++c) {
      context_.kernels.to_planes(from.data + c, from.pixel, 1, columns.size(),
                                 context_.tensors.output_at(first + c, y, columns.first));
    }
    first += feature_map(id).channels;
  }
}

void RowRunner::add_sums(FeatureMapId id, int64_t y, Interval columns, double* sums) const {
  if (is_dense_bf16(id))
    return context_.kernels.sum_bf16(buffer(id).at(y, columns.first), feature_map(id).channels,
                                     columns.size(), sums);
  context_.kernels.sum(in(id, y, columns), feature_map(id).channels, columns.size(), sums);
}

}  // namespace hyperconv
