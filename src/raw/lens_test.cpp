#include "raw/lens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"
#include "image/resize.hpp"
#include "raw/dng_opcodes.hpp"
#include "raw/lens_testing.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A lens by a formula: barrel distortion, one colour larger than the other, dark corners.
class Formula : public LensCorrection {
 public:
  Formula(int width, int height, double bend, double colour)
      : x_(width / 2.0), y_(height / 2.0), bend_(bend), colour_(colour) {}

  void places(int64_t y, int64_t x, std::span<LensPixel> pixels) const override {
    for (size_t i = 0; i < pixels.size(); ++i)
      for (size_t c = 0; c < 3; ++c) {
        const double dx = double(x + int64_t(i)) - x_, dy = double(y) - y_;
        const double r2 = (dx * dx + dy * dy) / (x_ * x_);
        const double f = 1 + bend_ * r2 + colour_ * (double(c) - 1);
        pixels[i][c] = {float(x_ + f * dx), float(y_ + f * dy), float(1 + 0.5 * r2)};
      }
  }
  const LensReport& report() const override { return report_; }

 private:
  double x_, y_, bend_, colour_;
  LensReport report_;
};

Tensor noise(int width, int height, int channels) {
  Tensor light({1, channels, height, width});
  Random random(5);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) light.row(0, c, y)[x] = float(random.uniform());
  return light;
}

/// From every sample, by the formula; those beyond the frame are the last ones within it.
double oracle(const Tensor& light, int64_t channel, const LensPlace& place) {
  const int64_t width = light.shape().w, height = light.shape().h;
  const double x = std::clamp(double(place.x), 0.0, double(width - 1));
  const double y = std::clamp(double(place.y), 0.0, double(height - 1));
  double sum = 0, all = 0;
  for (int64_t v = -3; v < height + 3; ++v)
    for (int64_t u = -3; u < width + 3; ++u) {
      const double weight = lanczos3(double(u) - x) * lanczos3(double(v) - y);
      all += weight;
      sum += weight *
             double(light.row(
                 0, channel,
                 std::clamp<int64_t>(v, 0, height - 1))[std::clamp<int64_t>(u, 0, width - 1)]);
    }
  return double(place.gain) * sum / all;
}

TEST(Lens, ResamplingIsTheFormulaInsideAndAtTheEdges) {
  constexpr int width = 37, height = 29;
  const Region all{0, 0, height, width};
  const Formula lens(width, height, 0.1, 0.01);
  for (const int channels : {1, 3}) {
    const Tensor light = noise(width, height, channels);
    for (const int threads : {1, 3}) {
      const Tensor made = corrected(lens, light, all, all, width, height, threads);
      for (int64_t y = 0; y < height; ++y) {
        std::vector<LensPixel> pixels(width);
        lens.places(y, 0, pixels);
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t x = 0; x < width; ++x) {
            const LensPlace& place = pixels[size_t(x)][channels == 1 ? 1 : size_t(c)];
            // The filter's weights come from a table of 1024 places between two samples.
            ASSERT_NEAR(double(made.row(0, c, y)[x]), oracle(light, c, place), 3e-3)
                << c << " " << y << " " << x;
          }
      }
    }
  }
}

TEST(Lens, NothingMovedIsTheSameToTheBit) {
  const Formula lens(40, 30, 0, 0);
  const Region all{0, 0, 30, 40};
  const Tensor light = noise(40, 30, 3);
  const Tensor made = corrected(lens, light, all, all, 40, 30);
  std::vector<LensPixel> pixels(40);
  for (int64_t y = 0; y < 30; ++y) {
    lens.places(y, 0, pixels);
    for (int64_t x = 0; x < 40; ++x)
      ASSERT_EQ(made.row(0, 0, y)[x], pixels[size_t(x)][0].gain * light.row(0, 0, y)[x]);
  }
}

TEST(Lens, APartIsAsTheWholeIsThere) {
  constexpr int width = 90, height = 70;
  const Region all{0, 0, height, width};
  const Formula lens(width, height, -0.12, 0.02);
  const Tensor light = noise(width, height, 3);
  const Tensor whole = corrected(lens, light, all, all, width, height);
  for (const Region& part : {Region{20, 30, 17, 19}, Region{0, 0, 9, 90}, Region{60, 80, 10, 10}}) {
    const Region needed = needed_for(lens, part, width, height);
    EXPECT_LT(needed.height * needed.width, width * height);
    Tensor held({1, 3, needed.height, needed.width});
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < needed.height; ++y)
        std::copy_n(light.row(0, c, needed.top + y) + needed.left, needed.width, held.row(0, c, y));
    const Tensor made = corrected(lens, held, needed, part, width, height);
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < part.height; ++y)
        for (int64_t x = 0; x < part.width; ++x)
          ASSERT_EQ(made.row(0, c, y)[x], whole.row(0, c, part.top + y)[part.left + x]);
  }
}

// ---- DNG's opcodes

constexpr int width = 240, height = 160;

Mosaic with_opcodes(OpcodeList list) {
  Mosaic facts;
  facts.width = width;
  facts.height = height;
  facts.later_opcodes = list.bytes();
  return facts;
}

OpcodeList& f64s(OpcodeList& list, std::initializer_list<double> values) {
  for (const double value : values) list.f64(value);
  return list;
}

TEST(DngLens, WarpRectilinearStraightensAGridInEveryColour) {
  constexpr std::array<std::array<double, 6>, 3> k = {{{0.94, 0.05, 0.01, 0, 0.002, -0.001},
                                                       {0.95, 0.05, 0.01, 0, 0.002, -0.001},
                                                       {0.96, 0.05, 0.01, 0, 0.002, -0.001}}};
  constexpr double centre_x = 0.48, centre_y = 0.53;
  OpcodeList list;
  list.opcode(1).u32(3);
  for (const auto& plane : k)
    for (const double value : plane) list.f64(value);
  f64s(list, {centre_x, centre_y});
  Mosaic facts = with_opcodes(list);
  const auto lens = lens_of_opcodes(facts);
  ASSERT_NE(lens, nullptr);
  EXPECT_EQ(lens->report().name, "WarpRectilinear");
  EXPECT_EQ(lens->report().corrected(), "distortion and lateral colour");
  // DNG 1.7's formula, again.
  const double cx = centre_x * width, cy = centre_y * height;
  const double m = std::hypot(std::max(cx, width - cx), std::max(cy, height - cy));
  const auto seen_at = [&](int c, double x, double y) -> std::array<double, 2> {
    const auto& p = k[size_t(c)];
    const double dx = (x + 0.5 - cx) / m, dy = (y + 0.5 - cy) / m, r = std::hypot(dx, dy);
    const double f = p[0] + p[1] * std::pow(r, 2) + p[2] * std::pow(r, 4) + p[3] * std::pow(r, 6);
    const double tx = p[4] * 2 * dx * dy + p[5] * (r * r + 2 * dx * dx);
    const double ty = p[5] * 2 * dx * dy + p[4] * (r * r + 2 * dy * dy);
    return {cx + m * (f * dx + tx) - 0.5, cy + m * (f * dy + ty) - 0.5};
  };
  const Tensor photo = photographed_grid(width, height, seen_at);
  const Region all{0, 0, height, width};
  const Tensor straight = corrected(*lens, photo, all, all, width, height);
  constexpr int border = 12;
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_GT(bend_of_lines(photo, c, border), 1);
    // Half of it is what a line's middle can be measured to.
    EXPECT_LT(bend_of_lines(straight, c, border), 0.1);
    for (int y = border; y < height - border; ++y)
      for (int x = border; x < width - border; ++x)
        ASSERT_NEAR(double(straight.row(0, c, y)[x]), Grid::at(x, y), 0.02) << c << " " << y;
  }
}

TEST(DngLens, WarpFisheyeIsItsFormula) {
  OpcodeList list;
  f64s(list.opcode(2).u32(1), {1.1, -0.2, 0.05, -0.01, 0.5, 0.5});
  Mosaic facts = with_opcodes(list);
  const auto lens = lens_of_opcodes(facts);
  ASSERT_NE(lens, nullptr);
  EXPECT_EQ(lens->report().corrected(), "distortion");
  std::vector<LensPixel> pixels(2);
  lens->places(20, 200, pixels);
  const double m = std::hypot(width / 2.0, height / 2.0);
  const double dx = (201.5 - width / 2.0) / m, dy = (20.5 - height / 2.0) / m;
  const double r = std::hypot(dx, dy), t = std::atan(r);
  const double f =
      (1.1 * t - 0.2 * std::pow(t, 3) + 0.05 * std::pow(t, 5) - 0.01 * std::pow(t, 7)) / r;
  EXPECT_NEAR(double(pixels[1][0].x), width / 2.0 + m * f * dx - 0.5, 1e-3);
  EXPECT_NEAR(double(pixels[1][2].y), height / 2.0 + m * f * dy - 0.5, 1e-3);
}

/// What is bright before it is bent is bright at the place in the photo as it was taken.
TEST(DngLens, OpcodesActInTheirOrder) {
  const auto gain_at = [](bool vignetting_first) {
    OpcodeList list;
    const auto vignetting = [&] { f64s(list.opcode(3), {0.8, 0, 0, 0, 0, 0.5, 0.5}); };
    if (vignetting_first) vignetting();
    f64s(list.opcode(1).u32(1), {0.5, 0, 0, 0, 0, 0, 0.5, 0.5});
    if (!vignetting_first) vignetting();
    Mosaic facts = with_opcodes(list);
    const auto lens = lens_of_opcodes(facts);
    EXPECT_EQ(lens->report().corrected(), "distortion and vignetting");
    std::vector<LensPixel> pixels(1);
    lens->places(0, 0, pixels);
    return double(pixels[0][1].gain);
  };
  EXPECT_NEAR(gain_at(false), 1.8, 0.01);
  EXPECT_NEAR(gain_at(true), 1.2, 0.01);
}

TEST(DngLens, GainMapsActOnTheirPlanesAndAreas) {
  OpcodeList list;
  // Red and green of the left half, from 1 to 2 from left to right of the whole.
  list.opcode(9).u32(0).u32(0).u32(height).u32(width / 2).u32(0).u32(2).u32(1).u32(1);
  list.u32(1).u32(2).f64(1).f64(1).f64(0).f64(0).u32(1).f32(1).f32(2);
  Mosaic facts = with_opcodes(list);
  const auto lens = lens_of_opcodes(facts);
  ASSERT_NE(lens, nullptr);
  std::vector<LensPixel> pixels(width);
  lens->places(7, 0, pixels);
  EXPECT_NEAR(double(pixels[60][0].gain), 1 + 60.5 / width, 1e-5);
  EXPECT_NEAR(double(pixels[60][1].gain), 1 + 60.5 / width, 1e-5);
  EXPECT_EQ(pixels[60][2].gain, 1);
  EXPECT_EQ(pixels[180][0].gain, 1);
}

TEST(DngLens, CoordinatesAreOfTheActiveArea) {
  OpcodeList list;
  f64s(list.opcode(1).u32(1), {0.5, 0, 0, 0, 0, 0, 0.5, 0.5});
  Mosaic facts = with_opcodes(list);
  facts.opcode_area = Region{-1, -1, height + 1, width + 1};
  const auto lens = lens_of_opcodes(facts);
  std::vector<LensPixel> pixels(width);
  lens->places(int64_t(height / 2), 0, pixels);
  // Everything moves towards the area's middle, which lies half a sample off the photo's.
  EXPECT_NEAR(double(pixels[0][0].x), (width - 1) / 2.0 * 0.5 + 0.25 - 0.5, 1e-3);
}

TEST(DngLens, WhatIsDamagedOrOfNoLensIsLeftOutAndSaid) {
  OpcodeList list;
  f64s(list.opcode(1).u32(2), {1, 0, 0, 0, 0, 0, 0.5, 0.5});  // of two planes
  f64s(list.opcode(1).u32(1), {std::nan(""), 0, 0, 0, 0, 0, 0.5, 0.5});
  list.opcode(3).f64(1);
  list.opcode(14).u32(1);
  Mosaic facts = with_opcodes(list);
  EXPECT_EQ(lens_of_opcodes(facts), nullptr);
  EXPECT_THAT(
      facts.warnings,
      ElementsAre(HasSubstr("WarpRectilinear is damaged"), HasSubstr("WarpRectilinear is damaged"),
                  HasSubstr("FixVignetteRadial is damaged"), HasSubstr("none of a lens")));
  Mosaic none;
  EXPECT_EQ(lens_of_opcodes(none), nullptr);
  // Places that are no numbers are somewhere in the photo.
  OpcodeList huge;
  f64s(huge.opcode(1).u32(1), {1e300, 1e300, 0, 0, 0, 0, 0.5, 0.5});
  facts = with_opcodes(huge);
  const auto lens = lens_of_opcodes(facts);
  const Region all{0, 0, height, width}, part{3, 4, 10, 10};
  corrected(*lens, noise(width, height, 3), all, part, width, height);
  const Region needed = needed_for(*lens, part, width, height);
  EXPECT_GE(needed.top, 0);
  EXPECT_LE(needed.left + needed.width, width);
}

}  // namespace
}  // namespace hyperconv
