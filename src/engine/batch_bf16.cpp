#include "engine/batch_bf16.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/half.hpp"
#include "base/integers.hpp"
#include "engine/batch_rows.hpp"
#include "engine/plan.hpp"

namespace hyperconv {
namespace {

/// A convolution from `in` to `out` channels, as the kernels see it.
struct PackedShape {
  Bf16Taps taps;
  int64_t out;

  int64_t out_blocks() const { return ceil_div(out, bf16_outs); }
  int64_t padded() const { return out_blocks() * bf16_outs; }
  /// bf16 numbers.
  int64_t weights() const { return taps.blocks() * out_blocks() * bf16_block; }
};

/// Filters of all samples, or the one that they share, packed.
class PackedFilters {
 public:
  PackedFilters(const BatchShape& batch, const PackedShape& shape, const float* filters,
                bool turned, const ParallelFor& loop)
      : shape_(shape), step_(batch.own_filters ? shape.weights() : 0) {
    const int64_t count = batch.own_filters ? batch.samples : 1;
    values_.resize(size_t(count * shape.weights()));
    const int64_t taps = int64_t(batch.kernel) * batch.kernel;
    for (int64_t c = 0; c < shape.taps.channels; ++c)
      for (int tap = 0; tap < taps; ++tap)
        places_.push_back(
            bf16_place(shape.taps, tap / batch.kernel, tap % batch.kernel, c, 0, shape.out_blocks()));
    loop(count, [&](int64_t n) {
      pack(FilterSource::of(batch, filters + n * batch.in * batch.out * taps, turned), taps,
           values_.data() + n * shape.weights());
    });
  }

  const std::byte* of(int64_t sample) const {
    return reinterpret_cast<const std::byte*>(values_.data() + sample * step_);
  }

 private:
  void pack(const FilterSource& source, int64_t taps, uint16_t* to) const {
    std::vector<float> values(static_cast<size_t>(taps));
    for (int64_t out = 0; out < shape_.out; ++out) {
      uint16_t* first = to + bf16_place(shape_.taps, 0, 0, 0, out, shape_.out_blocks());
      const int64_t* place = places_.data();
      for (int64_t c = 0; c < shape_.taps.channels; ++c) {
        source.read(out, c, taps, values.data());
        for (const float value : values) first[*place++] = float_to_bf16(value);
      }
    }
  }

  PackedShape shape_;
  int64_t step_;
  std::vector<int64_t> places_;  // of [channel][tap], for output channel 0
  std::vector<uint16_t> values_;
};

using Bf16Rows = RowRing<uint16_t>;

/// A convolution of one sample's rows.
class RowConvolution {
 public:
  RowConvolution(const PackedShape& shape, const std::byte* weights, const float* bias,
                 Rectifier rectifier, const Bf16Kernels& kernels)
      : shape_(shape), weights_(weights), bias_(bias), rectifier_(rectifier), kernels_(kernels) {}

  /// Row y of `out` [height][width][out]; `rows` holds the input rows that it reads.
  void run(Bf16Rows& rows, int64_t y, int64_t width, float* out) {
    const int kernel = shape_.taps.kernel;
    std::array<const std::byte*, most_tap_rows> taps{};
    for (int64_t r = 0; r < kernel; ++r)
      taps[size_t(r)] = reinterpret_cast<const std::byte*>(rows.padded(y - kernel / 2 + r));
    const int64_t channels = shape_.taps.channels;
    const Bf16Input input{taps.data(), channels, channels};
    kernels_.conv2d({.inputs = &input,
                     .input_count = 1,
                     .kernel = kernel,
                     .stride = 1,
                     .out_blocks = shape_.out_blocks(),
                     .weights = weights_,
                     .bias = bias_,
                     .rectifier = rectifier_,
                     .out = reinterpret_cast<std::byte*>(out + y * width * shape_.out),
                     .out_channels = shape_.out,
                     .out_precision = Precision::f32,
                     .out_pixel = shape_.out,
                     .width = width});
  }

 private:
  const PackedShape& shape_;
  const std::byte* weights_;
  const float* bias_;
  Rectifier rectifier_;
  const Bf16Kernels& kernels_;
};

/// One sample's frames of a backward pass.
struct BackwardFrames {
  const float *input, *output, *gradient;
  float* input_gradient;  ///< nullptr: not wanted
};

/// A band of a backward pass, row by row.
class BackwardBand {
 public:
  BackwardBand(const BatchShape& batch, const BackwardFrames& frames, Rectifier rectifier,
               const Kernels& kernels, const Bf16Kernels& bf16)
      : batch_(batch),
        frames_(frames),
        rectifier_(rectifier),
        kernels_(kernels),
        bf16_(bf16),
        column_(round_up(batch.width + 2 * (batch.kernel / 2), bf16_depth) + bf16_depth),
        row_(size_t(batch.width * batch.out + row_slack)),
        pairs_(size_t(round_up(batch.width, bf16_depth) * round_up(batch.out, bf16_outs))),
        gradients_(batch.height, batch.width, batch.out, batch.kernel / 2, batch.kernel,
                   [this](int64_t y, uint16_t* row) { read_gradient(y, row); }),
        columns_(size_t(batch.kernel) * size_t(round_up(batch.in, bf16_outs) * column_)) {}
  BackwardBand(const BackwardBand&) = delete;
  BackwardBand& operator=(const BackwardBand&) = delete;

  /// `convolution` computes the gradient of the input from that of the output; null: not wanted.
  void run(const Band& band, RowConvolution* convolution, float* filters, double* biases) {
    const int64_t border = batch_.kernel / 2;
    int64_t next = band.first - border;
    for (int64_t y = band.first; y < band.end; ++y) {
      for (; next <= y + border; ++next) read_input(next);
      if (convolution != nullptr) {
        gradients_.bring(y - border, y + border + 1);
        convolution->run(gradients_, y, batch_.width, frames_.input_gradient);
      }
      add_row(y, filters, biases);
    }
  }

 private:
  uint16_t* columns(int64_t y) {
    const int64_t slot = (y + batch_.kernel) % batch_.kernel;
    return columns_.data() + slot * round_up(batch_.in, bf16_outs) * column_;
  }

  // Of the output before its rectifier, into row_.
  void unrectify(int64_t y) {
    const int64_t count = batch_.width * batch_.out;
    kernels_.unrectify(frames_.output + y * count, frames_.gradient + y * count, count, rectifier_,
                       row_.data());
  }

  void read_gradient(int64_t y, uint16_t* to) {
    unrectify(y);
    kernels_.narrow(row_.data(), batch_.width * batch_.out, reinterpret_cast<std::byte*>(to));
  }

  /// Row y channel by channel, with the border's zeros left and right of it.
  void read_input(int64_t y) {
    uint16_t* to = columns(y);
    if (y < 0 || y >= batch_.height) {
      std::fill_n(to, round_up(batch_.in, bf16_outs) * column_, uint16_t(0));
      return;
    }
    bf16_.transpose({.in = frames_.input + y * batch_.width * batch_.in,
                     .channels = batch_.in,
                     .width = batch_.width,
                     .out = reinterpret_cast<std::byte*>(to + batch_.kernel / 2)},
                    column_);
  }

  /// Output row y's share of the gradients of filters and biases.
  void add_row(int64_t y, float* filters, double* biases) {
    const int64_t out_blocks = ceil_div(batch_.out, bf16_outs);
    unrectify(y);
    kernels_.sum({row_.data(), batch_.out}, batch_.out, batch_.width, biases);
    auto* pairs = reinterpret_cast<std::byte*>(pairs_.data());
    bf16_.interleave({row_.data(), batch_.out, batch_.width, pairs});
    for (int ky = 0; ky < batch_.kernel; ++ky)
      bf16_.tap_gradients(
          {.in = reinterpret_cast<const std::byte*>(columns(y + ky - batch_.kernel / 2)),
           .in_row = column_,
           .channels = batch_.in,
           .kernel = batch_.kernel,
           .gradient = pairs,
           .out_blocks = out_blocks,
           .width = round_up(batch_.width, bf16_depth),
           .sums = filters + ky * batch_.kernel * batch_.in * out_blocks * bf16_outs});
  }

  const BatchShape& batch_;
  BackwardFrames frames_;
  Rectifier rectifier_;
  const Kernels& kernels_;
  const Bf16Kernels& bf16_;
  int64_t column_;  // values of a channel of a transposed row
  std::vector<float> row_;
  std::vector<uint16_t> pairs_;
  Bf16Rows gradients_;
  std::vector<uint16_t> columns_;  // [row of taps][channel][column_]
};

}  // namespace

void forward_in_bf16(const BatchShape& shape, const Kernels& kernels, const Bf16Kernels& bf16,
                     const float* input, const float* filters, const float* bias,
                     Rectifier rectifier, float* output, const ParallelFor& loop) {
  const PackedShape packed{{shape.kernel, shape.in, true}, shape.out};
  const PackedFilters weights(shape, packed, filters, false, loop);
  std::vector<float> biases(size_t(packed.padded()));
  std::copy_n(bias, shape.out, biases.begin());
  loop(shape.samples * bands_of(shape), [&](int64_t task) {
    const auto [sample, first, end] = band(shape, task);
    const float* frame = input + sample * shape.height * shape.width * shape.in;
    const int64_t row = shape.width * shape.in, border = shape.kernel / 2;
    Bf16Rows rows(shape.height, shape.width, shape.in, border, shape.kernel,
                  [&](int64_t y, uint16_t* to) {
                    kernels.narrow(frame + y * row, row, reinterpret_cast<std::byte*>(to));
                  });
    RowConvolution convolution(packed, weights.of(sample), biases.data(), rectifier, bf16);
    for (int64_t y = first; y < end; ++y) {
      rows.bring(y - border, y + border + 1);
      convolution.run(rows, y, shape.width,
                      output + sample * shape.height * shape.width * shape.out);
    }
  });
}

void backward_in_bf16(const BatchShape& shape, const Kernels& kernels, const Bf16Kernels& bf16,
                      const float* input, const float* filters, const float* output,
                      const float* gradient, Rectifier rectifier, const BatchGradients& to,
                      const ParallelFor& loop) {
  const PackedShape packed{{shape.kernel, shape.out, true}, shape.in};
  std::optional<PackedFilters> weights;
  if (to.input != nullptr) weights.emplace(shape, packed, filters, true, loop);
  const std::vector<float> no_bias(size_t(packed.padded()));
  GradientSums sums(shape, bf16_outs);
  loop(shape.samples * bands_of(shape), [&](int64_t task) {
    const Band rows = band(shape, task);
    const int64_t ins = rows.sample * shape.height * shape.width * shape.in;
    const int64_t outs = rows.sample * shape.height * shape.width * shape.out;
    std::optional<RowConvolution> convolution;
    if (weights)
      convolution.emplace(packed, weights->of(rows.sample), no_bias.data(), Rectifier::none, bf16);
    BackwardBand(shape,
                 {input + ins, output + outs, gradient + outs,
                  to.input == nullptr ? nullptr : to.input + ins},
                 rectifier, kernels, bf16)
        .run(rows, convolution ? &*convolution : nullptr, sums.filters(task), sums.biases(task));
  });
  sums.collect(to, loop);
}

}  // namespace hyperconv
