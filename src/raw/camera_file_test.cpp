#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libraw/libraw.h>

#include <cmath>
#include <exiv2/exiv2.hpp>
#include <fstream>
#include <memory>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "raw/exif.hpp"
#include "raw/matrix3.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CameraFileTest : public testing::Test {
 protected:
  Mosaic read(const std::vector<uint8_t>& bytes) const {
    // Hundreds of times, so without the wait for the disk that write_file makes.
    std::ofstream(folder_ / "a.dng", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    return read_camera_file(folder_ / "a.dng");
  }
  Mosaic read(const CraftedDng& dng) const { return read(dng.encode()); }
  std::string error(const CraftedDng& dng) const {
    return error_of([&] { read(dng); });
  }
  TemporaryFolder folder_;
};

std::string error_for(const std::filesystem::path& path) {
  const std::string line = error_of([&] { read_camera_file(path); });
  EXPECT_THAT(line, HasSubstr(path.string()));
  return line;
}

/// Camera RGB -> linear sRGB, as develop.hpp promises it.
Matrix3 to_srgb(const Matrix3& xyz_to_camera) {
  Matrix3 from_srgb = multiply(xyz_to_camera, xyz_from_srgb);
  for (auto& row : from_srgb) {
    const double sum = row[0] + row[1] + row[2];
    for (double& value : row) value /= sum;
  }
  return *inverse(from_srgb);
}

/// LibRaw itself, for comparison.
std::unique_ptr<LibRaw> libraw(const std::filesystem::path& path) {
  auto raw = std::make_unique<LibRaw>();
  raw->imgdata.params.use_camera_wb = 1;
  EXPECT_EQ(raw->open_file(path.c_str()), LIBRAW_SUCCESS);
  EXPECT_EQ(raw->unpack(), LIBRAW_SUCCESS);
  return raw;
}

// ---- Real files

class RealFileTest : public CameraFileTest {
 protected:
  void SetUp() override {
    const auto data = shared_data();
    if (!data) GTEST_SKIP() << "the shared test images are not here";
    raw_ = *data / "raw";
  }
  std::filesystem::path raw_;
};

// The facts as `raw-identify -v` and `exiv2 -pa` print them.
TEST_F(RealFileTest, Colorchart) {
  const Mosaic mosaic = read_camera_file(raw_ / "colorchart.dng");
  EXPECT_EQ(mosaic.width, 1734);
  EXPECT_EQ(mosaic.height, 1156);
  EXPECT_EQ(mosaic.cfa, Cfa::rggb);
  EXPECT_THAT(mosaic.black, testing::Each(2056));
  EXPECT_EQ(mosaic.white, 15000);
  EXPECT_NEAR(mosaic.white_balance[0], 2.477, 1e-5);
  EXPECT_NEAR(mosaic.white_balance[2], 2.477 / 1.462, 1e-5);
  ASSERT_TRUE(mosaic.xyz_to_camera);
  EXPECT_NEAR((*mosaic.xyz_to_camera)[0][0], 0.6461, 1e-6);
  EXPECT_NEAR((*mosaic.xyz_to_camera)[1][0], -0.3825, 1e-6);
  EXPECT_NEAR((*mosaic.xyz_to_camera)[2][2], 0.6039, 1e-6);
  EXPECT_EQ(mosaic.orientation, 1);
  EXPECT_EQ(mosaic.shot.make, "Canon");
  EXPECT_EQ(mosaic.shot.model, "EOS Kiss X4");
  EXPECT_EQ(mosaic.shot.date_time, "");
  EXPECT_FALSE(mosaic.noise);
  EXPECT_THAT(mosaic.warnings, IsEmpty());
}

TEST_F(RealFileTest, SamplesAreLibRaws) {
  for (const char* name : {"colorchart.dng", "RAW_KODAK_DC50.KDC"}) {
    const Mosaic mosaic = read_camera_file(raw_ / name);
    const auto raw = libraw(raw_ / name);
    ASSERT_EQ(raw->raw2image(), LIBRAW_SUCCESS);
    ASSERT_EQ(raw->imgdata.sizes.iwidth, mosaic.width);
    ASSERT_EQ(raw->imgdata.sizes.iheight, mosaic.height);
    for (int y = 0, i = 0; y < mosaic.height; ++y)
      for (int x = 0; x < mosaic.width; ++x, ++i) {
        // LibRaw keeps each sample in its colour's channel, 3 being the second green.
        const auto& pixel = raw->imgdata.image[i];
        const int colour = cfa_colour(mosaic.cfa, y, x);
        const uint16_t wanted = colour == 1 ? std::max(pixel[1], pixel[3]) : pixel[colour];
        ASSERT_EQ(mosaic.samples[size_t(i)], wanted) << name << " " << y << "," << x;
      }
  }
}

TEST_F(RealFileTest, KodakDc50) {
  const Mosaic mosaic = read_camera_file(raw_ / "RAW_KODAK_DC50.KDC");
  EXPECT_EQ(mosaic.width, 768);
  EXPECT_EQ(mosaic.height, 512);
  EXPECT_EQ(mosaic.cfa, Cfa::grbg);
  EXPECT_THAT(mosaic.white_balance, ElementsAre(1, 1, 1));
  EXPECT_EQ(mosaic.shot.make, "Kodak");
  EXPECT_EQ(mosaic.shot.model, "DC50");
  EXPECT_EQ(mosaic.shot.date_time, "1997:04:23 08:00:47");
  EXPECT_NEAR(mosaic.shot.f_number, 6.2, 0.1);
  EXPECT_NEAR(mosaic.shot.focal_length_mm, 37, 0.1);
}

TEST_F(RealFileTest, ColoursAreLibRaws) {
  for (const char* name : {"colorchart.dng", "RAW_KODAK_DC50.KDC"}) {
    const Mosaic mosaic = read_camera_file(raw_ / name);
    const auto raw = libraw(raw_ / name);
    ASSERT_TRUE(mosaic.xyz_to_camera) << name;
    const Matrix3 matrix = to_srgb(*mosaic.xyz_to_camera);
    for (size_t i = 0; i < 9; ++i)
      EXPECT_NEAR(matrix[i / 3][i % 3], double(raw->imgdata.color.rgb_cam[i / 3][i % 3]), 1e-5)
          << name;
  }
}

TEST_F(RealFileTest, HeaderWithoutSamples) {
  EXPECT_THAT(error_for(raw_ / "exiv2_IMG_1361.dng"), HasSubstr("demosaiced already"));
}

TEST_F(RealFileTest, PhotosAreNoCameraFiles) {
  EXPECT_THAT(error_for(raw_ / "halide_n900_bayer_small.png"), HasSubstr("no camera file"));
  const auto photo = raw_.parent_path() / "photos" / "train" / "bsds_100007.jpg";
  write_file(folder_ / "photo.dng", read_file(photo));
  EXPECT_THAT(error_for(folder_ / "photo.dng"), HasSubstr("no camera file"));
}

// ---- Active area and black level

TEST_F(CameraFileTest, ActiveAreaIsCropped) {
  for (const uint32_t top : {0, 1, 2, 3})
    for (const uint32_t left : {0, 1, 4, 5})
      for (const uint32_t bottom : {29, 30}) {
        CraftedDng dng;
        dng.active_area = {top, left, bottom, 39};
        const Mosaic mosaic = read(dng);
        SCOPED_TRACE(fmt::format("area {},{} to {},39", top, left, bottom));
        // The pattern begins with the area. LibRaw begins at the next even row and column.
        const uint32_t y0 = top + top % 2, x0 = left + left % 2;
        EXPECT_EQ(mosaic.cfa, shifted(Cfa::rggb, top % 2, left % 2));
        ASSERT_EQ(mosaic.height, int(bottom - y0));
        ASSERT_EQ(mosaic.width, int(39 - x0));
        for (int y = 0; y < mosaic.height; ++y)
          for (int x = 0; x < mosaic.width; ++x)
            ASSERT_EQ(mosaic.samples[size_t(y * mosaic.width + x)],
                      dng.samples[(size_t(y) + y0) * 40 + size_t(x) + x0]);
      }
}

TEST_F(CameraFileTest, BlackLevelsByPattern) {
  CraftedDng dng;
  EXPECT_THAT(read(dng).black, testing::Each(0));
  dng.black = {200.5};
  EXPECT_THAT(read(dng).black, testing::Each(200.5));
  dng.black_repeat = {1, 1};
  EXPECT_THAT(read(dng).black, testing::Each(200.5));
  dng.black_repeat = {1, 2};
  dng.black = {100, 101.25};
  EXPECT_THAT(read(dng).black, ElementsAre(100, 101.25, 100, 101.25));
  dng.black_repeat = {2, 1};
  EXPECT_THAT(read(dng).black, ElementsAre(100, 100, 101.25, 101.25));
  dng.black_repeat = {2, 2};
  dng.black = {100, 101, 102, 103};
  for (const std::vector<uint8_t>& filters :
       {std::vector<uint8_t>{0, 1, 1, 2}, {2, 1, 1, 0}, {1, 0, 2, 1}, {1, 2, 0, 1}}) {
    dng.filters = filters;
    EXPECT_THAT(read(dng).black, ElementsAre(100, 101, 102, 103));
  }
}

// The pattern is counted from the active area's corner, also where LibRaw leaves its first row out.
TEST_F(CameraFileTest, BlackPatternFollowsAnOddActiveArea) {
  CraftedDng dng;
  dng.black_repeat = {2, 2};
  dng.black = {100, 101, 102, 103};
  dng.active_area = {1, 0, 30, 40};
  EXPECT_THAT(read(dng).black, ElementsAre(102, 103, 100, 101));
  dng.active_area = {2, 3, 30, 40};
  EXPECT_THAT(read(dng).black, ElementsAre(101, 100, 103, 102));
  dng.active_area = {2, 2, 30, 40};
  EXPECT_THAT(read(dng).black, ElementsAre(100, 101, 102, 103));
}

TEST_F(CameraFileTest, LargerBlackPatternsAreLevelled) {
  CraftedDng dng;
  dng.black_repeat = {1, 4};
  dng.black = {100, 200, 120, 240};
  const Mosaic mosaic = read(dng);
  EXPECT_THAT(mosaic.black, ElementsAre(110, 220, 110, 220));
  for (size_t i = 0; i < mosaic.samples.size(); ++i)
    ASSERT_EQ(mosaic.samples[i] - mosaic.black[i % 2], dng.samples[i] - dng.black[i % 40 % 4]);
}

TEST_F(CameraFileTest, LevellingKeepsSaturatedSamples) {
  CraftedDng dng;
  dng.black_repeat = {1, 3};
  dng.black = {100, 200, 300};
  dng.white = 2500;
  const Mosaic mosaic = read(dng);
  EXPECT_THAT(mosaic.black, testing::Each(200));
  for (size_t i = 0; i < mosaic.samples.size(); ++i)
    if (dng.samples[i] >= 2500) {
      ASSERT_EQ(mosaic.samples[i], dng.samples[i]);
    }
}

TEST_F(CameraFileTest, WhiteBelowBlackIsDamage) {
  CraftedDng dng;
  dng.black = {4095};
  EXPECT_THAT(error(dng), HasSubstr("white level 4095 is not above its black level 4095"));
}

// ---- Colours

/// With this mean of each colour, and noise.
std::vector<uint16_t> coloured_samples(const std::array<int, 3>& means) {
  std::vector<uint16_t> samples = noise_samples(size_t(40) * 30, 0, 100);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = uint16_t(samples[i] - 50 +
                          means[size_t(cfa_colour(Cfa::rggb, int64_t(i / 40), int64_t(i % 40)))]);
  return samples;
}

TEST_F(CameraFileTest, WithoutAWhiteBalanceTheWorldIsGrey) {
  for (const std::vector<double>& neutral :
       {std::vector<double>{}, {0, 1, 1}, {0.5, 0, 0.5}, {1e-9, 1, 1}})
    for (const bool has_matrix : {true, false}) {
      CraftedDng dng;
      dng.neutral = neutral;
      dng.samples = coloured_samples({500, 1500, 1000});
      if (!has_matrix) dng.matrix.clear();
      const Mosaic mosaic = read(dng);
      EXPECT_THAT(mosaic.warnings, Contains(HasSubstr("grey-world is taken")));
      EXPECT_NEAR(mosaic.white_balance[0], 3, 0.05);
      EXPECT_NEAR(mosaic.white_balance[2], 1.5, 0.03);
      EXPECT_EQ(mosaic.white_balance[1], 1);
    }
}

TEST_F(CameraFileTest, SaturatedBlocksSayNothingOfWhite) {
  CraftedDng dng;
  dng.neutral.clear();
  dng.samples = coloured_samples({500, 1500, 1000});
  for (size_t y = 0; y < 8; ++y)
    for (size_t x = 0; x < 40; ++x) dng.samples[y * 40 + x] = 4095;
  EXPECT_NEAR(read(dng).white_balance[0], 3, 0.05);
}

TEST_F(CameraFileTest, NothingKnownAboutColours) {
  CraftedDng dng;
  dng.neutral.clear();
  dng.matrix.clear();
  const Mosaic mosaic = read(dng);
  EXPECT_FALSE(mosaic.xyz_to_camera);
  EXPECT_THAT(mosaic.warnings,
              ElementsAre(HasSubstr("no white balance"), HasSubstr("no colour matrix")));
}

TEST_F(CameraFileTest, SingularMatrixIsNone) {
  CraftedDng dng;
  dng.matrix = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_THAT(read(dng).warnings, Contains(HasSubstr("no colour matrix")));
}

TEST_F(CameraFileTest, OfTwoMatricesDaylightIsTaken) {
  CraftedDng dng;
  dng.second_matrix = {1, 0, 0, 0, 1, 0, 0, 0, 1};  // for illuminant A; the first is for D65
  const Mosaic mosaic = read(dng);
  EXPECT_NEAR((*mosaic.xyz_to_camera)[0][0], dng.matrix[0], 1e-6);
  const auto raw = libraw(folder_ / "a.dng");
  const Matrix3 matrix = to_srgb(*mosaic.xyz_to_camera);
  for (size_t i = 0; i < 9; ++i)
    EXPECT_NEAR(matrix[i / 3][i % 3], double(raw->imgdata.color.rgb_cam[i / 3][i % 3]), 1e-5);
}

TEST_F(CameraFileTest, NoiseOfOnePlaneOrOfGreen) {
  CraftedDng dng;
  EXPECT_FALSE(read(dng).noise);
  dng.noise = {1e-4, 2e-6};
  EXPECT_EQ(read(dng).noise, (NoiseProfile{1e-4, 2e-6}));
  dng.noise = {1e-4, 2e-6, 3e-4, 4e-6, 5e-4, 6e-6};
  EXPECT_EQ(read(dng).noise, (NoiseProfile{3e-4, 4e-6}));
  for (const std::vector<double>& nonsense :
       {std::vector<double>{-1, 0}, {NAN, 0}, {1e-4, INFINITY}, {0, 0}, {1e-4}, {1, 2, 3, 4}}) {
    dng.noise = nonsense;
    EXPECT_FALSE(read(dng).noise);
  }
}

/// What LibRaw makes of a file with its own settings for "sRGB, white balance as shot, nothing
/// guessed from the picture": the first pixel, 16 bits.
std::array<int, 3> rendered_by_libraw(const std::filesystem::path& path) {
  const auto raw = libraw(path);
  auto& params = raw->imgdata.params;
  params.use_camera_wb = 1;
  params.output_color = 1;  // sRGB
  params.output_bps = 16;
  params.gamm[0] = 1 / 2.4;  // the sRGB curve; LibRaw's default is BT.709's
  params.gamm[1] = 12.92;
  params.no_auto_bright = 1;
  params.adjust_maximum_thr = 0;
  params.highlight = 0;
  params.user_qual = 3;  // AHD
  EXPECT_EQ(raw->dcraw_process(), LIBRAW_SUCCESS);
  int code = 0;
  libraw_processed_image_t* image = raw->dcraw_make_mem_image(&code);
  EXPECT_NE(image, nullptr);
  const auto* pixel = reinterpret_cast<const uint16_t*>(image->data);
  const std::array<int, 3> result = {pixel[0], pixel[1], pixel[2]};
  LibRaw::dcraw_clear_mem(image);
  return result;
}

/// The same by hand from the mosaic's facts: black off, white balance with the least multiplier 1,
/// white = 1, cut at 1, matrix, sRGB curve.
std::array<double, 3> rendered_by_facts(const Mosaic& mosaic) {
  std::array<double, 3> camera{}, srgb{};
  const auto& gain = mosaic.white_balance;
  const double least = *std::min_element(gain.begin(), gain.end());
  const double range = mosaic.white - *std::min_element(mosaic.black.begin(), mosaic.black.end());
  for (const size_t place : {0, 1, 3}) {
    const int y = int(place) / 2, x = int(place) % 2;
    const auto c = size_t(cfa_colour(mosaic.cfa, y, x));
    const double sample = mosaic.samples[size_t(y * mosaic.width + x)];
    camera[c] = std::min(1.0, (sample - mosaic.black[place]) / range * gain[c] / least);
  }
  const Matrix3 matrix = to_srgb(*mosaic.xyz_to_camera);
  for (size_t i = 0; i < 3; ++i) {
    const double linear = std::clamp(
        matrix[i][0] * camera[0] + matrix[i][1] * camera[1] + matrix[i][2] * camera[2], 0.0, 1.0);
    srgb[i] = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  }
  return srgb;
}

TEST_F(CameraFileTest, LibRawRendersByTheSameFacts) {
  // A grey, a colour, shadows, and a green that saturates.
  for (const std::array<uint16_t, 3>& colour : {std::array<uint16_t, 3>{1100, 2000, 1325},
                                                {2000, 1500, 900},
                                                {230, 260, 240},
                                                {2500, 4095, 2500}}) {
    CraftedDng dng;
    dng.black_repeat = {2, 2};
    dng.black = {200, 202, 202, 206};
    for (size_t i = 0; i < dng.samples.size(); ++i)
      dng.samples[i] = colour[size_t(cfa_colour(Cfa::rggb, int64_t(i / 40), int64_t(i % 40)))];
    const auto ours = rendered_by_facts(read(dng));
    const auto theirs = rendered_by_libraw(folder_ / "a.dng");
    // LibRaw truncates to 16 bits linear before and after the matrix, and the curve's slope is up
    // to 12.92: at most (1 + 2.9) * 12.92 = 51, of which these colours make 12.
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(ours[c] * 65535, theirs[c], 15) << colour[0];
  }
}

// ---- X-Trans

/// As LibRaw says it of an X-Pro1.
const std::vector<uint8_t> fujifilms_pattern = {1, 2, 1, 1, 0, 1, 0, 1, 0, 2, 1, 2,
                                                1, 2, 1, 1, 0, 1, 1, 0, 1, 1, 2, 1,
                                                2, 1, 2, 0, 1, 0, 1, 0, 1, 1, 2, 1};

TEST_F(CameraFileTest, XTransBeginsAnywhereInItsPattern) {
  for (int phase = 0; phase < 36; ++phase) {
    Mosaic wanted = full_mosaic(40, 31, XTrans{phase / 6, phase % 6});
    wanted.black.fill(512);
    const Mosaic got = read(encode_dng(wanted));
    // The pattern is the same three rows down and three columns to the right.
    for (int i = 0; i < 36; ++i)
      EXPECT_EQ(cfa_colour(got.cfa, i / 6, i % 6), cfa_colour(wanted.cfa, i / 6, i % 6)) << phase;
    EXPECT_EQ(got.samples, wanted.samples) << phase;
    EXPECT_EQ(got.black, wanted.black);
    EXPECT_EQ(got.noise, wanted.noise);
  }
}

TEST_F(CameraFileTest, XTransPatternBeginsWithTheActiveArea) {
  for (const uint32_t top : {0, 1, 2, 3})
    for (const uint32_t left : {0, 1, 4, 5}) {
      CraftedDng dng;
      dng.filter_repeat = {6, 6};
      dng.filters = fujifilms_pattern;
      dng.active_area = {top, left, 30, 40};
      const Mosaic mosaic = read(dng);
      SCOPED_TRACE(fmt::format("area from {},{}", top, left));
      ASSERT_LE(mosaic.height, int(30 - top));
      // Where LibRaw leaves a row or a column out, colours move with samples.
      const int y0 = 30 - mosaic.height - int(top), x0 = 40 - mosaic.width - int(left);
      for (int y = 0; y < mosaic.height; ++y)
        for (int x = 0; x < mosaic.width; ++x) {
          const size_t row = size_t(y + y0) + top, column = size_t(x + x0) + left;
          ASSERT_EQ(mosaic.samples[size_t(y * mosaic.width + x)], dng.samples[row * 40 + column]);
          ASSERT_EQ(cfa_colour(mosaic.cfa, y, x),
                    int(fujifilms_pattern[size_t((y + y0) % 6 * 6 + (x + x0) % 6)]));
        }
    }
}

TEST_F(CameraFileTest, XTransBlackLevelsAreEvenedOut) {
  CraftedDng dng;
  dng.filter_repeat = {6, 6};
  dng.filters = fujifilms_pattern;
  dng.black_repeat = {6, 6};
  for (int i = 0; i < 36; ++i) dng.black.push_back(200 + i);
  const Mosaic mosaic = read(dng);
  const double mean = mosaic.black[0];
  EXPECT_NEAR(mean, 217.5, 0.51);
  EXPECT_THAT(mosaic.black, testing::Each(mean));
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x) {
      const size_t i = size_t(y * mosaic.width + x);
      ASSERT_EQ(mosaic.samples[i] - mean, dng.samples[i] - dng.black[size_t(y % 6 * 6 + x % 6)]);
    }
}

// ---- Quad Bayer

/// As a Quad Bayer sensor has it whose first block begins at `top`, `left`.
CraftedDng quad_bayer(int top, int left) {
  CraftedDng dng;
  dng.filter_repeat = {4, 4};
  dng.filters.clear();
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      dng.filters.push_back(uint8_t(cfa_colour(Cfa::grbg, (y + 4 - top) / 2, (x + 4 - left) / 2)));
  return dng;
}

TEST_F(CameraFileTest, QuadBayerIsBinned) {
  for (const auto& [top, left] : {std::array{0, 0}, std::array{0, 1}, std::array{1, 1}}) {
    CraftedDng dng = quad_bayer(top, left);
    dng.black_repeat = {1, 1};
    dng.black = {60};
    dng.noise = {1e-3, 4e-6};
    // One clipped sample clips its block.
    const auto at = [&](int y, int x) -> uint16_t& {
      return dng.samples[size_t((top + y) * 40 + left + x)];
    };
    at(5, 7) = 4095;
    const Mosaic mosaic = read(dng);
    EXPECT_EQ(mosaic.width, (40 - left) / 2);
    EXPECT_EQ(mosaic.height, (30 - top) / 2);
    EXPECT_EQ(mosaic.cfa, ColourFilters(Cfa::grbg));
    EXPECT_EQ(mosaic.white, 4 * 4095);
    EXPECT_EQ(mosaic.black[3], 4 * 60);
    EXPECT_EQ(mosaic.noise, (NoiseProfile{2.5e-4, 1e-6}));
    EXPECT_THAT(mosaic.warnings, Contains(HasSubstr("Quad Bayer pattern is binned")));
    for (int y = 0; y < mosaic.height; ++y)
      for (int x = 0; x < mosaic.width; ++x) {
        const int sum = at(2 * y, 2 * x) + at(2 * y, 2 * x + 1) + at(2 * y + 1, 2 * x) +
                        at(2 * y + 1, 2 * x + 1);
        const bool is_clipped = y == 2 && x == 3;
        ASSERT_EQ(mosaic.samples[size_t(y * mosaic.width + x)], is_clipped ? 4 * 4095 : sum);
      }
  }
}

TEST_F(CameraFileTest, QuadBayerOf16BitsIsAveragedAndItsCropHalved) {
  CraftedDng dng = quad_bayer(0, 0);
  dng.samples = noise_samples(size_t(40) * 30, 1000, 60000);
  dng.white = 65535;
  dng.crop_origin = {5, 4};
  dng.crop_size = {32, 20};
  const Mosaic mosaic = read(dng);
  EXPECT_EQ(mosaic.white, 65535);
  EXPECT_EQ(mosaic.samples[0],
            (dng.samples[0] + dng.samples[1] + dng.samples[40] + dng.samples[41] + 2) / 4);
  EXPECT_EQ(mosaic.camera_crop, (Region{2, 3, 10, 16}));
}

// ---- Sensors that are neither Bayer nor X-Trans

TEST_F(CameraFileTest, OtherSensorsAreNamed) {
  CraftedDng dng;
  dng.photometric = 34892;
  dng.filters.clear();
  dng.bits = {16, 16, 16};
  dng.samples.resize(3 * 40 * 30);
  EXPECT_THAT(error(dng), HasSubstr("linear DNG"));

  dng = {};
  dng.photometric = 34892;
  dng.filters.clear();
  EXPECT_THAT(error(dng), HasSubstr("monochrome"));

  dng = {};
  dng.filter_repeat = {6, 6};
  dng.filters = fujifilms_pattern;
  std::swap(dng.filters[0], dng.filters[1]);
  EXPECT_THAT(error(dng), HasSubstr("6x6 is not X-Trans"));

  dng = {};
  dng.filter_repeat = {4, 4};
  dng.filters = {0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 2, 2, 1, 1, 2, 2};
  EXPECT_THAT(error(dng), HasSubstr("4x4, which is not Quad Bayer's"));

  dng = {};
  dng.filters = {4, 5, 3, 1};  // magenta, yellow, cyan, green
  dng.planes = {1, 4, 3, 5};
  EXPECT_THAT(error(dng), HasSubstr("colour filters are GMCY"));

  dng = {};
  dng.filters = {0, 1, 2, 1};
  EXPECT_THAT(error(dng), HasSubstr("its pattern is another one"));

  dng = {};
  dng.sample_format = 3;
  EXPECT_THAT(error(dng), HasSubstr("floating-point"));
}

// ---- Files from strangers

TEST_F(CameraFileTest, RefusesWhatIsNoFile) {
  EXPECT_THAT(error_for(folder_.path()), HasSubstr("folder"));
  error_for(folder_ / "none.dng");
  write_file(folder_ / "empty.dng", "");
  EXPECT_THAT(error_for(folder_ / "empty.dng"), HasSubstr("is empty"));
  write_file(folder_ / "text.dng", std::string(5000, 'x'));
  EXPECT_THAT(error_for(folder_ / "text.dng"), HasSubstr("no camera file"));
}

TEST_F(CameraFileTest, HugeSizesAreRefusedWithoutTheirMemory) {
  CraftedDng dng;
  dng.width = 60000;
  dng.height = 60000;
  EXPECT_THAT(error(dng), HasSubstr("claims more than 536870912 samples"));
  dng.width = 30000;
  dng.height = 17000;  // allowed, but the samples are not there
  EXPECT_THAT(error(dng), HasSubstr("cut off"));
}

// Both were found by flipping bytes.
TEST_F(CameraFileTest, ImpossiblePatternsAreNotFollowed) {
  CraftedDng dng;
  dng.filters = std::vector<uint8_t>(36, 1);  // LibRaw alone would write beyond its own
  EXPECT_THAT(error(dng), HasSubstr("damaged"));
  dng = {};
  dng.black = {100};
  for (const std::vector<uint16_t>& repeat :
       {std::vector<uint16_t>{2, 0}, {0, 2}, {65535, 65535}}) {
    dng.black_repeat = repeat;
    const Mosaic mosaic = read(dng);
    EXPECT_EQ(mosaic.samples, dng.samples);
  }
}

TEST_F(CameraFileTest, EveryTruncationIsAnError) {
  const std::vector<uint8_t> whole = encode_dng(full_mosaic(41, 33, Cfa::grbg));
  for (size_t length = 1; length < whole.size(); length += 1 + length / 40) {
    testing::internal::CaptureStderr();
    const std::string line = error_of([&] {
      read({whole.begin(), whole.begin() + int64_t(length)});
    });
    EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
    EXPECT_THAT(line, HasSubstr("a.dng: ")) << length;
  }
}

TEST_F(CameraFileTest, DamagedFilesNeverCrash) {
  const std::vector<uint8_t> whole = encode_dng(full_mosaic(41, 33, Cfa::grbg));
  const size_t header = whole.size() - 41 * 33 * 2;
  Random random(11);
  int errors = 0;
  testing::internal::CaptureStderr();
  for (int round = 0; round < 600; ++round) {
    std::vector<uint8_t> bytes = whole;
    for (int flips = 1 + round % 3; flips > 0; --flips)
      bytes[random.bits() % header] ^= uint8_t(1 << (random.bits() % 8));
    try {
      const Mosaic mosaic = read(bytes);
      ASSERT_EQ(mosaic.samples.size(), size_t(mosaic.width) * size_t(mosaic.height));
      ASSERT_GT(mosaic.white, *std::max_element(mosaic.black.begin(), mosaic.black.end()));
      for (const double gain : mosaic.white_balance) ASSERT_TRUE(gain > 0 && std::isfinite(gain));
      if (mosaic.xyz_to_camera) {
        ASSERT_TRUE(inverse(*mosaic.xyz_to_camera));
      }
    } catch (const Error& error) {
      ++errors;
      ASSERT_THAT(error.what(), AllOf(HasSubstr("a.dng: "), Not(HasSubstr("\n"))));
    }
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  EXPECT_GT(errors, 50);  // the damage does reach what matters
}

// ---- EXIF

TEST(Exif, CarriesTheShotWithoutOrientation) {
  const std::vector<uint8_t> stream = exif_for_picture(full_mosaic(40, 30, Cfa::rggb));
  Exiv2::ExifData exif;
  Exiv2::ExifParser::decode(exif, stream.data(), uint32_t(stream.size()));
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"Exif.Image.Make", "Hyper"},
      {"Exif.Image.Model", "Conv One"},
      {"Exif.Image.DateTime", "2024:02:29 23:59:58"},
      {"Exif.Photo.DateTimeOriginal", "2024:02:29 23:59:58"},
      {"Exif.Photo.ExposureTime", "1/250"},
      {"Exif.Photo.FNumber", "9/5"},
      {"Exif.Photo.FocalLength", "50/1"},
      {"Exif.Photo.ISOSpeedRatings", "1600"},
      {"Exif.Photo.LensModel", "50mm F1.8"}};
  for (const auto& [key, value] : wanted) EXPECT_EQ(exif[key].toString(), value) << key;
  EXPECT_THAT(exif["Exif.Image.Software"].toString(), testing::StartsWith("hyperconv "));
  EXPECT_EQ(exif.findKey(Exiv2::ExifKey("Exif.Image.Orientation")), exif.end());
}

TEST(Exif, LeavesOutWhatIsNotKnown) {
  Mosaic mosaic = full_mosaic(40, 30, Cfa::rggb);
  mosaic.shot = {};
  mosaic.shot.date_time = "yesterday";
  const std::vector<uint8_t> stream = exif_for_picture(mosaic);
  Exiv2::ExifData exif;
  Exiv2::ExifParser::decode(exif, stream.data(), uint32_t(stream.size()));
  EXPECT_EQ(exif.count(), 1);  // Software
}

TEST(Exif, IsoBeyondSixteenBits) {
  Mosaic mosaic = full_mosaic(40, 30, Cfa::rggb);
  mosaic.shot.iso = 102400;
  const std::vector<uint8_t> stream = exif_for_picture(mosaic);
  Exiv2::ExifData exif;
  Exiv2::ExifParser::decode(exif, stream.data(), uint32_t(stream.size()));
  EXPECT_EQ(exif["Exif.Photo.ISOSpeedRatings"].toString(), "65535");
  EXPECT_EQ(exif["Exif.Photo.SensitivityType"].toString(), "2");
  EXPECT_EQ(exif["Exif.Photo.RecommendedExposureIndex"].toString(), "102400");
}

}  // namespace
}  // namespace hyperconv
