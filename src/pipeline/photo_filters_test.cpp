#include "pipeline/photo_filters.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/integers.hpp"
#include "base/random.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

Tensor random_photo(int64_t height, int64_t width) {
  Random random(7);
  Tensor photo({1, 3, height, width});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        photo.at(0, c, y, x) =
            float(0.4 + 0.3 * std::sin(0.05 * double(x + c * y)) + 0.05 * random.normal());
  return photo;
}

ReadRows reader(const Tensor& photo) {
  return [&](int64_t top, int64_t rows, int64_t width) {
    const Shape& whole = photo.shape();
    Tensor strip({1, 3, rows, width});
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < rows; ++y)
        for (int64_t x = 0; x < width; ++x)
          strip.at(0, c, y, x) = photo.at(0, c, mirrored(top + y, whole.h), mirrored(x, whole.w));
    return strip;
  };
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, double(std::abs(a.data()[i] - b.data()[i])));
  return largest;
}

double root_mean_square(const Tensor& a) {
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) squares += double(a.data()[i]) * a.data()[i];
  return std::sqrt(squares / double(a.size()));
}

/// The network itself, and with the filters of this photo.
void expect_same(const Graph& graph) {
  const auto model = std::make_shared<const Model>(untrained(graph, {}, 3));
  // More than one strip, the last one shorter.
  const Tensor photo = random_photo(1072, 48);
  PhotoFilters filters(model);
  ASSERT_TRUE(filters.depend_on_photo());
  const auto fixed = filters.fixed_for(1072, 48, reader(photo));
  for (const Node& node : fixed->graph().nodes())
    EXPECT_FALSE(std::holds_alternative<HyperConv2d>(node.op) ||
                 std::holds_alternative<PhotoDescriptor>(node.op))
        << node.name;
  Tensor expected, got;
  Engine(model).run(photo, expected);
  Engine(fixed).run(photo, got);
  // Statistics and filters are rounded in another order.
  EXPECT_LT(largest_difference(expected, got), 1e-4 * root_mean_square(expected));
}

TEST(PhotoFilters, AreThoseThatTheNetworkPredicts) {
  expect_same(small_denoiser({.width = 4, .hidden = 3}));
  expect_same(vdn_denoiser(4, 3));
}

TEST(PhotoFilters, FollowFromThePhoto) {
  const auto model =
      std::make_shared<const Model>(untrained(small_denoiser({.width = 4, .hidden = 3}), {}, 3));
  PhotoFilters filters(model);
  const Tensor photo = random_photo(64, 64);
  Tensor dark = photo;
  for (size_t i = 0; i < dark.size(); ++i) dark.data()[i] *= 0.2f;
  const auto a = filters.fixed_for(64, 64, reader(photo))->weight("up1.conv1.weight").to_float();
  const auto b = filters.fixed_for(64, 64, reader(dark))->weight("up1.conv1.weight").to_float();
  EXPECT_NE(a, b);
}

TEST(PhotoFilters, LeaveANetworkAloneThatHasNone) {
  const auto model = std::make_shared<const Model>(untrained(vdn_denoiser(4), {}, 3));
  PhotoFilters filters(model);
  EXPECT_FALSE(filters.depend_on_photo());
  EXPECT_EQ(filters.fixed_for(8, 8, reader(random_photo(8, 8))), model);
}

TEST(PhotoFilters, TakeAnySize) {
  const auto model =
      std::make_shared<const Model>(untrained(small_denoiser({.width = 4, .hidden = 3}), {}, 3));
  PhotoFilters filters(model);
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {3, 2}, {513, 5}})
    EXPECT_NO_THROW(filters.fixed_for(height, width, reader(random_photo(height, width))));
}

}  // namespace
}  // namespace hyperconv
