#include "engine/batch_convolution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/threads.hpp"
#include "engine/testing.hpp"

namespace hyperconv {
namespace {

/// Values in double, and the sums of absolute values by which a float computation's error is
/// bounded: see reference::Result.
struct Exact {
  std::vector<double> values, magnitudes;
  int64_t terms = 0;

  explicit Exact(size_t count) : values(count), magnitudes(count) {}
  void add(size_t i, double product) {
    values[i] += product;
    magnitudes[i] += std::fabs(product);
  }
};

/// How a result was made. Winograd's form makes four rows out of sums of six, with factors of up to
/// eight: a value's error follows the largest of its neighbours, and has the roundings of the
/// transforms in it, some sixteen. A direct sum's error is bounded by its own terms. In bf16 both
/// factors of every product are rounded, by 2^-8 of themselves at most.
enum class Form { direct, winograd, bf16 };

double bound(const Exact& want, Form form, size_t i) {
  const double unit = std::ldexp(1.0, -24);
  switch (form) {
    case Form::direct:
      return double(want.terms + 1) * unit * want.magnitudes[i];
    case Form::winograd:
      return double(want.terms + 16) * unit * *std::ranges::max_element(want.magnitudes);
    case Form::bf16:
      return (std::ldexp(1.0, -7) + double(want.terms + 1) * unit) * want.magnitudes[i];
  }
  return 0;
}

void expect_near(const std::vector<float>& got, const Exact& want, Form form, const char* what) {
  ASSERT_EQ(got.size(), want.values.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(double(got[i]), want.values[i], bound(want, form, i)) << what << " " << i;
}

/// What a convolution computes with.
struct Arithmetic {
  const Kernels* kernels = &hyperconv::kernels();
  const Bf16Kernels* bf16 = nullptr;

  Form form_of(const BatchShape& shape) const {
    if (bf16 != nullptr) return Form::bf16;
    return shape.kernel == 3 ? Form::winograd : Form::direct;
  }
  Form form_of_sums() const { return bf16 != nullptr ? Form::bf16 : Form::direct; }
  std::string name() const {
    return kernels->name + (bf16 == nullptr ? "" : ", bf16 by " + bf16->name);
  }
};

std::vector<Arithmetic> all_arithmetic() {
  std::vector<Arithmetic> all;
  for (const std::string& target : tested_targets()) all.push_back({&kernels(target), nullptr});
  for (const Bf16Kernels& bf16 : bf16_kernels()) all.push_back({&kernels(), &bf16});
  return all;
}

std::vector<float> drawn(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.normal();
  return values;
}

/// A convolution's data: what goes in, and the gradient of what comes out.
struct Problem {
  BatchShape shape;
  Rectifier rectifier;
  std::vector<float> input, filters, bias, gradient;

  Problem(const BatchShape& s, Rectifier r)
      : shape(s),
        rectifier(r),
        input(drawn(s.samples * s.height * s.width * s.in, 1)),
        filters(drawn((s.own_filters ? s.samples : 1) * s.out * s.in * s.kernel * s.kernel, 2)),
        bias(drawn(s.out, 3)),
        gradient(drawn(s.samples * s.height * s.width * s.out, 4)) {}

  /// Calls visit(sample, output, input, filter): indices of what one product is made of.
  template <class Visit>
  void for_products(const Visit& visit) const {
    const auto& [n_count, h, w, in, out, k, own] = shape;
    for (int64_t n = 0; n < n_count; ++n)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x)
          for (int64_t ky = 0; ky < k; ++ky)
            for (int64_t kx = 0; kx < k; ++kx) {
              const int64_t iy = y + ky - k / 2, ix = x + kx - k / 2;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              for (int64_t o = 0; o < out; ++o)
                for (int64_t c = 0; c < in; ++c)
                  visit(size_t(((n * h + y) * w + x) * out + o),
                        size_t(((n * h + iy) * w + ix) * in + c),
                        size_t(((((own ? n : 0) * out + o) * in + c) * k + ky) * k + kx));
            }
  }

  Exact output() const {
    Exact y(gradient.size());
    y.terms = shape.in * shape.kernel * shape.kernel + 1;
    for (size_t i = 0; i < gradient.size(); ++i) y.add(i, double(bias[i % size_t(shape.out)]));
    for_products(
        [&](size_t o, size_t i, size_t f) { y.add(o, double(input[i]) * double(filters[f])); });
    for (double& value : y.values) value *= value > 0 ? 1 : slope();
    return y;
  }

  /// Of what came before the rectifier.
  double gradient_at(size_t o, const std::vector<float>& output) const {
    return double(gradient[o]) * (output[o] > 0 ? 1 : slope());
  }

  double slope() const {
    if (rectifier == Rectifier::none) return 1;
    return rectifier == Rectifier::relu ? 0 : double(leaky_slope);
  }
};

struct Gradients {
  std::vector<float> input, filters, bias;
};

ParallelFor on(Threads& threads) {
  return [&](int64_t tasks, const std::function<void(int64_t)>& body) {
    threads.parallel_for(tasks, body);
  };
}

std::vector<float> run_forward(const Problem& p, const Arithmetic& arithmetic, Threads& threads) {
  std::vector<float> output(p.gradient.size());
  BatchConvolution(p.shape, *arithmetic.kernels, arithmetic.bf16)
      .forward(p.input.data(), p.filters.data(), p.bias.data(), p.rectifier, output.data(),
               on(threads));
  return output;
}

Gradients run_backward(const Problem& p, const std::vector<float>& output,
                       const Arithmetic& arithmetic, Threads& threads) {
  Gradients g{std::vector<float>(p.input.size()), std::vector<float>(p.filters.size()),
              std::vector<float>(p.bias.size())};
  BatchConvolution(p.shape, *arithmetic.kernels, arithmetic.bf16)
      .backward(p.input.data(), p.filters.data(), output.data(), p.gradient.data(), p.rectifier,
                {g.input.data(), g.filters.data(), g.bias.data()}, on(threads));
  return g;
}

void expect_gradients(const Problem& p, const std::vector<float>& output,
                      const Arithmetic& arithmetic, const Gradients& got) {
  Exact input(p.input.size()), filters(p.filters.size()), bias(p.bias.size());
  input.terms = p.shape.out * p.shape.kernel * p.shape.kernel;
  bias.terms = p.shape.samples * p.shape.height * p.shape.width;
  filters.terms = bias.terms;
  p.for_products([&](size_t o, size_t i, size_t f) {
    const double dy = p.gradient_at(o, output);
    input.add(i, dy * double(p.filters[f]));
    filters.add(f, dy * double(p.input[i]));
  });
  for (size_t o = 0; o < p.gradient.size(); ++o)
    bias.add(o % size_t(p.shape.out), p.gradient_at(o, output));
  expect_near(got.input, input, arithmetic.form_of(p.shape), "gradient of the input");
  expect_near(got.filters, filters, arithmetic.form_of_sums(), "gradient of the filters");
  expect_near(got.bias, bias, Form::direct, "gradient of the bias");
}

void check(const BatchShape& shape, Rectifier rectifier) {
  SCOPED_TRACE(std::to_string(shape.samples) + "x" + std::to_string(shape.height) + "x" +
               std::to_string(shape.width) + ", " + std::to_string(shape.in) + " to " +
               std::to_string(shape.out) + ", kernel " + std::to_string(shape.kernel));
  const Problem problem(shape, rectifier);
  const Exact want = problem.output();
  // Where the rectifier bends must not hang on a rounding: all are given the same output.
  const std::vector<float> output(want.values.begin(), want.values.end());
  Threads one(1), three(3);
  for (const Arithmetic& arithmetic : all_arithmetic()) {
    SCOPED_TRACE(arithmetic.name());
    const std::vector<float> got = run_forward(problem, arithmetic, one);
    expect_near(got, want, arithmetic.form_of(shape), "output");
    const Gradients gradients = run_backward(problem, output, arithmetic, one);
    expect_gradients(problem, output, arithmetic, gradients);
    EXPECT_EQ(run_forward(problem, arithmetic, three), got);
    const Gradients again = run_backward(problem, output, arithmetic, three);
    EXPECT_EQ(again.input, gradients.input);
    EXPECT_EQ(again.filters, gradients.filters);
    EXPECT_EQ(again.bias, gradients.bias);
  }
}

TEST(BatchConvolution, AgreesWithPlainLoops) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {5, 13}, {7, 1}})
    for (const int64_t in : {1, 3, 8, 20})
      for (const int64_t out : {1, 12, 16, 33})
        for (const bool own : {false, true})
          check({2, height, width, in, out, 3, own}, Rectifier::relu);
}

TEST(BatchConvolution, KernelsOfEveryOddSize) {
  for (const int kernel : {1, 5, 7})
    for (const bool own : {false, true})
      check({2, 6, 9, 5, 17, kernel, own}, Rectifier::leaky_relu);
}

// Frames of more rows than a task, and rows of more pixels than a strip.
TEST(BatchConvolution, LargeFrames) {
  check({1, 67, 9, 4, 6, 3, false}, Rectifier::none);
  check({2, 33, 5, 3, 8, 3, true}, Rectifier::none);
  check({1, 2, 900, 4, 5, 3, false}, Rectifier::leaky_relu);
}

TEST(BatchConvolution, NoGradientOfTheInputWhereNoneIsWanted) {
  const Problem problem({2, 5, 6, 3, 4, 3, true}, Rectifier::none);
  Threads threads(2);
  for (const Arithmetic& arithmetic : all_arithmetic()) {
    const auto output = run_forward(problem, arithmetic, threads);
    const Gradients all = run_backward(problem, output, arithmetic, threads);
    std::vector<float> filters(problem.filters.size()), bias(problem.bias.size());
    BatchConvolution(problem.shape, *arithmetic.kernels, arithmetic.bf16)
        .backward(problem.input.data(), problem.filters.data(), output.data(),
                  problem.gradient.data(), problem.rectifier,
                  {nullptr, filters.data(), bias.data()}, on(threads));
    EXPECT_EQ(filters, all.filters);
    EXPECT_EQ(bias, all.bias);
  }
}

}  // namespace
}  // namespace hyperconv
