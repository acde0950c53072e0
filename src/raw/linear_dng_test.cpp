// What we write, LibRaw renders as we do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libraw/libraw.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "raw/colour.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr double step = 1.0 / 65535;

/// Light that differs everywhere, within [least, most].
Tensor lights(int height, int width, double least, double most) {
  Random random(3);
  Tensor rgb({1, 3, height, width});
  for (size_t i = 0; i < rgb.size(); ++i) rgb.data()[i] = float(random.uniform(least, most));
  return rgb;
}

/// LibRaw at work on a file, with our settings and a colour space of its own numbering.
class Rendering {
 public:
  Rendering(const std::filesystem::path& path, int colour_space) {
    auto& params = raw_->imgdata.params;
    params.use_camera_wb = 1;
    params.output_color = colour_space;
    params.adjust_maximum_thr = 0;
    params.no_auto_bright = 1;
    params.output_bps = 16;
    params.user_flip = 0;
    params.gamm[0] = 1 / 2.4;  // sRGB's
    params.gamm[1] = 12.92;
    EXPECT_EQ(raw_->open_file(path.c_str()), LIBRAW_SUCCESS);
    flip_ = raw_->imgdata.sizes.flip;
    EXPECT_EQ(raw_->unpack(), LIBRAW_SUCCESS);
    EXPECT_EQ(raw_->dcraw_process(), LIBRAW_SUCCESS);
  }

  int width() const { return raw_->imgdata.sizes.iwidth; }
  int height() const { return raw_->imgdata.sizes.iheight; }
  int flip() const { return flip_; }
  /// 1 is white.
  double linear(int c, int y, int x) const {
    return raw_->imgdata.image[y * width() + x][c] * step;
  }

  std::vector<uint16_t> encoded() {
    int code = LIBRAW_SUCCESS;
    libraw_processed_image_t* picture = raw_->dcraw_make_mem_image(&code);
    EXPECT_EQ(code, LIBRAW_SUCCESS);
    if (picture == nullptr) return {};
    std::vector<uint16_t> samples(picture->data_size / 2);
    std::copy_n(picture->data, samples.size() * 2, reinterpret_cast<uint8_t*>(samples.data()));
    LibRaw::dcraw_clear_mem(picture);
    return samples;
  }

 private:
  std::unique_ptr<LibRaw> raw_ = std::make_unique<LibRaw>();
  int flip_ = 0;
};

class LinearDngTest : public testing::Test {
 protected:
  std::filesystem::path written(const Tensor& rgb, const Mosaic& facts,
                                const DngOptions& options = {}) const {
    write_linear_dng(folder_ / "a.dng", rgb, facts, options);
    return folder_ / "a.dng";
  }
  TemporaryFolder folder_;
};

TEST_F(LinearDngTest, LibRawFindsTheCamerasColours) {
  // Odd sizes; 22 is the least that LibRaw reads.
  for (const auto& [width, height] : {std::pair(64, 48), {47, 35}, {22, 23}})
    for (const auto& balance : {std::array{2.1234567, 1.0, 1.4567891}, {0.8, 1.0, 2.5}}) {
      SCOPED_TRACE(fmt::format("{}x{}", width, height));
      Mosaic facts = full_mosaic(width, height, Cfa::rggb);
      facts.white_balance = balance;
      const Tensor rgb = lights(height, width, 0, 1);
      const Rendering rendering(written(rgb, facts), 0);
      ASSERT_EQ(rendering.width(), width);
      ASSERT_EQ(rendering.height(), height);
      // Half a step of ours between black and white, amplified, and LibRaw's rounding down, twice.
      const double amplified = std::ranges::max(balance) / std::ranges::min(balance);
      const double tolerance = (0.5 * amplified + 2) * step;
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
          for (int x = 0; x < width; ++x)
            ASSERT_NEAR(rendering.linear(c, y, x), rgb.at(0, c, y, x), tolerance)
                << c << " " << y << " " << x;
    }
}

TEST_F(LinearDngTest, LibRawRendersWhatWeDo) {
  const Mosaic facts = full_mosaic(47, 35, Cfa::rggb);
  const Tensor rgb = lights(35, 47, 0.2, 0.6);
  const auto theirs = Rendering(written(rgb, facts), 1).encoded();
  const Image picture = srgb_picture(rgb, camera_to_srgb(*facts.xyz_to_camera));
  const auto& ours = std::get<std::vector<uint16_t>>(picture.samples);
  ASSERT_EQ(theirs.size(), ours.size());
  int largest = 0;
  for (size_t i = 0; i < ours.size(); ++i)
    if (ours[i] > 6000 && ours[i] < 65535)  // where the curve is steeper, steps are larger
      largest = std::max(largest, std::abs(ours[i] - theirs[i]));
  // Some steps of linear light, times the matrix (up to 3) and the slope of the curve (up to 5).
  EXPECT_LE(largest, 40);
}

TEST_F(LinearDngTest, CutsAtWhiteAndAtBlack) {
  const Mosaic facts = full_mosaic(24, 22, Cfa::rggb);
  Tensor rgb({1, 3, 22, 24});
  const std::array<float, 5> light = {1, 7, -0.005f, -0.5f,
                                      std::numeric_limits<float>::quiet_NaN()};
  for (int x = 0; x < 5; ++x)
    for (int c = 0; c < 3; ++c) rgb.at(0, c, 0, x) = light[size_t(x)];
  const auto bytes = read_file(written(rgb, facts, {.compression = DngCompression::none}));
  const size_t start = bytes.size() - 22 * 24 * 3 * 2;
  const auto sample = [&](int x, int c) {
    const size_t at = start + size_t(3 * x + c) * 2;
    return bytes[at] + 256 * bytes[at + 1];
  };
  const auto& balance = facts.white_balance;
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(sample(0, c), 65535 / balance[size_t(c)], 0.51);
    EXPECT_EQ(sample(1, c), sample(0, c));
    for (int x = 2; x < 6; ++x) EXPECT_EQ(sample(x, c), 0);
  }
  EXPECT_EQ(sample(0, 1), 65535);
}

TEST_F(LinearDngTest, KnowsTheShotAndEveryOrientation) {
  // LibRaw's flips, by EXIF orientation.
  constexpr std::array<int, 8> flips = {0, 1, 3, 2, 4, 6, 7, 5};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Mosaic facts = full_mosaic(40, 30, Cfa::rggb);
    facts.orientation = orientation;
    LibRaw raw;
    ASSERT_EQ(raw.open_file(written(lights(30, 40, 0, 1), facts).c_str()), LIBRAW_SUCCESS);
    EXPECT_EQ(raw.imgdata.sizes.flip, flips[size_t(orientation - 1)]) << orientation;
    EXPECT_EQ(raw.imgdata.idata.filters, 0u);
    EXPECT_EQ(raw.imgdata.idata.colors, 3);
    EXPECT_STREQ(raw.imgdata.idata.make, facts.shot.make.c_str());
    EXPECT_STREQ(raw.imgdata.idata.model, facts.shot.model.c_str());
    EXPECT_FLOAT_EQ(raw.imgdata.other.iso_speed, float(facts.shot.iso));
    EXPECT_FLOAT_EQ(raw.imgdata.other.shutter, float(facts.shot.exposure_seconds));
    EXPECT_FLOAT_EQ(raw.imgdata.other.aperture, float(facts.shot.f_number));
  }
}

TEST_F(LinearDngTest, IsNoMosaicAnyMore) {
  const auto path = written(lights(30, 40, 0, 1), full_mosaic(40, 30, Cfa::rggb));
  EXPECT_THAT(error_of([&] { read_camera_file(path); }), HasSubstr("demosaiced already"));
}

TEST_F(LinearDngTest, NothingIsLeftWhereItCannotBeWritten) {
  const Mosaic facts = full_mosaic(40, 30, Cfa::rggb);
  const Tensor rgb = lights(30, 40, 0, 1);
  EXPECT_THROW(write_linear_dng(folder_ / "none" / "a.dng", rgb, facts), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace hyperconv
