#include "engine/batch_convolution.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <vector>

#include "base/integers.hpp"
#include "engine/batch_bf16.hpp"
#include "engine/batch_rows.hpp"
#include "engine/packing.hpp"
#include "engine/plan.hpp"

namespace hyperconv {
namespace {

/// A convolution from `in` to `out` channels, as the kernels see it.
struct PackedShape {
  int kernel;
  int64_t in, out;
  FilterForm form;
  int lanes;

  PackedShape(int kernel_, int64_t in_, int64_t out_, const Kernels& kernels)
      : kernel(kernel_),
        in(in_),
        out(out_),
        form(kernel_ == 3 ? FilterForm::winograd : FilterForm::direct),
        lanes(kernels.lanes) {}

  int vectors() const { return int(ceil_div(out, lanes)); }
  int64_t padded() const { return vectors() * lanes; }
  int64_t taps() const { return int64_t(kernel) * kernel; }
  /// Weights of one output channel.
  int64_t depth() const { return form == FilterForm::winograd ? winograd_depth(in) : taps() * in; }
  int64_t floats() const { return depth() * padded(); }
  /// Output rows that are computed at once, and the input rows that they read.
  int64_t unit() const { return form == FilterForm::winograd ? 4 : 1; }
  int64_t rows_read() const { return unit() + kernel - 1; }
};

void pack(const PackedShape& shape, const FilterSource& filter, float* weights) {
  std::vector<float> taps(size_t(shape.taps()));
  for (int64_t out = 0; out < shape.out; ++out) {
    const BlockPlace block = block_of(out, shape.vectors(), shape.lanes);
    float* to = weights + shape.depth() * block.before + (out - block.before);
    for (int64_t in = 0; in < shape.in; ++in) {
      filter.read(out, in, shape.taps(), taps.data());
      if (shape.form == FilterForm::winograd) {
        pack_winograd_taps(taps.data(), shape.in, to + in * block.width, block.width);
        continue;
      }
      for (int64_t tap = 0; tap < shape.taps(); ++tap)
        to[(tap * shape.in + in) * block.width] = taps[size_t(tap)];
    }
  }
}

/// A convolution of one sample's rows.
class RowConvolution {
 public:
  RowConvolution(const PackedShape& shape, const float* weights, const float* bias,
                 Rectifier rectifier, const Kernels& kernels)
      : shape_(shape),
        weights_(weights),
        bias_(bias),
        rectifier_(rectifier),
        kernels_(kernels),
        direct_(shape.out == shape.padded()) {
    if (shape.form == FilterForm::winograd)
      scratch_.resize(
          size_t(winograd_scratch(winograd_strip(shape.in, kernels), shape.in, shape.lanes)));
  }

  /// Rows [y, y + unit) of `out` [height][width][out]; `rows` holds the input rows that they read.
  void run(RowRing<float>& rows, int64_t y, int64_t height, int64_t width, float* out) {
    std::array<const std::byte*, most_tap_rows> taps{};
    for (int64_t r = 0; r < shape_.rows_read(); ++r)
      taps[size_t(r)] = reinterpret_cast<const std::byte*>(rows.padded(y - shape_.kernel / 2 + r));
    const int64_t count = std::min(shape_.unit(), height - y);
    float* first = out + y * width * shape_.out;
    if (direct_) return convolve(taps, count, width, first, width * shape_.out);
    // A vector more than a pixel's channels is written: into rows with room for it.
    const int64_t row = width * shape_.padded() + row_slack;
    if (wide_.empty()) wide_.resize(size_t(shape_.unit() * row));
    convolve(taps, count, width, wide_.data(), row);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t x = 0; x < width; ++x)
        std::copy_n(wide_.data() + r * row + x * shape_.padded(), shape_.out,
                    first + (r * width + x) * shape_.out);
  }

 private:
  /// `count` rows to `out` and every `row` floats after it; a pixel has room for whole vectors.
  void convolve(std::array<const std::byte*, most_tap_rows>& taps, int64_t count, int64_t width,
                float* out, int64_t row) {
    const ConvInput input{taps.data(), shape_.in, shape_.in, Precision::f32};
    if (shape_.form == FilterForm::direct) {
      kernels_.conv2d({.inputs = &input,
                       .input_count = 1,
                       .kernel = shape_.kernel,
                       .stride = 1,
                       .vectors = shape_.vectors(),
                       .weights = weights_,
                       .bias = bias_,
                       .rectifier = rectifier_,
                       .out = out,
                       .out_pixel = shape_.padded(),
                       .width = width});
      return;
    }
    WinogradRows run{.inputs = &input,
                     .input_count = 1,
                     .channels = shape_.in,
                     .vectors = shape_.vectors(),
                     .weights = weights_,
                     .bias = bias_,
                     .rectifier = rectifier_,
                     .out = {},
                     .out_precision = Precision::f32,
                     .out_pixel = shape_.padded(),
                     .width = 0,
                     .scratch = scratch_.data()};
    for (int64_t r = 0; r < count; ++r)
      run.out[size_t(r)] = reinterpret_cast<std::byte*>(out + r * row);
    conv2d_winograd_strips(kernels_, run, width, taps.data());
  }

  const PackedShape& shape_;
  const float *weights_, *bias_;
  Rectifier rectifier_;
  const Kernels& kernels_;
  bool direct_;  ///< a pixel's channels are whole vectors
  std::vector<float> scratch_, wide_;
};

/// Filters of all samples, or the one that they share, packed.
class PackedFilters {
 public:
  PackedFilters(const BatchShape& batch, const PackedShape& shape, const float* filters,
                bool turned, const ParallelFor& loop)
      : step_(batch.own_filters ? shape.floats() : 0),
        values_(size_t((batch.own_filters ? batch.samples : 1) * shape.floats())) {
    const int64_t size = batch.in * batch.out * shape.taps();
    loop(batch.own_filters ? batch.samples : 1, [&](int64_t n) {
      pack(shape, FilterSource::of(batch, filters + n * size, turned),
           values_.data() + n * shape.floats());
    });
  }

  const float* of(int64_t sample) const { return values_.data() + sample * step_; }

 private:
  int64_t step_;
  std::vector<float> values_;
};

/// One sample's frames of a backward pass.
struct BackwardFrames {
  const float *input, *output, *gradient;
  float* input_gradient;  ///< nullptr: not wanted
};

/// A band of a backward pass, four rows or one at a time.
class BackwardBand {
 public:
  BackwardBand(const BatchShape& batch, const PackedShape& packed, const BackwardFrames& frames,
               Rectifier rectifier, const Kernels& kernels)
      : batch_(batch),
        packed_(packed),
        frames_(frames),
        kernels_(kernels),
        inputs_(batch.height, batch.width, batch.in, batch.kernel / 2, packed.rows_read(),
                [this](int64_t y, float* row) {
                  const int64_t count = batch_.width * batch_.in;
                  std::copy_n(frames_.input + y * count, count, row);
                }),
        gradients_(batch.height, batch.width, batch.out, batch.kernel / 2, packed.rows_read(),
                   [this, rectifier](int64_t y, float* row) {
                     const int64_t count = batch_.width * batch_.out;
                     kernels_.unrectify(frames_.output + y * count, frames_.gradient + y * count,
                                        count, rectifier, row);
                   }) {}
  BackwardBand(const BackwardBand&) = delete;
  BackwardBand& operator=(const BackwardBand&) = delete;

  /// `convolution` computes the gradient of the input from that of the output; null: not wanted.
  void run(const Band& band, RowConvolution* convolution, float* filters, double* biases) {
    const int64_t border = batch_.kernel / 2;
    for (int64_t y = band.first; y < band.end; y += packed_.unit()) {
      inputs_.bring(y - border, y - border + packed_.rows_read());
      gradients_.bring(y - border, y - border + packed_.rows_read());
      if (convolution != nullptr)
        convolution->run(gradients_, y, batch_.height, batch_.width, frames_.input_gradient);
      for (int64_t row = y; row < std::min(y + packed_.unit(), band.end); ++row)
        add_row(row, filters, biases);
    }
  }

 private:
  /// Output row y's share of the gradients of filters and biases.
  void add_row(int64_t y, float* filters, double* biases) {
    const int64_t taps = batch_.kernel * batch_.in;
    const int vectors = int(ceil_div(batch_.out, kernels_.lanes));
    for (int ky = 0; ky < batch_.kernel; ++ky) {
      kernels_.tap_gradients({.in = inputs_.padded(y + ky - batch_.kernel / 2),
                              .in_pixel = batch_.in,
                              .taps = taps,
                              .gradient = gradients_.row(y),
                              .gradient_pixel = batch_.out,
                              .vectors = vectors,
                              .width = batch_.width,
                              .sums = filters + ky * taps * vectors * kernels_.lanes});
    }
    kernels_.sum({gradients_.row(y), batch_.out}, batch_.out, batch_.width, biases);
  }

  const BatchShape& batch_;
  const PackedShape& packed_;
  BackwardFrames frames_;
  const Kernels& kernels_;
  RowRing<float> inputs_, gradients_;
};

}  // namespace

BatchConvolution::BatchConvolution(const BatchShape& shape, const Kernels& kernels,
                                   const Bf16Kernels* bf16)
    : shape_(shape), kernels_(kernels), bf16_(bf16) {
  assert(shape.kernel % 2 == 1);
  assert(std::max(shape.in, shape.out) <= most_winograd_channels);
}

void BatchConvolution::forward(const float* input, const float* filters, const float* bias,
                               Rectifier rectifier, float* output, const ParallelFor& loop) const {
  const BatchShape& s = shape_;
  if (bf16_ != nullptr)
    return forward_in_bf16(s, kernels_, *bf16_, input, filters, bias, rectifier, output, loop);
  const PackedShape packed(s.kernel, s.in, s.out, kernels_);
  const PackedFilters weights(s, packed, filters, false, loop);
  std::vector<float> biases(size_t(packed.padded()));
  std::copy_n(bias, s.out, biases.begin());
  loop(s.samples * bands_of(s), [&](int64_t task) {
    const auto [sample, first, end] = band(s, task);
    const float* frame = input + sample * s.height * s.width * s.in;
    const int64_t row = s.width * s.in, border = s.kernel / 2;
    RowRing<float> rows(s.height, s.width, s.in, border, packed.rows_read(),
                        [&](int64_t y, float* to) { std::copy_n(frame + y * row, row, to); });
    RowConvolution convolution(packed, weights.of(sample), biases.data(), rectifier, kernels_);
    for (int64_t y = first; y < end; y += packed.unit()) {
      rows.bring(y - border, y - border + packed.rows_read());
      convolution.run(rows, y, s.height, s.width, output + sample * s.height * s.width * s.out);
    }
  });
}

void BatchConvolution::backward(const float* input, const float* filters, const float* output,
                                const float* gradient, Rectifier rectifier,
                                const BatchGradients& to, const ParallelFor& loop) const {
  const BatchShape& s = shape_;
  if (bf16_ != nullptr)
    return backward_in_bf16(s, kernels_, *bf16_, input, filters, output, gradient, rectifier, to,
                            loop);
  const PackedShape packed(s.kernel, s.out, s.in, kernels_);
  std::optional<PackedFilters> weights;
  if (to.input != nullptr) weights.emplace(s, packed, filters, true, loop);
  const std::vector<float> no_bias(size_t(packed.padded()));
  GradientSums sums(s, kernels_.lanes);
  loop(s.samples * bands_of(s), [&](int64_t task) {
    const Band rows = band(s, task);
    const int64_t ins = rows.sample * s.height * s.width * s.in;
    const int64_t outs = rows.sample * s.height * s.width * s.out;
    std::optional<RowConvolution> convolution;
    if (weights)
      convolution.emplace(packed, weights->of(rows.sample), no_bias.data(), Rectifier::none,
                          kernels_);
    BackwardBand(s, packed,
                 {input + ins, output + outs, gradient + outs,
                  to.input == nullptr ? nullptr : to.input + ins},
                 rectifier, kernels_)
        .run(rows, convolution ? &*convolution : nullptr, sums.filters(task), sums.biases(task));
  });
  sums.collect(to, loop);
}

}  // namespace hyperconv
