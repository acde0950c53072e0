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
        places_.push_back(bf16_place(shape.taps, tap / batch.kernel, tap % batch.kernel, c, 0,
                                     shape.out_blocks()));
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

/// Rows whose gradients of filters are added up at once: enough that sums of tiles are seldom
/// written, few enough that what they are made of stays in a core's second-level cache.
constexpr int64_t chunk_rows = 16;

/// A chunk of rows of one sample as the sums of filters' gradients want them: one run of places,
/// row after row, with the zeros around the frame in it. The input's value that a tap multiplies
/// with a place's gradient lies the same number of places further for all of them, so that the run
/// is long however narrow the frame.
class GradientChunk {
 public:
  GradientChunk(const BatchShape& batch, const Bf16Kernels& bf16)
      : batch_(batch),
        bf16_(bf16),
        // Pairs of places are multiplied at once: each row begins with one.
        pitch_(round_up(batch.width + 2 * (batch.kernel / 2), 2)),
        // The kernels write up to 31 zeros behind a row, and read as many behind the last.
        places_(round_up((chunk_rows + batch.kernel) * pitch_, bf16_depth) + 2 * bf16_depth),
        inputs_(size_t(round_up(batch.in, bf16_outs) * places_)),
        gradients_(size_t(places_ * round_up(batch.out, bf16_outs))) {}

  /// Row r of the chunk, from -kernel/2 on: [width][in], or nullptr beyond the frame.
  void set_input(int64_t r, const float* row) {
    uint16_t* to = inputs_.data() + (r + batch_.kernel / 2) * pitch_ + batch_.kernel / 2;
    if (row != nullptr)
      return bf16_.transpose({row, batch_.in, batch_.width, reinterpret_cast<std::byte*>(to)},
                             places_);
    for (int64_t c = 0; c < batch_.in; ++c)
      std::fill_n(to + c * places_, batch_.width, uint16_t(0));
  }

  /// Row r, from 0 on: [width][out]. In ascending order.
  void set_gradient(int64_t r, const float* row) {
    bf16_.interleave({row, batch_.out, batch_.width, gradient_at(r * pitch_)});
  }

  /// `sums` [ky][kx][in][out, padded], of the first `rows` rows.
  void add_to(int64_t rows, float* sums) {
    const int64_t out_blocks = ceil_div(batch_.out, bf16_outs), outs = out_blocks * bf16_outs;
    const int64_t count = rows * pitch_, all = round_up(count, bf16_depth);
    std::fill_n(reinterpret_cast<uint16_t*>(gradient_at(count)), (all - count) * outs, uint16_t(0));
    for (int64_t ky = 0; ky < batch_.kernel; ++ky)
      bf16_.tap_gradients({.in = reinterpret_cast<const std::byte*>(inputs_.data() + ky * pitch_),
                           .in_row = places_,
                           .channels = batch_.in,
                           .kernel = batch_.kernel,
                           .gradient = gradient_at(0),
                           .out_blocks = out_blocks,
                           .width = all,
                           .sums = sums + ky * batch_.kernel * batch_.in * outs});
  }

 private:
  // `place` is even.
  std::byte* gradient_at(int64_t place) {
    return reinterpret_cast<std::byte*>(gradients_.data() +
                                        place * round_up(batch_.out, bf16_outs));
  }

  const BatchShape& batch_;
  const Bf16Kernels& bf16_;
  int64_t pitch_;                    // places of a row
  int64_t places_;                   // of a channel
  std::vector<uint16_t> inputs_;     // [channel][place]
  std::vector<uint16_t> gradients_;  // [pair of places][output channel][two]
};

/// A band of a backward pass.
class BackwardBand {
 public:
  BackwardBand(const BatchShape& batch, const BackwardFrames& frames, Rectifier rectifier,
               const Kernels& kernels, const Bf16Kernels& bf16)
      : batch_(batch),
        frames_(frames),
        rectifier_(rectifier),
        kernels_(kernels),
        row_(size_t(batch.width * batch.out + row_slack)),
        gradients_(batch.height, batch.width, batch.out, batch.kernel / 2, batch.kernel,
                   [this](int64_t y, uint16_t* row) { read_gradient(y, row); }),
        chunk_(batch, bf16) {}
  BackwardBand(const BackwardBand&) = delete;
  BackwardBand& operator=(const BackwardBand&) = delete;

  /// `convolution` computes the gradient of the input from that of the output; null: not wanted.
  void run(const Band& band, RowConvolution* convolution, float* filters, double* biases) {
    const int64_t border = batch_.kernel / 2;
    for (int64_t y = band.first; y < band.end && convolution != nullptr; ++y) {
      gradients_.bring(y - border, y + border + 1);
      convolution->run(gradients_, y, batch_.width, frames_.input_gradient);
    }
    for (int64_t first = band.first; first < band.end; first += chunk_rows) {
      const int64_t rows = std::min(chunk_rows, band.end - first);
      for (int64_t r = -border; r < rows + border; ++r) chunk_.set_input(r, input_row(first + r));
      for (int64_t r = 0; r < rows; ++r) {
        unrectify(first + r);
        kernels_.sum({row_.data(), batch_.out}, batch_.out, batch_.width, biases);
        chunk_.set_gradient(r, row_.data());
      }
      chunk_.add_to(rows, filters);
    }
  }

 private:
  const float* input_row(int64_t y) const {
    return y < 0 || y >= batch_.height ? nullptr : frames_.input + y * batch_.width * batch_.in;
  }

  // The gradient of row y before its rectifier, into row_.
  void unrectify(int64_t y) {
    const int64_t count = batch_.width * batch_.out;
    kernels_.unrectify(frames_.output + y * count, frames_.gradient + y * count, count, rectifier_,
                       row_.data());
  }

  void read_gradient(int64_t y, uint16_t* to) {
    unrectify(y);
    kernels_.narrow(row_.data(), batch_.width * batch_.out, reinterpret_cast<std::byte*>(to));
  }

  const BatchShape& batch_;
  BackwardFrames frames_;
  Rectifier rectifier_;
  const Kernels& kernels_;
  std::vector<float> row_;
  Bf16Rows gradients_;
  GradientChunk chunk_;
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
