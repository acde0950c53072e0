// Round trips: what we write, LibRaw reads back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "image/exif.hpp"
#include "image/tiff_writer.hpp"
#include "raw/limits.hpp"
#include "raw/matrix3.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

class DngTest : public testing::Test {
 protected:
  Mosaic through_a_file(const Mosaic& mosaic) const {
    write_dng(folder_ / "a.dng", mosaic);
    return read_camera_file(folder_ / "a.dng");
  }
  TemporaryFolder folder_;
};

void expect_same_shot(const Shot& got, const Shot& wanted) {
  EXPECT_EQ(got.make, wanted.make);
  EXPECT_EQ(got.model, wanted.model);
  EXPECT_EQ(got.lens, wanted.lens);
  EXPECT_EQ(got.date_time, wanted.date_time);
  // LibRaw keeps floats.
  EXPECT_FLOAT_EQ(float(got.iso), float(wanted.iso));
  EXPECT_FLOAT_EQ(float(got.exposure_seconds), float(wanted.exposure_seconds));
  EXPECT_FLOAT_EQ(float(got.f_number), float(wanted.f_number));
  EXPECT_FLOAT_EQ(float(got.focal_length_mm), float(wanted.focal_length_mm));
}

void expect_same_facts(const Mosaic& got, const Mosaic& wanted) {
  EXPECT_EQ(got.cfa, wanted.cfa);
  EXPECT_EQ(got.white, wanted.white);
  EXPECT_EQ(got.orientation, wanted.orientation);
  EXPECT_EQ(got.noise, wanted.noise);
  // LibRaw keeps floats.
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got.black[i], wanted.black[i], 1e-4);
  for (size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(got.white_balance[c], wanted.white_balance[c], 1e-6 * wanted.white_balance[c]);
  ASSERT_TRUE(got.xyz_to_camera);
  for (size_t i = 0; i < 9; ++i)
    EXPECT_NEAR((*got.xyz_to_camera)[i / 3][i % 3], (*wanted.xyz_to_camera)[i / 3][i % 3], 1e-6);
  expect_same_shot(got.shot, wanted.shot);
}

TEST_F(DngTest, ReadsBackAsItWas) {
  // Odd sizes; 22 is the least that LibRaw reads.
  for (const auto& [width, height] : {std::pair(64, 48), {47, 35}, {22, 22}, {23, 22}})
    for (const Cfa cfa : {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg}) {
      SCOPED_TRACE(fmt::format("{}x{} {}", width, height, to_string(cfa)));
      const Mosaic mosaic = full_mosaic(width, height, cfa);
      const Mosaic back = through_a_file(mosaic);
      ASSERT_EQ(back.width, width);
      ASSERT_EQ(back.height, height);
      EXPECT_EQ(back.samples, mosaic.samples);
      EXPECT_EQ(back.warnings, std::vector<std::string>{});
      expect_same_facts(back, mosaic);
    }
}

TEST_F(DngTest, EncodesWhatItWrites) {
  const Mosaic mosaic = full_mosaic(47, 35, Cfa::gbrg);
  write_dng(folder_ / "a.dng", mosaic);
  EXPECT_EQ(read_file(folder_ / "a.dng"), encode_dng(mosaic));
}

TEST_F(DngTest, EveryOrientationSurvives) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Mosaic mosaic = full_mosaic(40, 30, Cfa::rggb);
    mosaic.orientation = orientation;
    EXPECT_EQ(through_a_file(mosaic).orientation, orientation);
  }
}

// LibRaw has a matrix, black and white levels of its own for these; the file's must win.
TEST_F(DngTest, KnownCamerasDoNotChangeTheFacts) {
  for (const auto& [make, model] : {std::pair("Canon", "EOS 5D"),
                                    {"Nikon", "D700"},
                                    {"Sony", "ILCE-7M3"},
                                    {"Panasonic", "DMC-GH4"},
                                    {"Fujifilm", "X-A1"},
                                    {"Olympus", "E-M5"}}) {
    SCOPED_TRACE(model);
    Mosaic mosaic = full_mosaic(64, 48, Cfa::rggb);
    mosaic.shot.make = make;
    mosaic.shot.model = model;
    const Mosaic back = through_a_file(mosaic);
    EXPECT_EQ(back.samples, mosaic.samples);
    expect_same_facts(back, mosaic);
  }
}

TEST_F(DngTest, UnknownFactsStayUnknown) {
  Mosaic mosaic = full_mosaic(40, 30, Cfa::grbg);
  mosaic.shot = {};
  mosaic.noise.reset();
  const Mosaic back = through_a_file(mosaic);
  expect_same_facts(back, mosaic);
}

TEST_F(DngTest, MakeOrModelAlone) {
  for (const bool make : {true, false}) {
    Mosaic mosaic = full_mosaic(40, 30, Cfa::grbg);
    mosaic.shot = {};
    (make ? mosaic.shot.make : mosaic.shot.model) = "Thing";
    expect_same_shot(through_a_file(mosaic).shot, mosaic.shot);
  }
}

TEST_F(DngTest, UnknownColoursAreWrittenAsLinearSrgb) {
  Mosaic mosaic = full_mosaic(40, 30, Cfa::grbg);
  mosaic.xyz_to_camera.reset();
  const Mosaic back = through_a_file(mosaic);
  ASSERT_TRUE(back.xyz_to_camera);
  const Matrix3 one = multiply(*back.xyz_to_camera, xyz_from_srgb);
  for (size_t i = 0; i < 9; ++i) EXPECT_NEAR(one[i / 3][i % 3], i % 4 == 0 ? 1 : 0, 1e-6);
}

/// Many makers' notes count from the start of the file around them.
TEST_F(DngTest, MakersNotesStayAtTheirPlace) {
  const std::vector<uint8_t> notes(600, 0xa7);
  Mosaic mosaic = full_mosaic(64, 48, Cfa::rggb);
  Exiv2::ExifData data;
  data["Exif.Image.Make"] = mosaic.shot.make;
  Exiv2::DataValue value(notes.data(), long(notes.size()));
  data.add(Exiv2::ExifKey("Exif.Photo.MakerNote"), &value);
  constexpr uint32_t place = 300;  // in the midst of the DNG's own directory
  {
    const auto lock = enter_exiv2();
    mosaic.exif = photo_exif(data, Exiv2::littleEndian, place);
  }
  ASSERT_EQ(maker_notes_place(mosaic.exif), place);
  const auto bytes = encode_dng(mosaic);
  EXPECT_EQ(maker_notes_place(bytes), place);
  EXPECT_TRUE(std::equal(notes.begin(), notes.end(), bytes.begin() + place));
  const Mosaic back = through_a_file(mosaic);
  EXPECT_EQ(back.samples, mosaic.samples);
  EXPECT_EQ(maker_notes_place(back.exif), place);
  expect_same_facts(back, mosaic);
}

TEST_F(DngTest, NothingIsLeftWhereItCannotBeWritten) {
  const Mosaic mosaic = full_mosaic(40, 30, Cfa::rggb);
  EXPECT_THROW(write_dng(folder_ / "none" / "a.dng", mosaic), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST(Fraction, IsTheSimplestThatFits) {
  const auto fraction = [](double value) {
    const Fraction f = fraction_near(value);
    return fmt::format("{}/{}", f.numerator, f.denominator);
  };
  EXPECT_EQ(fraction(0), "0/1");
  EXPECT_EQ(fraction(1.0 / 250), "1/250");
  EXPECT_EQ(fraction(-0.0857), "-857/10000");
  EXPECT_EQ(fraction(512.25), "2049/4");
  EXPECT_EQ(fraction(1e300), "2147483647/1");
  EXPECT_EQ(fraction(1e-300), "0/1");
  for (const double value : {M_PI, 0.333333, 12345.678901, 1e-6}) {
    // With both parts below 2^31 the next fraction is at most value / 2^31 away.
    const Fraction f = fraction_near(value);
    EXPECT_NEAR(double(f.numerator) / double(f.denominator), value, 1e-9 * value);
  }
}

}  // namespace
}  // namespace hyperconv
