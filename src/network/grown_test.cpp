#include "network/grown.hpp"

#include <gmock/gmock.h>

#include "base/testing.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

TEST(Grown, NewInputsBeginAtZero) {
  const Model old = untrained_network("denoise-16", {}, {}, 1);
  const Model model = grown(old, untrained_network("denoise", {}, {}, 2));
  EXPECT_EQ(model.weight("last.weight").to_float(), old.weight("last.weight").to_float());
  const auto before = old.weight("down1.conv2.a1.weight").to_float();
  const auto after = model.weight("down1.conv2.a1.weight").to_float();
  ASSERT_EQ(before.size(), 32u * 36);
  ASSERT_EQ(after.size(), 32u * 50);
  for (size_t row = 0; row < 32; ++row)
    for (size_t column = 0; column < 50; ++column)
      EXPECT_EQ(after[row * 50 + column], column < 36 ? before[row * 36 + column] : 0);
}

TEST(Grown, WhatDoesNotFitIsNamed) {
  const Model denoiser = untrained_network("denoise", {}, {}, 2);
  const Model wide = untrained_network("denoise-16", {.width = 24}, {}, 1);
  EXPECT_THAT(error_of([&] { grown(wide, denoiser); }), HasSubstr("'down1.conv1' has 16 channels"));
  const Model other = untrained_network("develop-16", {}, {}, 1);
  EXPECT_THAT(error_of([&] { grown(other, denoiser); }), HasSubstr("'input' has 3 channels"));
  // Filters that follow the means of all of a layer's channels.
  const auto by_layer = [](int width) {
    return untrained(hyper_unet({.width = width, .conditioning = Conditioning::layer}), {}, 1);
  };
  EXPECT_THAT(error_of([&] { grown(by_layer(8), by_layer(12)); }), HasSubstr("all channels"));
}

/// A network for X-Trans begins as the one for Bayer would, behind an interpolation.
TEST(Grown, FiltersThatFollowTheNoiseTakeMoreInputsToo) {
  const Model old = untrained_network("develop", {}, {}, 1);
  const Model model = grown(old, untrained_network("develop-xtrans", {}, {}, 2));
  // So does one for pixels that have all colours: it reads one of them first.
  const Model colours = grown(old, untrained_network("develop-rgb", {}, {}, 2));
  EXPECT_EQ(colours.info().packing, Packing::three_colours);
  for (const char* name : {"down1.conv1", "linear"}) {
    EXPECT_EQ(colours.weight(name + std::string(".a2.weight")).to_float(),
              model.weight(name + std::string(".a2.weight")).to_float());
    const auto before = old.weight(name + std::string(".a2.weight")).to_float();
    const auto after = model.weight(name + std::string(".a2.weight")).to_float();
    ASSERT_EQ(after.size(), 3 * before.size());
    const size_t filters = name == std::string("linear") ? 12 : 24, size = before.size() / filters;
    for (size_t i = 0; i < filters; ++i)
      for (size_t at = 0; at < 3 * size; ++at)
        ASSERT_EQ(after[i * 3 * size + at], at < size ? before[i * size + at] : 0) << name;
  }
}

}  // namespace
}  // namespace hyperconv
