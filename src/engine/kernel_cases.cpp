#include "engine/kernel_cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>

#include "base/half.hpp"
#include "base/integers.hpp"
#include "base/random.hpp"
#include "engine/filters.hpp"

namespace hyperconv {
namespace {

/// Room behind a row: kernels read whole vectors and store whole groups.
constexpr int64_t slack = 64;

std::vector<float> drawn(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count + slack));
  for (float& value : values) value = random.normal();
  return values;
}

/// The channels of the first `count` pixels.
KernelResult channels_of(const std::vector<float>& values, int64_t pixel, int64_t channels,
                         int64_t count) {
  KernelResult result;
  for (int64_t x = 0; x < count; ++x) {
    const auto first = values.begin() + x * pixel;
    result.insert(result.end(), first, first + channels);
  }
  return result;
}

/// Rows of pixels, channels-last, and one to write to; a pixel has room for whole vectors.
struct RowBuffers {
  RowBuffers(int64_t channels_, int64_t width_)
      : channels(channels_), width(width_), pixel(round_up(channels_, 16)) {
    for (uint64_t i = 0; i < in.size(); ++i) in[i] = drawn(2 * width * pixel, i);
    out.resize(size_t(2 * width * pixel + slack));
  }

  PixelRun run(size_t i) const { return {in[i].data(), pixel}; }
  MutablePixelRun target() { return {out.data(), pixel}; }
  const std::byte* bytes(size_t i) const {
    return reinterpret_cast<const std::byte*>(in[i].data());
  }
  KernelResult written(int64_t count) const { return channels_of(out, pixel, channels, count); }

  int64_t channels, width, pixel;
  std::array<std::vector<float>, winograd_rows> in;
  std::vector<float> out;
};

// ---- Rows in, a row out

/// `call(kernels, rows)` reads `read` pixels a pixel of the row and writes `written`.
template <class Call>
KernelCase row_case(const char* kernel, int64_t channels, int64_t width, int read, int written,
                    Call call) {
  const double bytes = double((read + written) * channels * width) * sizeof(float);
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto rows = std::make_shared<RowBuffers>(channels, width);
    return {[=, &kernels] { call(kernels, *rows); },
            [=] { return rows->written(written * width); }};
  };
  return {kernel, fmt::format("{} channels", channels), 0, bytes, prepare};
}

void add_row_cases(int64_t channels, int64_t width, std::vector<KernelCase>& cases) {
  const auto add = [&](const char* kernel, int read, int written, auto call) {
    cases.push_back(row_case(kernel, channels, width, read, written, call));
  };
  add("unrectify", 2, 1, [](const Kernels& k, RowBuffers& r) {
    k.unrectify(r.in[0].data(), r.in[1].data(), r.width * r.pixel, Rectifier::leaky_relu,
                r.out.data());
  });
  add("rectify", 1, 1, [](const Kernels& k, RowBuffers& r) {
    k.rectify(r.run(0), r.target(), r.channels, r.width, Rectifier::leaky_relu);
  });
  add("add", 2, 1, [](const Kernels& k, RowBuffers& r) {
    k.add(r.run(0), r.run(1), r.target(), r.channels, r.width, Rectifier::relu);
  });
  add("multiply", 2, 1, [](const Kernels& k, RowBuffers& r) {
    k.multiply(r.run(0), r.run(1), r.target(), r.channels, r.width);
  });
  add("norm2d", 1, 1, [](const Kernels& k, RowBuffers& r) {
    const ChannelScale scale{r.in[1].data(), r.in[2].data(), r.in[3].data()};
    k.norm2d(r.run(0), r.target(), r.channels, r.width, scale, Rectifier::relu);
  });
  add("average_pool2d", 4, 1, [](const Kernels& k, RowBuffers& r) {
    k.average_pool2d(r.run(0), r.run(1), r.target(), r.channels, r.width);
  });
  add("max_pool2d", 4, 1, [](const Kernels& k, RowBuffers& r) {
    k.max_pool2d(r.run(0), r.run(1), r.target(), r.channels, r.width);
  });
  add("upsample2d", 1, 2, [](const Kernels& k, RowBuffers& r) {
    k.upsample2d(r.run(0), r.target(), r.channels, r.width);
  });
}

// ---- Runs of numbers

/// What `call(kernels, rows, result)` writes is the result.
template <class Call>
KernelCase numbers_case(const char* kernel, const std::string& form, int64_t channels,
                        int64_t width, int64_t results, double bytes, Call call) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto rows = std::make_shared<RowBuffers>(channels, width);
    const auto result = std::make_shared<KernelResult>(size_t(results));
    return {[=, &kernels] { call(kernels, *rows, *result); }, [=] { return *result; }};
  };
  return {kernel, form, 0, bytes, prepare};
}

/// The encoded values of a matrix; i8 with its rows' factors.
struct EncodedMatrix {
  std::vector<std::byte> values;
  std::vector<float> scales;
};

EncodedMatrix encoded_matrix(Precision precision, int64_t rows, int64_t columns) {
  const std::vector<float> values = drawn(rows * columns, 5);
  EncodedMatrix matrix{std::vector<std::byte>(size_t(rows * columns * bytes_per_value(precision))),
                       std::vector<float>(size_t(rows), 1.0f / 32)};
  for (int64_t i = 0; i < rows * columns; ++i) {
    const float value = values[size_t(i)];
    const uint16_t half = precision == Precision::bf16 ? float_to_bf16(value) : float_to_f16(value);
    const auto whole = int8_t(std::clamp(value * 32, -127.0f, 127.0f));
    std::byte* to = matrix.values.data() + i * bytes_per_value(precision);
    if (precision == Precision::f32)
      std::memcpy(to, &value, sizeof value);
    else if (precision == Precision::i8)
      std::memcpy(to, &whole, sizeof whole);
    else
      std::memcpy(to, &half, sizeof half);
  }
  return matrix;
}

void add_sums(int64_t channels, int64_t width, std::vector<KernelCase>& cases) {
  const double bytes = double(channels * width) * sizeof(float);
  const auto form = fmt::format("{} channels", channels);
  const auto add = [&](const char* kernel, int64_t results, auto sum) {
    const auto call = [=](const Kernels& k, RowBuffers& r, KernelResult& result) {
      std::vector<double> sums(size_t(results + slack));
      sum(k, r, sums.data());
      std::copy_n(sums.begin(), results, result.begin());
    };
    cases.push_back(numbers_case(kernel, form, channels, width, results, bytes, call));
  };
  add("sum", channels, [](const Kernels& k, RowBuffers& r, double* sums) {
    k.sum(r.run(0), r.channels, r.width, sums);
  });
  const auto halves =
      std::make_shared<EncodedMatrix>(encoded_matrix(Precision::bf16, 1, channels * width));
  add("sum_bf16", channels, [halves](const Kernels& k, RowBuffers& r, double* sums) {
    k.sum_bf16(halves->values.data(), r.channels, r.width, sums);
  });
  add("describe", 3 * channels, [](const Kernels& k, RowBuffers& r, double* sums) {
    k.describe(r.run(0), r.channels, r.width, r.in[1].data(), sums);
  });
}

/// What goes into a kernel that writes bf16, and what it wrote.
struct Halves {
  std::vector<float> values;
  EncodedMatrix encoded[2];
  std::vector<std::byte> written;

  const std::byte* bytes(int i) const { return encoded[i].values.data(); }
  KernelResult result() const {
    KernelResult result(written.size() / 2);
    for (size_t i = 0; i < result.size(); ++i) {
      uint16_t half = 0;
      std::memcpy(&half, written.data() + 2 * i, sizeof half);
      result[i] = bf16_to_float(half);
    }
    return result;
  }
};

/// `call(kernels, halves)` reads `count` values and writes `results` in bf16.
template <class Call>
KernelCase halves_case(const char* kernel, const std::string& form, int64_t count, int64_t results,
                       double bytes, Call call) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto halves = std::make_shared<Halves>(Halves{
        drawn(count, 7),
        {encoded_matrix(Precision::bf16, 1, count), encoded_matrix(Precision::bf16, 1, count)},
        std::vector<std::byte>(size_t(results) * 2)});
    return {[=, &kernels] { call(kernels, *halves); }, [=] { return halves->result(); }};
  };
  return {kernel, form, 0, bytes, prepare};
}

void add_halves(int64_t channels, int64_t width, std::vector<KernelCase>& cases) {
  const int64_t count = channels * width;
  const auto form = fmt::format("{} channels", channels);
  cases.push_back(halves_case(
      "narrow", "to bf16", count, count, double(count) * 6,
      [=](const Kernels& k, Halves& h) { k.narrow(h.values.data(), count, h.written.data()); }));
  cases.push_back(halves_case(
      "to_hi_lo", form, count, 3 * count, double(count) * 10, [=](const Kernels& k, Halves& h) {
        k.to_hi_lo({h.values.data(), channels}, channels, width, h.written.data());
      }));
  cases.push_back(halves_case(
      "add_bf16", form, count, count, double(count) * 6, [=](const Kernels& k, Halves& h) {
        k.add_bf16(h.bytes(0), h.bytes(1), count, Rectifier::leaky_relu, h.written.data());
      }));
  cases.push_back(halves_case("average_pool2d_bf16", form, 2 * count, count, double(count) * 10,
                              [=](const Kernels& k, Halves& h) {
                                k.average_pool2d_bf16(h.bytes(0), h.bytes(1), channels, width,
                                                      h.written.data());
                              }));
}

KernelCase convert_case(Precision precision, int64_t count) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto values = std::make_shared<EncodedMatrix>(encoded_matrix(precision, 1, count));
    const auto result = std::make_shared<KernelResult>(size_t(count));
    return {
        [=, &kernels] { kernels.convert(values->values.data(), precision, count, result->data()); },
        [=] { return *result; }};
  };
  return {"convert", "from " + to_string(precision), 0,
          double(count * (4 + bytes_per_value(precision))), prepare};
}

void add_conversions(int64_t channels, int64_t width, std::vector<KernelCase>& cases) {
  const auto to_planes = [](const Kernels& k, RowBuffers& r, KernelResult& result) {
    k.to_planes(r.in[0].data(), r.pixel, 2, r.width, result.data());
  };
  cases.push_back(numbers_case("to_planes", "2 values a pixel", channels, width, 2 * width,
                               double(4 * width) * sizeof(float), to_planes));
  add_halves(channels, width, cases);
  for (const Precision precision : {Precision::f16, Precision::bf16, Precision::i8})
    cases.push_back(convert_case(precision, channels * width));
}

// ---- Matrix times vector

KernelCase matrix_case(Precision precision, int64_t rows, int64_t columns) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto matrix = std::make_shared<EncodedMatrix>(encoded_matrix(precision, rows, columns));
    const auto vector = std::make_shared<std::vector<float>>(drawn(columns, 6));
    const auto result = std::make_shared<KernelResult>(size_t(rows));
    const auto call = [=, &kernels] {
      std::fill(result->begin(), result->end(), 1.0f);
      kernels.multiply_add({matrix->values.data(), precision, columns,
                            reinterpret_cast<const std::byte*>(matrix->scales.data())},
                           vector->data(), rows, result->data());
    };
    return {call, [=] { return *result; }};
  };
  return {"multiply_add", fmt::format("{}, {} columns", to_string(precision), columns), 0,
          double(rows * columns * bytes_per_value(precision)), prepare};
}

// ---- Convolutions

/// One convolution's packed weights, by the engine's own way of packing them.
struct PackedConv {
  PackedConv(const Kernels& kernels, int64_t channels, int kernel, FilterForm form) : threads(1) {
    Graph graph;
    graph.add("input", Input{int(channels)}, {});
    graph.add("conv", Conv2d{int(channels), kernel}, {0});
    const FilterSpec spec{.form = form,
                          .kernel = kernel,
                          .out_channels = channels,
                          .slices = {{.node = 1, .first = 0, .channels = channels}}};
    const auto model = std::make_shared<const Model>(untrained(graph, {}, 1));
    bank = std::make_unique<FilterBank>(model, std::vector{spec}, kernels, threads);
  }
  const PackedFilter& filter() const { return (*bank)[0]; }

  Threads threads;
  std::unique_ptr<FilterBank> bank;
};

struct ConvBuffers {
  ConvBuffers(const Kernels& kernels, int64_t channels, int64_t width, int kernel, FilterForm form)
      : rows(channels, width), conv(kernels, channels, kernel, form) {
    out_pixel = conv.filter().vectors * kernels.lanes;
    out.resize(size_t(4 * width * out_pixel + slack));
    scratch.resize(size_t(winograd_scratch(width, channels, kernels.lanes)));
    for (size_t i = 0; i < taps.size(); ++i) taps[i] = rows.bytes(i);
    input = {taps.data(), rows.pixel, channels, Precision::f32};
  }
  KernelResult written(int64_t count) const {
    return channels_of(out, out_pixel, rows.channels, count);
  }

  RowBuffers rows;
  PackedConv conv;
  std::array<const std::byte*, winograd_rows> taps;
  ConvInput input;
  int64_t out_pixel = 0;
  std::vector<float> out, scratch;
};

std::string conv_form(int kernel, int64_t channels) {
  return fmt::format("{0}x{0}, {1} to {1} channels", kernel, channels);
}

KernelCase direct_case(int64_t channels, int64_t width, int kernel) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto b =
        std::make_shared<ConvBuffers>(kernels, channels, width, kernel, FilterForm::direct);
    const auto call = [=, &kernels] {
      const PackedFilter& filter = b->conv.filter();
      kernels.conv2d({.inputs = &b->input,
                      .input_count = 1,
                      .kernel = kernel,
                      .stride = 1,
                      .vectors = filter.vectors,
                      .weights = filter.floats(),
                      .bias = filter.bias,
                      .rectifier = Rectifier::relu,
                      .out = b->out.data(),
                      .out_pixel = b->out_pixel,
                      .width = width});
    };
    return {call, [=] { return b->written(width); }};
  };
  const double flops = 2.0 * kernel * kernel * double(channels * channels * width);
  return {"conv2d", conv_form(kernel, channels), flops,
          double((kernel + 1) * channels * width) * sizeof(float), prepare};
}

KernelCase winograd_case(int64_t channels, int64_t width) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const auto b = std::make_shared<ConvBuffers>(kernels, channels, width, 3, FilterForm::winograd);
    const auto call = [=, &kernels] {
      const PackedFilter& filter = b->conv.filter();
      WinogradRows run{.inputs = &b->input,
                       .input_count = 1,
                       .channels = channels,
                       .vectors = filter.vectors,
                       .weights = filter.floats(),
                       .bias = filter.bias,
                       .rectifier = Rectifier::relu,
                       .out = {},
                       .out_precision = Precision::f32,
                       .out_pixel = b->out_pixel,
                       .width = width,
                       .scratch = b->scratch.data()};
      for (int64_t row = 0; row < 4; ++row)
        run.out[size_t(row)] =
            reinterpret_cast<std::byte*>(b->out.data() + row * width * b->out_pixel);
      kernels.conv2d_winograd(run);
    };
    return {call, [=] { return b->written(4 * width); }};
  };
  return {"conv2d_winograd", conv_form(3, channels) + ", 4 rows",
          4 * 2.0 * 9 * double(channels * channels * width),
          double((winograd_rows + 4) * channels * width) * sizeof(float), prepare};
}

KernelCase gradient_case(int64_t channels, int64_t width) {
  const auto prepare = [=](const Kernels& kernels) -> PreparedKernel {
    const int64_t vectors = ceil_div(channels, kernels.lanes), out = vectors * kernels.lanes;
    const auto in = std::make_shared<std::vector<float>>(drawn((width + 2) * channels, 8));
    const auto gradient = std::make_shared<std::vector<float>>(drawn(width * out, 9));
    // The same numbers whatever the lanes: each pixel's are drawn anew.
    for (int64_t x = 0; x < width; ++x) {
      Random random(9, uint64_t(x));
      for (int64_t c = 0; c < channels; ++c) (*gradient)[size_t(x * out + c)] = random.normal();
    }
    const auto sums = std::make_shared<std::vector<float>>(size_t(3 * channels * out));
    const auto call = [=, &kernels] {
      std::ranges::fill(*sums, 0.0f);
      kernels.tap_gradients({.in = in->data(),
                             .in_pixel = channels,
                             .taps = 3 * channels,
                             .gradient = gradient->data(),
                             .gradient_pixel = out,
                             .vectors = int(vectors),
                             .width = width,
                             .sums = sums->data()});
    };
    return {call, [=] { return channels_of(*sums, out, channels, 3 * channels); }};
  };
  return {"tap_gradients", fmt::format("3 taps, {0} to {0} channels", channels),
          2.0 * 3 * double(channels * channels * width),
          double(2 * channels * width) * sizeof(float), prepare};
}

}  // namespace

std::vector<KernelCase> kernel_cases(int64_t channels, int64_t width) {
  std::vector<KernelCase> cases = {direct_case(channels, width, 3), direct_case(channels, width, 1),
                                   winograd_case(channels, width), gradient_case(channels, width)};
  add_row_cases(channels, width, cases);
  add_sums(channels, width, cases);
  add_conversions(channels, width, cases);
  // As many numbers as hyper-iii's filters have hidden values; rows enough to leave the caches.
  constexpr int64_t hidden = 1110;
  for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16, Precision::i8})
    cases.push_back(matrix_case(precision, channels * width / 4, hidden));
  return cases;
}

double seconds_of_call(const PreparedKernel& kernel, double budget) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto begin = Clock::now();
  double best = 1e9;
  // Calls are short beside the clock: twice as many at once until they are not.
  for (int64_t calls = 1; seconds_since(begin) < budget;) {
    const auto start = Clock::now();
    for (int64_t i = 0; i < calls; ++i) kernel.call();
    const double seconds = seconds_since(start);
    best = std::min(best, seconds / double(calls));
    if (seconds < 1e-4) calls *= 2;
  }
  return best;
}

}  // namespace hyperconv
