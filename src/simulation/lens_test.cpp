#include "simulation/lens.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"

namespace hyperconv {
namespace {

Tensor dots(int64_t height, int64_t width, int64_t y, int64_t x) {
  Tensor tensor({1, 3, height, width});
  for (int64_t c = 0; c < 3; ++c) tensor.at(0, c, y, x) = 1;
  return tensor;
}

struct Moments {
  double sum = 0, y = 0, x = 0, variance_y = 0, variance_x = 0;
};

Moments moments(const Tensor& tensor, int64_t channel) {
  Moments m;
  double yy = 0, xx = 0;
  for (int64_t y = 0; y < tensor.shape().h; ++y)
    for (int64_t x = 0; x < tensor.shape().w; ++x) {
      const double value = tensor.at(0, channel, y, x);
      m.sum += value;
      m.y += value * double(y);
      m.x += value * double(x);
      yy += value * double(y * y);
      xx += value * double(x * x);
    }
  m.y /= m.sum;
  m.x /= m.sum;
  m.variance_y = yy / m.sum - m.y * m.y;
  m.variance_x = xx / m.sum - m.x * m.x;
  return m;
}

// A whole shift moves; a part of one moves the middle by just so much.
TEST(Lens, ShiftsEachColourByItself) {
  for (const double shift : {-1.0, -0.6, 0.0, 0.25, 1.0}) {
    Tensor tensor = dots(21, 24, 10, 12);
    see_through({.shift = {{{shift, 0}, {0, 0}, {0.5, shift}}}}, tensor);
    const Moments red = moments(tensor, 0), green = moments(tensor, 1), blue = moments(tensor, 2);
    EXPECT_NEAR(red.sum, 1, 1e-6);
    EXPECT_NEAR(red.y, 10 - shift, 1e-5);
    EXPECT_NEAR(red.x, 12, 1e-5);
    EXPECT_EQ(tensor.at(0, 1, 10, 12), 1);
    EXPECT_NEAR(green.sum, 1, 0);
    EXPECT_NEAR(blue.y, 9.5, 1e-5);
    EXPECT_NEAR(blue.x, 12 - shift, 1e-5);
  }
}

// A sampled Gaussian of deviation 0.6 and more, cut at three pixels, has its variance to 3 %.
TEST(Lens, BlursByItsDeviation) {
  for (const double blur : {0.6, 0.8}) {
    Tensor tensor = dots(21, 24, 10, 12);
    see_through({.blur = {blur, 0, blur}, .shift = {}}, tensor);
    EXPECT_NEAR(moments(tensor, 0).variance_y, blur * blur, 0.03 * blur * blur);
    EXPECT_NEAR(moments(tensor, 2).variance_x, blur * blur, 0.03 * blur * blur);
    EXPECT_EQ(tensor.at(0, 1, 10, 12), 1);
  }
}

TEST(Lens, KeepsWhatIsEvenUpToTheEdges) {
  Tensor tensor({1, 3, 5, 3});
  std::fill_n(tensor.data(), tensor.size(), 0.25f);
  see_through({.blur = {1, 0.5, 0.1}, .shift = {{{1, -1}, {0, 0}, {0.3, 0.7}}}}, tensor);
  for (size_t i = 0; i < tensor.size(); ++i) EXPECT_NEAR(tensor.data()[i], 0.25, 1e-6);
}

}  // namespace
}  // namespace hyperconv
