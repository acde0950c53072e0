#include "engine/executor.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

// What a strip's rows of input may take of a core's second-level cache (512 KiB and more), which
// the weights share.
constexpr int64_t strip_bytes = 128 << 10;

// A strip of output on the stack on its way to the planar output.
constexpr int64_t scratch_floats = 1 << 14;
static_assert(scratch_floats >= 64 * most_direct_channels);

void require_memory(int64_t bytes) {
  const int64_t machine = int64_t(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  if (bytes <= machine) return;
  fail("the network needs {:.1f} GiB of memory for this frame; the machine has {:.1f} GiB",
       double(bytes) / (1 << 30), double(machine) / (1 << 30));
}

// The row or column that stands at `index` once a frame is mirrored at its edges for ever.
int64_t reflected(int64_t index, int64_t size) {
  const int64_t period = std::max<int64_t>(2 * (size - 1), 1);
  const int64_t phase = (index % period + period) % period;
  return std::min(phase, period - phase) % size;
}

}  // namespace

Executor::Executor(Plan plan, FilterBank& filters, const Kernels& kernels, Threads& threads)
    : plan_(std::move(plan)), filters_(filters), kernels_(kernels), threads_(threads) {
  const int64_t bytes = plan_.arena_floats * int64_t(sizeof(float));
  require_memory(bytes);
  arena_ = Arena(size_t(bytes));
  for (const Step& step : plan_.steps) {
    const auto filter = filter_of(step.action);
    conv_inputs_.push_back(filter ? conv_inputs(step, filters_[*filter].spec.kernel)
                                  : std::vector<ConvInput>());
  }
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

// Left and right of every row first: the rows above and below are copies of whole ones.
void Executor::mirror_border(const Picture& of) {
  for_rows(of.height, [&](int64_t y) {
    for (int64_t i = 1; i <= of.border; ++i) {
      std::copy_n(pixel(of, y, reflected(-i, of.width)), of.pixel, pixel(of, y, -i));
      const int64_t right = of.width - 1 + i;
      std::copy_n(pixel(of, y, reflected(right, of.width)), of.pixel, pixel(of, y, right));
    }
  });
  const int64_t row = (of.width + 2 * of.border) * of.pixel;
  for (int64_t i = 1; i <= of.border; ++i) {
    for (const int64_t y : {-i, of.height - 1 + i}) {
      std::copy_n(pixel(of, reflected(y, of.height), -of.border), row, pixel(of, y, -of.border));
    }
  }
}

void Executor::execute(const FillBorder& action, const Step& step) {
  const Picture& around = picture(step.inputs.front());
  if (action.padding == Padding::reflect)
    mirror_border(around);
  else
    clear_border(around);
}

// Calls body(y, x, width) for every row of every strip of the frame.
template <class Body>
void Executor::for_strips(const Step& step, const Frame& frame, const Body& body) {
  int64_t column_bytes = 0;
  for (const PictureId p : step.inputs) {
    column_bytes += frame.kernel * picture(p).pixel * int64_t(sizeof(float));
  }
  const int64_t fitting = std::clamp(strip_bytes / column_bytes, int64_t(1), frame.widest);
  const int64_t strips = ceil_div(frame.width, fitting);
  // Whole tiles, and strips of about the same width.
  const int64_t tiles = ceil_div(ceil_div(frame.width, strips), kernels_.tile);
  const int64_t width = std::min(tiles * kernels_.tile, frame.widest);
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
  row.stride = 1;
  row.vectors = filter.vectors;
  row.weights = filter.weights;
  row.bias = filter.bias;
  row.rectifier = rectifier;
  return row;
}

void Executor::execute(const Convolve& action, const Step& step) {
  const PackedFilter& filter = filters_[action.filter];
  const Picture& out = picture(step.outputs.front());
  ConvRow all = conv_row(filter, action.rectifier, step);
  all.stride = action.stride;
  const Frame frame{out.height, out.width, all.kernel, out.width};
  for_strips(step, frame, [&](int64_t y, int64_t x, int64_t width) {
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
  for_strips(step, {in.height, in.width, 1, in.width}, [&](int64_t y, int64_t x, int64_t width) {
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
  const Picture& in = picture(step.inputs.front());
  const Frame frame{in.height, in.width, all.kernel, scratch_floats / pixel_floats};
  for_strips(step, frame, [&](int64_t y, int64_t x, int64_t width) {
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
