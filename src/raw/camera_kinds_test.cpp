// Camera files of the kinds that photographers hand over: without samples, without a white balance,
// saturated below white, with opcodes, linear, monochrome, compressed in rare ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libraw/libraw.h>

#include <algorithm>
#include <cmath>
#include <exiv2/exiv2.hpp>
#include <fstream>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "raw/dng_opcodes.hpp"
#include "raw/exif.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"
#include "raw/sample_check.hpp"
#include "raw/saturation.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CameraKinds : public testing::Test {
 protected:
  fs::path put(const std::vector<uint8_t>& bytes, const std::string& name = "a.dng") const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    return folder_ / name;
  }
  RawFrame frame(const CraftedDng& dng) const { return read_raw_frame(put(dng.encode())); }
  Mosaic mosaic(const CraftedDng& dng) const { return std::get<Mosaic>(frame(dng)); }
  LinearFrame linear(const CraftedDng& dng) const { return std::get<LinearFrame>(frame(dng)); }
  std::string error(const CraftedDng& dng) const {
    return error_of([&] { frame(dng); });
  }

  static std::optional<fs::path> shared_case(const std::string& name) {
    const auto data = shared_data();
    if (!data || !fs::exists(*data / "cases" / name)) return std::nullopt;
    return *data / "cases" / name;
  }

  TemporaryFolder folder_;
};

// ---- Samples that are not there

TEST_F(CameraKinds, SamplesBeyondTheFilesEndAreMissed) {
  CraftedDng dng;
  auto bytes = dng.encode();
  bytes.resize(bytes.size() - 500);
  EXPECT_THAT(error_of([&] { read_raw_frame(put(bytes)); }), HasSubstr("strip 1 of 1"));
}

TEST_F(CameraKinds, WhatIsNoJpegWhereOneShouldBeIsMissed) {
  CraftedDng dng;
  dng.compression = 7;
  dng.samples.assign(dng.samples.size(), 0);
  EXPECT_THAT(error(dng), HasSubstr("strip 1 of 1 is no JPEG"));
}

TEST_F(CameraKinds, ADecoderThatGaveUpIsNoticed) {
  CraftedDng dng;
  dng.black = {64};
  for (size_t i = 40 * 20; i < dng.samples.size(); ++i) dng.samples[i] = 0;
  EXPECT_THAT(error(dng), HasSubstr("gave up at row 20 of 30"));
  dng.samples.assign(dng.samples.size(), 0);
  EXPECT_THAT(error(dng), HasSubstr("every sample is 0"));
}

TEST_F(CameraKinds, FilesWithoutSamples) {
  for (const char* name : {"exiftool_DNG.dng", "c_zerotile.dng"}) {
    const auto file = shared_case(name);
    if (!file) GTEST_SKIP() << name << " is not in the shared data";
    EXPECT_THAT(error_of([&] { read_raw_frame(*file); }), HasSubstr("tile")) << name;
  }
}

bool libraw_reads_deflated_integers() {
  return LibRaw::versionNumber() >= LIBRAW_MAKE_VERSION(0, 21, 0);
}

TEST_F(CameraKinds, RareCompressionsAreNamed) {
  CraftedDng dng;
  for (const auto& [compression, name] :
       {std::pair{8, "deflate"}, {52546, "JPEG XL"}, {9, "VC-5"}}) {
    if (compression == 8 && libraw_reads_deflated_integers()) continue;
    dng.compression = uint16_t(compression);
    EXPECT_THAT(error(dng), AllOf(HasSubstr(name), HasSubstr("LibRaw"), Not(HasSubstr("damaged"))));
  }
}

TEST_F(CameraKinds, DeflatedIntegers) {
  const auto file = shared_case("U_deflate.dng");
  if (!file) GTEST_SKIP() << "U_deflate.dng is not in the shared data";
  if (libraw_reads_deflated_integers())
    EXPECT_EQ(read_camera_file(*file).width, 320);
  else
    EXPECT_THAT(error_of([&] { read_raw_frame(*file); }), HasSubstr("deflate-compressed integers"));
}

// 307200 bytes are what LibRaw takes for a Foculus, whatever they are.
TEST_F(CameraKinds, LengthAloneIsNoCamera) {
  Random random(3);
  std::vector<uint8_t> bytes(307200);
  for (uint8_t& byte : bytes) byte = uint8_t(random.bits());
  EXPECT_THAT(error_of([&] { read_raw_frame(put(bytes, "a.raw")); }),
              AllOf(HasSubstr("307200"), HasSubstr("--raw-size")));
  bytes[0] = bytes[1] = 'I';  // as a TIFF begins, but for the rest
  EXPECT_THAT(error_of([&] { read_raw_frame(put(bytes, "a.raw")); }), HasSubstr("--raw-size"));
}

TEST_F(CameraKinds, OldCamerasAreStillKnown) {
  for (const char* name : {"RAW_NIKON_D1.NEF", "RAW_CANON_S30.CRW"}) {
    const auto file = shared_case(name);
    if (!file) GTEST_SKIP() << name << " is not in the shared data";
    const Mosaic mosaic = read_camera_file(*file);
    EXPECT_GT(mosaic.width, 1500) << name;
    EXPECT_THAT(mosaic.shot.date_time, testing::StartsWith("200")) << name;
  }
}

// ---- White balance

TEST_F(CameraKinds, WhiteByItsChromaticity) {
  CraftedDng dng;
  const auto by_matrix = [&dng](double x, double y) {
    std::array<double, 3> level{};
    const std::array<double, 3> white = {x / y, 1, (1 - x - y) / y};
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 3; ++j) level[i] += dng.matrix[3 * i + j] * white[j];
    return level;
  };
  dng.neutral.clear();
  dng.white_xy = {0.3457, 0.3585};
  const Mosaic mosaic = this->mosaic(dng);
  EXPECT_THAT(mosaic.warnings, IsEmpty());
  const auto level = by_matrix(0.3457, 0.3585);
  EXPECT_NEAR(mosaic.white_balance[0], level[1] / level[0], 1e-4);
  EXPECT_NEAR(mosaic.white_balance[2], level[1] / level[2], 1e-4);
}

TEST_F(CameraKinds, FilesThatSayWhiteInAnotherWay) {
  const auto xy = shared_case("C_AsShotWhiteXY.dng"), none = shared_case("I_pidng_nomatrix.dng");
  if (!xy || !none) GTEST_SKIP() << "the cases are not in the shared data";
  EXPECT_THAT(read_camera_file(*xy).warnings, IsEmpty());
  const Mosaic mosaic = read_camera_file(*none);
  EXPECT_THAT(mosaic.warnings, Contains(HasSubstr("grey-world is taken")));
  EXPECT_NE(mosaic.white_balance, (std::array<double, 3>{1, 1, 1}));
}

// ---- Saturation below white

/// Light of a smooth scene with photon noise, clipped at `most`.
std::vector<uint16_t> clipped_samples(double brightest, int most) {
  Random random(5);
  std::vector<uint16_t> samples;
  for (int i = 0; i < 40 * 30; ++i) {
    const double light = brightest * (i % 40 + 1) / 40;
    samples.push_back(
        uint16_t(std::clamp(light + std::sqrt(light) * random.normal(), 0.0, double(most))));
  }
  return samples;
}

TEST_F(CameraKinds, ASensorThatSaturatesBelowWhite) {
  CraftedDng dng;
  dng.samples = clipped_samples(5000, 3800);
  const auto level = mosaic(dng).saturated_at;
  ASSERT_TRUE(level);
  EXPECT_NEAR(*level, 3800, 3);
  EXPECT_EQ(mosaic(dng).white, 4095) << "brightness would depend on the frame";
}

TEST_F(CameraKinds, BrightScenesAreNotTakenForSaturated) {
  CraftedDng dng;
  for (const double brightest : {2000.0, 3500.0, 3900.0}) {
    dng.samples = clipped_samples(brightest, 4095);
    EXPECT_FALSE(mosaic(dng).saturated_at) << brightest;
  }
  dng.samples = clipped_samples(6000, 4095);
  EXPECT_FALSE(mosaic(dng).saturated_at) << "white itself is what all is cut at";
  dng.samples = clipped_samples(6000, 2500);
  EXPECT_FALSE(mosaic(dng).saturated_at) << "no white level is so wrong";
}

/// A mosaic of a scene whose colours are clipped at levels of their own, with noise behind that.
Mosaic clipped_with_noise(const std::array<double, 3>& levels, double noise) {
  Random random(11);
  Mosaic mosaic;
  mosaic.width = 200;
  mosaic.height = 150;
  mosaic.black.fill(512);
  mosaic.white = 16383;
  for (int y = 0; y < 150; ++y)
    for (int x = 0; x < 200; ++x) {
      const double light = 512 + 150.0 * x;
      const double cut = std::min(light + 0.7 * std::sqrt(light) * random.normal(),
                                  levels[size_t(cfa_colour(mosaic.cfa, y, x))]);
      mosaic.samples.push_back(uint16_t(std::clamp(cut + noise * random.normal(), 0.0, 16383.0)));
    }
  return mosaic;
}

TEST(Saturation, TheLevelMayBeNoisy) {
  for (const double noise : {0.0, 4.0, 10.0, 20.0}) {
    const auto level = clipped_below_white(clipped_with_noise({15300, 15300, 15300}, noise));
    ASSERT_TRUE(level) << noise;
    EXPECT_NEAR(*level, 15300, 80) << noise;
  }
}

/// All are cut at the lowest, or the others would colour the highlights.
TEST(Saturation, ColoursMayBeClippedAtLevelsOfTheirOwn) {
  const auto level = clipped_below_white(clipped_with_noise({15300, 14000, 15200}, 0));
  ASSERT_TRUE(level);
  EXPECT_NEAR(*level, 14000, 10);
}

TEST(Saturation, AnEvenSurfaceIsNot) {
  // A page in the light of a flash: every colour has one level of its own, spread by photons.
  for (const double photons : {4000.0, 60000.0}) {
    Random random(12);
    Mosaic page = clipped_with_noise({16383, 16383, 16383}, 0);
    constexpr std::array<double, 3> levels = {0.5, 0.92, 0.65};
    for (int y = 0; y < 150; ++y)
      for (int x = 0; x < 200; ++x) {
        const double light = levels[size_t(cfa_colour(page.cfa, y, x))];
        const double seen = light + std::sqrt(light / photons) * random.normal();
        page.samples[size_t(y * 200 + x)] =
            uint16_t(std::clamp(512 + seen * (16383 - 512), 0.0, 16383.0));
      }
    EXPECT_FALSE(clipped_below_white(page)) << photons;
  }
}

TEST_F(CameraKinds, AFileThatSaturatesBelowWhite) {
  const auto file = shared_case("D_white16383_sat15300.dng");
  if (!file) GTEST_SKIP() << "D_white16383_sat15300.dng is not in the shared data";
  const Mosaic mosaic = read_camera_file(*file);
  ASSERT_TRUE(mosaic.saturated_at);
  EXPECT_NEAR(*mosaic.saturated_at, 15300, 10);
}

// ---- Opcodes

TEST_F(CameraKinds, GainMapsAreApplied) {
  CraftedDng dng;
  dng.black = {200};
  const auto before = mosaic(dng);
  // From 1 at the left edge to 1.2 at the right one.
  OpcodeList list;
  list.opcode(9).area(30, 40).u32(1).u32(2).f64(1).f64(1).f64(0).f64(0).u32(1).f32(1).f32(1.2f);
  dng.opcodes2 = list.bytes();
  const auto after = mosaic(dng);
  EXPECT_THAT(after.opcodes, ElementsAre("GainMap"));
  EXPECT_THAT(after.warnings, IsEmpty());
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      const auto i = size_t(y * 40 + x);
      const double gain = 1 + 0.2 * (x + 0.5) / 40;
      const double wanted = std::min(200 + (before.samples[i] - 200) * gain, 4095.0);
      ASSERT_NEAR(after.samples[i], wanted, 0.51) << y << "," << x;
    }
}

TEST_F(CameraKinds, VignettingIsMendedWhereItActsOnSamples) {
  CraftedDng dng;
  dng.black = {200};
  const auto before = mosaic(dng);
  OpcodeList list;
  list.opcode(3).f64(0.2).f64(0.1).f64(0).f64(0).f64(0.05).f64(0.5).f64(0.5);
  dng.opcodes2 = list.bytes();
  const auto after = mosaic(dng);
  EXPECT_THAT(after.opcodes, ElementsAre("FixVignetteRadial"));
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      const auto i = size_t(y * 40 + x);
      const double r = std::hypot(x + 0.5 - 20, y + 0.5 - 15) / 25;
      const double gain = 1 + 0.2 * std::pow(r, 2) + 0.1 * std::pow(r, 4) + 0.05 * std::pow(r, 10);
      ASSERT_NEAR(after.samples[i], std::min(200 + (before.samples[i] - 200) * gain, 4095.0), 0.51);
    }
}

TEST_F(CameraKinds, DeadPixelsAreMended) {
  CraftedDng dng;
  dng.samples.assign(dng.samples.size(), 1000);
  dng.samples[10 * 40 + 7] = 4000;
  dng.samples[20 * 40 + 30] = 0;
  OpcodeList list;
  list.opcode(5).u32(0).u32(1).u32(0).u32(10).u32(7);
  list.opcode(4).u32(0).u32(0);
  dng.opcodes1 = list.bytes();
  const auto mended = mosaic(dng);
  EXPECT_THAT(mended.samples, Each(1000));
  EXPECT_THAT(mended.opcodes, ElementsAre("FixBadPixelsList", "FixBadPixelsConstant"));
}

TEST_F(CameraKinds, RowsColumnsTablesAndPolynomials) {
  CraftedDng dng;
  dng.samples.assign(dng.samples.size(), 819);  // a fifth of 4095
  const auto value_after = [&](OpcodeList& list) {
    dng.opcodes2 = list.bytes();
    return mosaic(dng).samples[40 * 3 + 5] / 4095.0;
  };
  OpcodeList scale, delta, polynomial;
  scale.opcode(12).area(30, 40).u32(30);
  for (int i = 0; i < 30; ++i) scale.f32(i == 3 ? 2.f : 1.f);
  EXPECT_NEAR(value_after(scale), 0.4, 1e-3);
  delta.opcode(11).area(30, 40).u32(40);
  for (int i = 0; i < 40; ++i) delta.f32(i == 5 ? 0.1f : 0.f);
  EXPECT_NEAR(value_after(delta), 0.3, 1e-3);
  polynomial.opcode(8).area(30, 40).u32(2).f64(0.1).f64(0.5).f64(1);
  EXPECT_NEAR(value_after(polynomial), 0.1 + 0.5 * 0.2 + 0.04, 1e-3);
}

TEST_F(CameraKinds, WhatActsLaterIsCarriedOn) {
  CraftedDng dng;
  OpcodeList list;
  list.opcode(3, true).f64(0.1).f64(0).f64(0).f64(0).f64(0).f64(0.5).f64(0.5);
  dng.opcodes3 = list.bytes();
  dng.baseline_exposure = 1.5;
  const Mosaic read = mosaic(dng);
  EXPECT_EQ(read.later_opcodes, dng.opcodes3);
  EXPECT_EQ(opcode_names(read.later_opcodes), "FixVignetteRadial");
  EXPECT_NEAR(read.baseline_exposure, 1.5, 1e-6);
  Tensor light({1, 3, 30, 40});
  std::fill_n(light.data(), light.size(), 0.5f);  // of black alone nothing is read
  write_linear_dng(folder_ / "out.dng", light, read);
  const auto again = std::get<LinearFrame>(read_raw_frame(folder_ / "out.dng")).facts;
  EXPECT_EQ(again.later_opcodes, dng.opcodes3);
  EXPECT_NEAR(again.baseline_exposure, 1.5, 1e-6);
}

/// One that is passed over is told, also where its camera leaves it free.
TEST_F(CameraKinds, OpcodesThatAreNotAppliedAreSaid) {
  CraftedDng dng;
  OpcodeList list;
  list.opcode(77).u32(1).opcode(6, true).u32(0).u32(0).u32(10).u32(10);
  dng.opcodes2 = list.bytes();
  EXPECT_THAT(mosaic(dng).warnings, ElementsAre(HasSubstr("opcode 77 is not"),
                                                HasSubstr("TrimBounds, which is optional")));
}

TEST_F(CameraKinds, HostileOpcodesDoNoHarm) {
  CraftedDng dng;
  OpcodeList huge;
  huge.opcode(9).area(30, 40).u32(0xffffffff).u32(0xffffffff).f64(1).f64(1).f64(0).f64(0).u32(9);
  dng.opcodes2 = huge.bytes();
  EXPECT_THAT(mosaic(dng).warnings, ElementsAre(HasSubstr("GainMap is damaged")));
  OpcodeList whole;
  whole.opcode(5).u32(0).u32(1).u32(1).u32(10).u32(7).u32(0).u32(0).u32(1u << 31).u32(1u << 31);
  whole.opcode(9).area(30, 40).u32(1).u32(2).f64(1).f64(1).f64(0).f64(0).u32(1).f32(1).f32(1.2f);
  const auto bytes = whole.bytes();
  Random random(13);
  for (int round = 0; round < 300; ++round) {
    auto damaged = bytes;
    damaged[size_t(random.below(int64_t(bytes.size())))] ^= uint8_t(1 << random.below(8));
    if (round % 3 == 0) damaged.resize(size_t(random.below(int64_t(bytes.size()))) + 1);
    dng.opcodes1 = dng.opcodes2 = damaged;
    EXPECT_EQ(mosaic(dng).samples.size(), dng.samples.size());
  }
}

TEST_F(CameraKinds, FilesWithOpcodesAndExposure) {
  const auto map = shared_case("N_gainmap.dng"), exposure = shared_case("P_baselineexp2.dng");
  if (!map || !exposure) GTEST_SKIP() << "the cases are not in the shared data";
  EXPECT_THAT(read_camera_file(*map).opcodes, Contains("GainMap"));
  EXPECT_NEAR(read_camera_file(*exposure).baseline_exposure, 2, 1e-6);
}

TEST_F(CameraKinds, LinearisationTablesAreApplied) {
  CraftedDng dng;
  for (size_t i = 0; i < dng.samples.size(); ++i) dng.samples[i] = uint16_t(i % 256);
  for (int i = 0; i < 256; ++i) dng.linearisation.push_back(uint16_t(i * i / 16));
  dng.white = 255 * 255 / 16;
  const auto read = mosaic(dng);
  EXPECT_EQ(read.white, dng.white);
  for (size_t i = 0; i < read.samples.size(); ++i)
    ASSERT_EQ(read.samples[i], (i % 256) * (i % 256) / 16) << i;
}

// ---- Frames without a mosaic

TEST_F(CameraKinds, LinearFramesAreBalanced) {
  CraftedDng dng;
  dng.photometric = 34892;
  dng.filters.clear();
  dng.bits = {16, 16, 16};
  dng.black = {100, 100, 100};
  dng.samples.clear();
  for (int i = 0; i < 40 * 30; ++i)
    for (const double share : {0.5, 1.0, 0.625})  // what the neutral is
      dng.samples.push_back(uint16_t(std::lround(100 + 1000 * share * (1 + i % 40) / 40)));
  const LinearFrame frame = linear(dng);
  ASSERT_EQ(frame.light.shape(), (Shape{1, 3, 30, 40}));
  EXPECT_THAT(frame.facts.warnings, IsEmpty());
  for (int64_t x = 0; x < 40; ++x)
    for (int64_t c = 0; c < 3; ++c)
      ASSERT_NEAR(frame.light.row(0, c, 7)[x], 1000.0 * double(x + 1) / 40 / 3995, 6e-4);
}

TEST_F(CameraKinds, OpcodesActOnTheirPlanesOfLinearFrames) {
  CraftedDng dng;
  dng.photometric = 34892;
  dng.filters.clear();
  dng.bits = {16, 16, 16};
  dng.black = {100, 100, 100};
  dng.samples = noise_samples(size_t(40) * 30 * 3, 200, 1500);
  dng.neutral = {1, 1, 1};
  const LinearFrame before = linear(dng);
  // Twice the green and thrice the blue, of a map of two planes.
  OpcodeList list;
  list.opcode(9).u32(0).u32(0).u32(30).u32(40).u32(1).u32(2).u32(1).u32(1);
  list.u32(1).u32(1).f64(1).f64(1).f64(0).f64(0).u32(2).f32(2).f32(3);
  dng.opcodes2 = list.bytes();
  const LinearFrame after = linear(dng);
  EXPECT_THAT(after.facts.opcodes, ElementsAre("GainMap"));
  EXPECT_THAT(after.facts.warnings, IsEmpty());
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 30; ++y)
      for (int64_t x = 0; x < 40; ++x)
        ASSERT_NEAR(after.light.row(0, c, y)[x],
                    std::min(float(c + 1) * before.light.row(0, c, y)[x], 1.f), 1e-3);
}

TEST_F(CameraKinds, MonochromeFramesAreLevelled) {
  CraftedDng dng;
  dng.photometric = 34892;
  dng.filters.clear();
  dng.black = {95};
  const LinearFrame frame = linear(dng);
  ASSERT_EQ(frame.light.shape(), (Shape{1, 1, 30, 40}));
  for (int64_t y = 0; y < 30; ++y)
    for (int64_t x = 0; x < 40; ++x)
      ASSERT_NEAR(frame.light.row(0, 0, y)[x], (dng.samples[size_t(y * 40 + x)] - 95) / 4000.0,
                  1e-5);
  // And back again through a file of one sample a pixel.
  write_linear_dng(folder_ / "out.dng", frame.light, frame.facts);
  const auto again = std::get<LinearFrame>(read_raw_frame(folder_ / "out.dng"));
  ASSERT_EQ(again.light.shape(), frame.light.shape());
  for (int64_t x = 0; x < 40; ++x)
    ASSERT_NEAR(again.light.row(0, 0, 3)[x], frame.light.row(0, 0, 3)[x], 1e-4);
}

TEST_F(CameraKinds, FilesOfOtherSensors) {
  const auto lin = shared_case("L_linear.dng"), mono = shared_case("J_mono.dng"),
             quad = shared_case("K_quad.dng");
  if (!lin || !mono || !quad) GTEST_SKIP() << "the cases are not in the shared data";
  EXPECT_EQ(std::get<LinearFrame>(read_raw_frame(*lin)).light.shape().c, 3);
  EXPECT_EQ(std::get<LinearFrame>(read_raw_frame(*mono)).light.shape().c, 1);
  EXPECT_EQ(std::get<Mosaic>(read_raw_frame(*quad)).cfa.x_trans(), nullptr);
}

// ---- Metadata

Exiv2::ExifData decoded(const std::vector<uint8_t>& stream) {
  Exiv2::ExifData data;
  if (!stream.empty()) Exiv2::ExifParser::decode(data, stream.data(), uint32_t(stream.size()));
  return data;
}

TEST_F(CameraKinds, WhatTheFileSaysOfItsPhotoIsKept) {
  const auto file = shared_case("Q_metadata.dng");
  if (!file) GTEST_SKIP() << "Q_metadata.dng is not in the shared data";
  const Mosaic mosaic = read_camera_file(*file);
  auto picture = decoded(metadata_for_picture(mosaic).exif);
  write_linear_dng(folder_ / "out.dng", Tensor({1, 3, 30, 40}), mosaic);
  auto dng = Exiv2::ImageFactory::open((folder_ / "out.dng").string());
  dng->readMetadata();
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"Exif.GPSInfo.GPSLatitude", "52/1 31/1 1200/100"},
           {"Exif.Image.Artist", "Test Author"},
           {"Exif.Image.Copyright", "(c) 2024 Test Author"},
           {"Exif.Image.ImageDescription", "my caption"},
           {"Exif.Photo.OffsetTimeOriginal", "+02:00"},
           {"Exif.Photo.SubSecTimeOriginal", "67"},
           {"Exif.Photo.ExposureBiasValue", "-1/3"},
           {"Exif.Photo.BodySerialNumber", "SN123456"},
           {"Exif.Photo.LensModel", "Lens 50mm F1.8"}}) {
    if (key != "Exif.GPSInfo.GPSLatitude") {
      EXPECT_EQ(picture[key].toString(), value) << key;
    }
    EXPECT_EQ(dng->exifData()[key].toString(), picture[key].toString()) << key;
    EXPECT_NE(picture[key].toString(), "") << key;
  }
}

/// In several time zones, one of them with an hour that summer time skips.
template <class Check>
void in_time_zones(const Check& check) {
  for (const char* zone : {"Europe/Berlin", "UTC", "America/New_York"}) {
    ::setenv("TZ", zone, 1);
    ::tzset();
    check(zone);
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_F(CameraKinds, DatesGoThroughNoTimeZone) {
  const auto file = shared_case("AA_dstgap.dng");
  if (!file) GTEST_SKIP() << "AA_dstgap.dng is not in the shared data";
  in_time_zones([&](const char* zone) {
    EXPECT_THAT(read_camera_file(*file).shot.date_time, HasSubstr(" 02:30:")) << zone;
  });
}

/// A CRW counts seconds of the camera's clock.
TEST_F(CameraKinds, ACrwsDateGoesThroughNoTimeZone) {
  const auto file = shared_case("RAW_CANON_S30.CRW");
  if (!file) GTEST_SKIP() << "RAW_CANON_S30.CRW is not in the shared data";
  in_time_zones([&](const char* zone) {
    const Mosaic mosaic = read_camera_file(*file);
    EXPECT_EQ(mosaic.shot.date_time, "2008:02:04 12:52:54") << zone;
    Exiv2::ExifData data;
    Exiv2::ExifParser::decode(data, mosaic.exif.data(), uint32_t(mosaic.exif.size()));
    EXPECT_EQ(data["Exif.Photo.DateTimeOriginal"].toString(), "2008:02:04 12:52:54") << zone;
  });
}

}  // namespace
}  // namespace hyperconv
