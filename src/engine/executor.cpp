#include "engine/executor.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>

#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {
namespace {

// Rows that one thread takes at a time: many enough that a convolution reads few of its
// neighbour's rows again, few enough that two threads end together.
constexpr int64_t band_rows = 16;

// What a strip's rows of input may take of a core's second-level cache (512 KiB and more), which
// the weights share.
constexpr int64_t strip_bytes = 128 << 10;

// A strip of output on the stack on its way to the planar output.
constexpr int64_t scratch_floats = 1 << 14;
static_assert(scratch_floats >= 64 * most_direct_channels);

// Sums are taken over bands that depend on the frame alone, and added up in their order: so they
// do not depend on the number of threads.
constexpr int64_t sum_bands = 64;

int64_t ceil_div(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

void require_memory(int64_t bytes) {
  const int64_t machine = int64_t(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (bytes <= machine) return;
  fail("the network needs {:.1f} GiB of memory for this frame; the machine has {:.1f} GiB",
       double(bytes) / (1 << 30), double(machine) / (1 << 30));
}

// ln as in PhotoDescriptor (graph.hpp).
float log_scaled(double value) { return float((std::log(std::max(value, 0.0) + 1e-4) + 4) / 4); }

}  // namespace

Executor::Executor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads)
    : plan_(std::move(plan)), filters_(filters), kernels_(kernels), threads_(threads) {
  const int64_t bytes = plan_.arena_floats * int64_t(sizeof(float));
  require_memory(bytes);
  arena_ = Arena(size_t(bytes));
  int64_t most_channels = 0;
  for (const Step& step : plan_.steps) {
    const auto filter = filter_of(step.action);
    conv_inputs_.push_back(filter ? conv_inputs(step, filters_[*filter].spec.kernel)
                                  : std::vector<ConvInput>());
    int64_t channels = 0;
    for (const PictureId p : step.inputs) channels += picture(p).channels;
    most_channels = std::max(most_channels, channels);
  }
  statistics_.reserve(size_t(most_channels));
  sums_.resize(size_t(3 * most_channels));
  partial_sums_.resize(size_t(3 * most_channels * sum_bands));
  seconds_.resize(plan_.steps.size());
}

void Executor::run(const Tensor& input, Tensor& output) {
  input_ = &input;
  output_ = &output;
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    throw_if_interrupted();
    const Step& step = plan_.steps[i];
    const auto start = std::chrono::steady_clock::now();
    for (const PictureId p : step.outputs) clear_border(picture(p));
    std::visit([&](const auto& action) { execute(action, step); }, step.action);
    seconds_[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

// The arena is used again and again: zeros around a picture do not stay.
void Executor::clear_border(const Picture& of) {
  if (of.border == 0) return;
  const int64_t side = of.border * of.pixel;
  const int64_t last = of.height + of.border;
  for (int64_t y = -of.border; y < last; ++y) {
    float* left = pixel(of, y, -of.border);
    const bool outside = y < 0 || y >= of.height;
    std::fill_n(left, outside ? 2 * side + of.width * of.pixel : side, 0.0f);
    if (!outside) std::fill_n(pixel(of, y, of.width), side, 0.0f);
  }
}

template <class Body>
void Executor::for_rows(int64_t height, const Body& body) {
  const auto band = [&](int64_t index) {
    throw_if_interrupted();
    const int64_t end = std::min(height, (index + 1) * band_rows);
    for (int64_t y = index * band_rows; y < end; ++y) body(y);
  };
  threads_.parallel_for(ceil_div(height, band_rows), std::ref(band));
}

// Calls body(y, x, width) for every row of every strip of a convolution's frame; strips are at most
// `widest` pixels wide.
template <class Body>
void Executor::for_strips(const Step& step, int kernel, int64_t widest, const Body& body) {
  const Picture& frame = picture(step.inputs.front());
  int64_t column_bytes = 0;
  for (const PictureId p : step.inputs) {
    column_bytes += kernel * picture(p).pixel * int64_t(sizeof(float));
  }
  const int64_t fitting = std::clamp(strip_bytes / column_bytes, int64_t(1), widest);
  const int64_t strips = ceil_div(frame.width, fitting);
  // Whole tiles, and strips of about the same width.
  const int64_t tiles = ceil_div(ceil_div(frame.width, strips), kernels_.tile);
  const int64_t width = std::min(tiles * kernels_.tile, widest);
  const int64_t columns = ceil_div(frame.width, width);
  const auto piece = [&](int64_t index) {
    throw_if_interrupted();
    const int64_t x = index % columns * width;
    const int64_t first = index / columns * band_rows;
    const int64_t end = std::min(frame.height, first + band_rows);
    for (int64_t y = first; y < end; ++y) body(y, x, std::min(width, frame.width - x));
  };
  threads_.parallel_for(columns * ceil_div(frame.height, band_rows), std::ref(piece));
}

std::vector<ConvInput> Executor::conv_inputs(const Step& step, int kernel) const {
  std::vector<ConvInput> inputs;
  for (const PictureId p : step.inputs) {
    const Picture& in = picture(p);
    inputs.push_back({pixel(in, -(kernel / 2), -(kernel / 2)), in.row, in.pixel, in.channels});
  }
  return inputs;
}

ConvRow Executor::conv_row(const PackedFilter& filter, Rectifier rectifier,
                           const Step& step) const {
  const auto& inputs = conv_inputs_[size_t(&step - plan_.steps.data())];
  ConvRow row{};
  row.inputs = inputs.data();
  row.input_count = int(inputs.size());
  row.kernel = filter.spec.kernel;
  row.vectors = filter.vectors;
  row.weights = filter.weights;
  row.bias = filter.bias;
  row.rectifier = rectifier;
  return row;
}

void Executor::execute(const Convolve& action, const Step& step) {
  const PackedFilter& filter = filters_[action.filter];
  const Picture& out = picture(step.outputs.front());
  const ConvRow all = conv_row(filter, action.rectifier, step);
  for_strips(step, all.kernel, out.width, [&](int64_t y, int64_t x, int64_t width) {
    ConvRow row = all;
    row.x = x;
    row.y = y;
    row.width = width;
    row.out = pixel(out, y, x);
    row.out_pixel = out.pixel;
    kernels_.convolve(row);
  });
}

void Executor::execute(const ConvolveTransposed& action, const Step& step) {
  const PackedFilter& filter = filters_[action.filter];
  const Picture& in = picture(step.inputs.front());
  const Picture& out = picture(step.outputs.front());
  const ConvRow all = conv_row(filter, action.rectifier, step);
  for_strips(step, 1, in.width, [&](int64_t y, int64_t x, int64_t width) {
    for (int64_t tap = 0; tap < 4; ++tap) {
      ConvRow row = all;
      row.x = x;
      row.y = y;
      row.width = width;
      row.weights = filter.weights + tap * filter.floats;
      row.out = pixel(out, 2 * y + tap / 2, 2 * x + tap % 2);
      row.out_pixel = 2 * out.pixel;
      kernels_.convolve(row);
    }
  });
}

float* Executor::planar_row(int64_t channel, int64_t y) { return output_->row(0, channel, y); }

void Executor::execute(const ConvolveToOutput& action, const Step& step) {
  const PackedFilter& filter = filters_[action.filter];
  const ConvRow all = conv_row(filter, action.rectifier, step);
  const int64_t pixel_floats = int64_t(filter.vectors) * kernels_.lanes;
  const int64_t factor = action.factor;
  for_strips(step, all.kernel, scratch_floats / pixel_floats,
             [&](int64_t y, int64_t x, int64_t width) {
               alignas(64) std::array<float, size_t(scratch_floats)> scratch;
               ConvRow row = all;
               row.x = x;
               row.y = y;
               row.width = width;
               row.out = scratch.data();
               row.out_pixel = pixel_floats;
               kernels_.convolve(row);
               for (int64_t c = 0; c < filter.spec.out_channels; ++c) {
                 const int64_t dx = c % factor, dy = c / factor % factor;
                 float* to = planar_row(c / (factor * factor), factor * y + dy) + factor * x + dx;
                 const float* from = scratch.data() + c;
                 for (int64_t i = 0; i < width; ++i) to[factor * i] = from[i * pixel_floats];
               }
             });
}

void Executor::execute(const PredictFilters& action, const Step& step) {
  if (action.conditioning == Conditioning::layer) {
    channel_means(step.inputs);
  } else {
    statistics_.clear();
    for (const PictureId p : step.inputs) {
      const float* s = pixel(picture(p), 0, 0);
      statistics_.insert(statistics_.end(), s, s + picture(p).channels);
    }
  }
  filters_.predict(action.filter, action.node, statistics_);
}

// sums_[i] = sum over all rows of what row(y, sums) adds to its sums[i].
template <class Row>
void Executor::sum_rows(const Picture& in, int64_t count, const Row& row) {
  const int64_t rows = ceil_div(in.height, sum_bands);
  const auto band = [&](int64_t index) {
    throw_if_interrupted();
    double* sums = partial_sums_.data() + index * count;
    std::fill_n(sums, count, 0.0);
    const int64_t end = std::min(in.height, (index + 1) * rows);
    for (int64_t y = index * rows; y < end; ++y) row(y, sums);
  };
  const int64_t bands = ceil_div(in.height, rows);
  threads_.parallel_for(bands, std::ref(band));
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (int64_t i = 0; i < bands * count; ++i) {
    sums_[size_t(i % count)] += partial_sums_[size_t(i)];
  }
}

void Executor::channel_means(const Pictures& pictures) {
  statistics_.clear();
  for (const PictureId p : pictures) {
    const Picture& in = picture(p);
    sum_rows(in, in.channels, [&](int64_t y, double* sums) {
      kernels_.sum({pixel(in, y, 0), in.pixel}, in.channels, in.width, sums);
    });
    for (int64_t c = 0; c < in.channels; ++c) {
      statistics_.push_back(float(sums_[size_t(c)] / double(in.height * in.width)));
    }
  }
}

void Executor::execute(const Describe&, const Step& step) {
  const Picture& out = picture(step.outputs.front());
  const int64_t all_channels = out.channels / 3;
  float* descriptor = pixel(out, 0, 0);
  for (const PictureId p : step.inputs) {
    const Picture& in = picture(p);
    // Sums of squares are taken around the first pixel, so that a flat frame has no spread at all.
    const float* shift = pixel(in, 0, 0);
    sum_rows(in, 3 * in.channels, [&](int64_t y, double* sums) {
      kernels_.describe({pixel(in, y, 0), in.pixel}, in.channels, in.width, shift, sums);
    });
    const double count = double(in.height * in.width);
    const double steps = double(in.height * std::max<int64_t>(in.width - 1, 1));
    for (int64_t c = 0; c < in.channels; ++c) {
      const double mean = sums_[size_t(c)] / count;
      const double variance = sums_[size_t(in.channels + c)] / count - mean * mean;
      descriptor[c] = log_scaled(mean + double(shift[c]));
      descriptor[all_channels + c] = log_scaled(std::sqrt(std::max(variance, 0.0)));
      descriptor[2 * all_channels + c] = log_scaled(sums_[size_t(2 * in.channels + c)] / steps);
    }
    descriptor += in.channels;
  }
}

void Executor::execute(const ReadInput&, const Step& step) {
  const Picture& out = picture(step.outputs.front());
  for_rows(out.height, [&](int64_t y) {
    for (int64_t c = 0; c < out.channels; ++c) {
      const float* from = input_->row(0, c, y);
      float* to = pixel(out, y, 0) + c;
      for (int64_t x = 0; x < out.width; ++x) to[x * out.pixel] = from[x];
    }
  });
}

void Executor::execute(const WriteOutput&, const Step& step) {
  int64_t first = 0;
  for (const PictureId p : step.inputs) {
    const Picture& in = picture(p);
    for_rows(in.height, [&](int64_t y) {
      for (int64_t c = 0; c < in.channels; ++c) {
        const float* from = pixel(in, y, 0) + c;
        float* to = planar_row(first + c, y);
        for (int64_t x = 0; x < in.width; ++x) to[x] = from[x * in.pixel];
      }
    });
    first += in.channels;
  }
}

void Executor::execute(const Pool&, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.average_pool({pixel(in, 2 * y, 0), in.pixel}, {pixel(in, 2 * y + 1, 0), in.pixel},
                            {pixel(out, y, 0), out.pixel}, in.channels, out.width);
    });
  }
}

void Executor::execute(const Upsample&, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.upsample({pixel(in, y / 2, 0), in.pixel}, {pixel(out, y, 0), out.pixel}, in.channels,
                        in.width);
    });
  }
}

void Executor::execute(const Shuffle& action, const Step& step) {
  const Picture& in = picture(step.inputs.front());
  const Picture& out = picture(step.outputs.front());
  const int64_t factor = action.factor;
  for_rows(out.height, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const float* from = pixel(in, y / factor, x / factor) + y % factor * factor + x % factor;
      float* to = pixel(out, y, x);
      for (int64_t c = 0; c < out.channels; ++c) to[c] = from[c * factor * factor];
    }
  });
}

void Executor::execute(const Sum& action, const Step& step) {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const Picture& left = picture(step.inputs[i]);
    const Picture& right = picture(step.inputs[step.outputs.size() + i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.add({pixel(left, y, 0), left.pixel}, {pixel(right, y, 0), right.pixel},
                   {pixel(out, y, 0), out.pixel}, out.channels, out.width, action.rectifier);
    });
  }
}

void Executor::execute(const Rectify& action, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.rectify({pixel(in, y, 0), in.pixel}, {pixel(out, y, 0), out.pixel}, out.channels,
                       out.width, action.rectifier);
    });
  }
}

void Executor::execute(const Join&, const Step& step) {
  const Picture& out = picture(step.outputs.front());
  int64_t first = 0;
  for (const PictureId p : step.inputs) {
    const Picture& in = picture(p);
    for_rows(out.height, [&](int64_t y) {
      kernels_.rectify({pixel(in, y, 0), in.pixel}, {pixel(out, y, 0) + first, out.pixel},
                       in.channels, out.width, Rectifier::none);
    });
    first += in.channels;
  }
}

}  // namespace hyperconv
