// Pictures to files and back; files as others write them; and files that nobody should have
// written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lcms2.h>
#include <png.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tiffio.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exiv2/exiv2.hpp>
#include <fstream>
#include <memory>

// clang-format off
#include <jpeglib.h>
// clang-format on

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "image/icc.hpp"
#include "image/image.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- pictures, profiles and EXIF to write

/// Noise of 8 or 16 bits.
Image noise(int width, int height, int channels, int bits, uint64_t seed = 1) {
  Image image{width, height, channels, {}, {}};
  Random random(seed);
  if (bits == 8) {
    std::vector<uint8_t> samples(image.count());
    for (auto& sample : samples) sample = uint8_t(random.bits());
    image.samples = std::move(samples);
  } else {
    std::vector<uint16_t> samples(image.count());
    for (auto& sample : samples) sample = uint16_t(random.bits());
    image.samples = std::move(samples);
  }
  return image;
}

/// Slow waves, which JPEG keeps well; no row or column equals another.
Image waves(int width, int height, int channels) {
  Image image{width, height, channels, {}, {}};
  std::vector<uint8_t> samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        samples.push_back(
            uint8_t(std::lround(128 + 60 * std::sin(x * 0.09 + c) + 50 * std::cos(y * 0.07 - c))));
  image.samples = std::move(samples);
  return image;
}

std::vector<uint8_t> saved(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  std::vector<uint8_t> bytes(size);
  cmsSaveProfileToMem(profile, bytes.data(), &size);
  cmsCloseProfile(profile);
  return bytes;
}

/// A profile that is not ours, as long as one likes.
std::vector<uint8_t> foreign_profile(int channels, size_t description_length = 10) {
  cmsToneCurve* gamma = cmsBuildGamma(nullptr, 1.8);
  const cmsCIExyYTRIPLE primaries = {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
  cmsToneCurve* curves[3] = {gamma, gamma, gamma};
  cmsHPROFILE profile = channels >= 3 ? cmsCreateRGBProfile(cmsD50_xyY(), &primaries, curves)
                                      : cmsCreateGrayProfile(cmsD50_xyY(), gamma);
  cmsMLU* text = cmsMLUalloc(nullptr, 1);
  cmsMLUsetASCII(text, "en", "US", std::string(description_length, 'd').c_str());
  cmsWriteTag(profile, cmsSigProfileDescriptionTag, text);
  cmsMLUfree(text);
  cmsFreeToneCurve(gamma);
  return saved(profile);
}

Exiv2::ExifData photo_data() {
  Exiv2::ExifData data;
  data["Exif.Image.Make"] = "Acme";
  data["Exif.Image.Model"] = "Sees all";
  data["Exif.Photo.ExposureTime"] = Exiv2::URational(1, 250);
  data["Exif.Photo.ISOSpeedRatings"] = uint16_t(6400);
  data["Exif.Photo.PixelXDimension"] = uint32_t(6000);
  data["Exif.Photo.PixelYDimension"] = uint32_t(4000);
  data["Exif.GPSInfo.GPSLatitudeRef"] = "N";
  return data;
}

std::vector<uint8_t> encoded(const Exiv2::ExifData& data) {
  Exiv2::Blob blob;
  Exiv2::ExifParser::encode(blob, Exiv2::bigEndian, data);
  return blob;
}

std::vector<uint8_t> photo_exif() { return encoded(photo_data()); }

/// The EXIF of a block.
Exiv2::ExifData decoded(const std::vector<uint8_t>& exif) {
  Exiv2::ExifData data;
  if (!exif.empty()) Exiv2::ExifParser::decode(data, exif.data(), uint32_t(exif.size()));
  return data;
}

/// The EXIF of a file, read without us.
Exiv2::ExifData exif_in(const fs::path& path) {
  auto file = Exiv2::ImageFactory::open(path.string());
  file->readMetadata();
  return file->exifData();
}

std::string text_of(const Exiv2::ExifData& data, const std::string& key) {
  const auto found = data.findKey(Exiv2::ExifKey(key));
  return found == data.end() ? "none" : found->toString();
}

const std::vector<uint8_t>& u8(const Image& image) {
  return std::get<std::vector<uint8_t>>(image.samples);
}
const std::vector<uint16_t>& u16(const Image& image) {
  return std::get<std::vector<uint16_t>>(image.samples);
}

int largest_difference(const Image& a, const Image& b) {
  int largest = 0;
  for (size_t i = 0; i < a.count(); ++i)
    largest = std::max(largest, std::abs(u8(a).at(i) - u8(b).at(i)));
  return largest;
}

class ImageFile : public testing::Test {
 protected:
  int files() const {
    return int(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }

  /// The file as it stands, without the care of write_file. Some file systems flush a file that is
  /// written over, hence removed first.
  fs::path put(const std::string& name, const std::vector<uint8_t>& bytes) const {
    fs::remove(folder_ / name);
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    return folder_ / name;
  }

  Image round_trip(const std::string& name, const Image& image) const {
    write_image(folder_ / name, image);
    return read_image(folder_ / name);
  }

  /// What read_image says about a file it refuses.
  static std::string refusal(const fs::path& path) {
    try {
      read_image(path);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "no refusal";
  }

  std::string write_refusal(const std::string& name, const Image& image,
                            const WriteOptions& options = {}) const {
    try {
      write_image(folder_ / name, image, options);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
      return error.what();
    }
    return "no refusal";
  }

  TemporaryFolder folder_;
};

// ---- round trips

TEST_F(ImageFile, LosslessFormatsKeepEverything) {
  for (const char* name : {"a.png", "a.tif", "a.TIFF"})
    for (int bits : {8, 16})
      for (int channels = 1; channels <= 4; ++channels) {
        Image image = noise(13, 7, channels, bits);
        image.metadata.icc = foreign_profile(channels);
        image.metadata.exif = photo_exif();
        image.metadata.orientation = 1 + channels * 2 % 8;
        const Image back = round_trip(name, image);
        EXPECT_EQ(back.width, 13);
        EXPECT_EQ(back.height, 7);
        EXPECT_EQ(back.channels, channels);
        EXPECT_EQ(back.samples, image.samples) << name << bits << channels;
        EXPECT_EQ(back.metadata.icc, image.metadata.icc);
        EXPECT_EQ(back.metadata.orientation, image.metadata.orientation);
        EXPECT_EQ(text_of(decoded(back.metadata.exif), "Exif.Image.Model"), "Sees all");
      }
}

TEST_F(ImageFile, LargerOnesTakeSeveralStrips) {
  const Image image = noise(701, 403, 3, 16);
  EXPECT_EQ(round_trip("a.tif", image).samples, image.samples);
  EXPECT_EQ(round_trip("a.png", image).samples, image.samples);
}

TEST_F(ImageFile, JpegIsClose) {
  for (int channels : {1, 3}) {
    Image image = waves(61, 43, channels);
    image.metadata.icc = foreign_profile(channels);
    const Image back = round_trip("a.jpg", image);
    EXPECT_EQ(back.width, 61);
    EXPECT_EQ(back.channels, channels);
    // Quality 95 quantises the lowest frequencies in steps of up to 2, and colours are converted.
    EXPECT_LE(largest_difference(back, image), 6);
    EXPECT_EQ(back.metadata.icc, image.metadata.icc);
  }
}

TEST_F(ImageFile, FloatsBecomeEightBitsInJpegAndSixteenElsewhere) {
  Image image{2, 1, 1, std::vector<float>{0.25f, 2.0f}, {}};
  EXPECT_EQ(round_trip("a.png", image).samples, to_u16(image).samples);
  EXPECT_EQ(round_trip("a.tif", image).samples, to_u16(image).samples);
  EXPECT_EQ(u8(round_trip("a.jpg", image)).size(), 2u);
  EXPECT_EQ(u8(round_trip("a.jpg", noise(9, 9, 3, 16))).size(), 243u);
}

TEST_F(ImageFile, AnInterruptedOneIsNotWritten) {
  set_interrupted(true);
  for (const char* name : {"a.png", "a.tif", "a.jpg"}) {
    EXPECT_THROW(write_image(folder_ / name, waves(80, 60, 3)), Error) << name;
    EXPECT_FALSE(fs::exists(folder_ / name)) << name;
  }
  set_interrupted(false);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(ImageFile, AnInterruptedOneIsNotRead) {
  for (const char* name : {"a.png", "a.tif", "a.jpg"}) {
    write_image(folder_ / name, waves(80, 60, 3));
    set_interrupted(true);
    EXPECT_EQ(error_of([&] { read_image(folder_ / name); }), "interrupted") << name;
    set_interrupted(false);
    EXPECT_NO_THROW(read_image(folder_ / name)) << name;
  }
}

TEST_F(ImageFile, WithoutAProfileSrgbIsWritten) {
  for (const char* name : {"a.png", "a.tif", "a.jpg"})
    for (int channels : {1, 3}) {
      const Image back = round_trip(name, waves(8, 8, channels));
      EXPECT_EQ(back.metadata.icc, srgb_profile(channels)) << name << channels;
      EXPECT_TRUE(back.metadata.exif.empty()) << name << channels;
    }
}

TEST_F(ImageFile, SrgbProfileIsSrgb) {
  const auto& bytes = srgb_profile(3);
  cmsHPROFILE profile = cmsOpenProfileFromMem(bytes.data(), cmsUInt32Number(bytes.size()));
  cmsHPROFILE lab = cmsCreateLab4Profile(nullptr);
  cmsHTRANSFORM transform = cmsCreateTransform(profile, TYPE_RGB_8, lab, TYPE_Lab_DBL,
                                               INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE);
  const uint8_t grey[3] = {119, 119, 119};
  double result[3] = {};
  cmsDoTransform(transform, grey, result, 1);
  // sRGB (119,119,119) is L* = 50.03, without colour.
  EXPECT_NEAR(result[0], 50.03, 0.1);
  EXPECT_NEAR(result[1], 0, 0.1);
  EXPECT_NEAR(result[2], 0, 0.1);
  cmsDeleteTransform(transform);
  cmsCloseProfile(lab);
  cmsCloseProfile(profile);
  EXPECT_FALSE(profile_fits(bytes, 1));
  EXPECT_TRUE(profile_fits(srgb_profile(1), 2));
  EXPECT_EQ(bytes[24] * 256 + bytes[25], 2000) << "the date must not be today's";
}

TEST_F(ImageFile, LongProfilesTakeSeveralJpegSegments) {
  Image image = waves(16, 16, 3);
  image.metadata.icc = foreign_profile(3, 100000);
  ASSERT_GT(image.metadata.icc.size(), 200000u);
  for (const char* name : {"a.jpg", "a.png", "a.tif"})
    EXPECT_EQ(round_trip(name, image).metadata.icc, image.metadata.icc) << name;
}

TEST_F(ImageFile, RefusesAProfileOfOtherColours) {
  Image image = waves(16, 16, 1);
  for (const auto& profile : {foreign_profile(3), std::vector<uint8_t>{1, 2, 3}}) {
    image.metadata.icc = profile;
    for (const char* name : {"a.jpg", "a.png", "a.tif"})
      EXPECT_THAT(write_refusal(name, image), HasSubstr("ICC profile is not one for grey"));
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(ImageFile, QualityAndChromaFollowTheOption) {
  const Image image = noise(64, 64, 3, 8);
  const auto size = [&](int quality) {
    write_image(folder_ / "a.jpg", image, {quality});
    return fs::file_size(folder_ / "a.jpg");
  };
  const auto sampling = [&] {
    const auto bytes = read_file(folder_ / "a.jpg");
    for (size_t i = 0; i + 11 < bytes.size(); ++i)
      if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) return int(bytes[i + 11]);
    return -1;
  };
  const auto at_100 = size(100), at_90 = size(90);
  EXPECT_EQ(sampling(), 0x11);
  const auto at_89 = size(89);
  EXPECT_EQ(sampling(), 0x22);
  EXPECT_GT(at_100, at_90);
  EXPECT_GT(at_90, at_89 * 3 / 2) << "4:2:0 has half the samples";
  EXPECT_GT(at_89, size(1));
}

TEST_F(ImageFile, SamePictureSameBytes) {
  Image image = waves(16, 16, 3);
  image.metadata.exif = photo_exif();
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    write_image(folder_ / name, image);
    const auto first = read_file(folder_ / name);
    write_image(folder_ / name, image);
    EXPECT_EQ(read_file(folder_ / name), first);
  }
}

// ---- EXIF

TEST_F(ImageFile, OrientationTravelsInTheExif) {
  for (const char* name : {"a.jpg", "a.png", "a.tif"})
    for (const auto& exif : {std::vector<uint8_t>(), photo_exif()})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        Image image = waves(24, 10, 3);
        image.metadata.exif = exif;
        image.metadata.orientation = orientation;
        const Image back = round_trip(name, image);
        EXPECT_EQ(back.metadata.orientation, orientation) << name;
        EXPECT_EQ(back.width, 24) << "turned and tagged";
        if (orientation != 1 || !exif.empty()) {
          EXPECT_EQ(text_of(exif_in(folder_ / name), "Exif.Image.Orientation"),
                    std::to_string(orientation));
        }

        const Image again = round_trip(name, upright(back));
        EXPECT_EQ(again.metadata.orientation, 1) << name;
        EXPECT_EQ(again.width, orientation >= 5 ? 10 : 24);
        const std::string tag = text_of(exif_in(folder_ / name), "Exif.Image.Orientation");
        EXPECT_TRUE(tag == "1" || tag == "none") << name << " turned and tagged " << tag;
      }
}

TEST_F(ImageFile, UprightTurnsTheTagToo) {
  Image image = waves(24, 10, 3);
  image.metadata.exif = photo_exif();
  image.metadata.orientation = 6;
  const Image seen = upright(round_trip("a.jpg", image));
  const auto data = decoded(seen.metadata.exif);
  EXPECT_EQ(text_of(data, "Exif.Image.Orientation"), "1");
  EXPECT_EQ(text_of(data, "Exif.Image.Make"), "Acme");
}

TEST_F(ImageFile, ExifKeepsThePhotoAndTellsTheNewSize) {
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    Image image = waves(24, 10, 3);
    image.metadata.exif = photo_exif();
    write_image(folder_ / name, image);
    const auto data = exif_in(folder_ / name);
    EXPECT_EQ(text_of(data, "Exif.Image.Make"), "Acme") << name;
    EXPECT_EQ(text_of(data, "Exif.Photo.ExposureTime"), "1/250");
    EXPECT_EQ(text_of(data, "Exif.Photo.ISOSpeedRatings"), "6400");
    EXPECT_EQ(text_of(data, "Exif.GPSInfo.GPSLatitudeRef"), "N");
    EXPECT_EQ(text_of(data, "Exif.Photo.PixelXDimension"), "24");
    EXPECT_EQ(text_of(data, "Exif.Photo.PixelYDimension"), "10");
  }
}

TEST_F(ImageFile, ExifTravelsThroughAllFormats) {
  Image image = waves(24, 10, 3);
  image.metadata.exif = photo_exif();
  for (const char* name : {"a.jpg", "a.tif", "b.png", "b.tif", "c.jpg", "c.png"})
    image.metadata = round_trip(name, image).metadata;
  const auto data = decoded(image.metadata.exif);
  EXPECT_EQ(text_of(data, "Exif.Image.Model"), "Sees all");
  EXPECT_EQ(text_of(data, "Exif.Photo.ExposureTime"), "1/250");
  EXPECT_EQ(text_of(data, "Exif.Image.StripOffsets"), "none");
}

TEST_F(ImageFile, WhatDescribesAnotherFileIsLeftOut) {
  auto data = photo_data();
  data["Exif.Image.ImageWidth"] = uint32_t(6000);
  data["Exif.Image.BitsPerSample"] = uint16_t(14);
  data["Exif.Image.DNGVersion"] = "1 4 0 0";
  data["Exif.Image.NewSubfileType"] = uint32_t(1);
  data["Exif.Thumbnail.Compression"] = uint16_t(6);
  Image image = waves(24, 10, 3);
  image.metadata.exif = encoded(data);
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    const Image back = round_trip(name, image);
    EXPECT_EQ(back.samples.index(), 0u);
    const auto written = exif_in(folder_ / name);
    EXPECT_EQ(text_of(written, "Exif.Image.DNGVersion"), "none") << name;
    EXPECT_EQ(text_of(written, "Exif.Image.NewSubfileType"), "none") << name;
    EXPECT_EQ(text_of(written, "Exif.Thumbnail.Compression"), "none") << name;
    EXPECT_EQ(text_of(written, "Exif.Image.Make"), "Acme") << name;
  }
}

TEST_F(ImageFile, RefusesToWriteDamagedExif) {
  Image image = waves(24, 10, 3);
  image.metadata.exif = {'n', 'o', ' ', 'e', 'x', 'i', 'f', '!', '!'};
  for (const char* name : {"a.jpg", "a.png", "a.tif"})
    EXPECT_THAT(write_refusal(name, image), HasSubstr("EXIF is damaged"));
  EXPECT_EQ(files(), 0);
}

TEST_F(ImageFile, DamagedExifCostsNotThePicture) {
  Image image = waves(24, 10, 3);
  image.metadata.exif = photo_exif();
  write_image(folder_ / "a.jpg", image);
  auto bytes = read_file(folder_ / "a.jpg");
  const std::string start = "Exif";
  const auto at = std::search(bytes.begin(), bytes.end(), start.begin(), start.end());
  ASSERT_NE(at, bytes.end());
  *(at + 6) = *(at + 7) = 'x';  // neither II nor MM
  const Image back = read_image(put("b.jpg", bytes));
  EXPECT_EQ(back.width, 24);
  EXPECT_TRUE(back.metadata.exif.empty());
  EXPECT_EQ(back.metadata.orientation, 1);
}

// ---- files as others write them

/// Writes a PNG through libpng itself; `setup` sets what lies before the rows. Without rows the
/// samples are missing.
template <class Setup>
void put_png(const fs::path& path, int width, int height, int bits, int colour, int interlace,
             std::vector<std::vector<uint8_t>> rows, const Setup& setup) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_IHDR(png, info, png_uint_32(width), png_uint_32(height), bits, colour, interlace, 0, 0);
  setup(png, info);
  png_write_info(png, info);
  if (rows.empty()) {
    const uint8_t few[] = {0x78, 0x9c, 0, 0};
    png_write_chunk(png, reinterpret_cast<png_const_bytep>("IDAT"), few, sizeof few);
  } else {
    std::vector<png_bytep> pointers;
    for (auto& row : rows) pointers.push_back(row.data());
    png_write_image(png, pointers.data());
    png_write_end(png, info);
  }
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

constexpr auto nothing = [](png_structp, png_infop) {};

TEST_F(ImageFile, PngGreyOfFewBitsIsSpreadOverEight) {
  put_png(folder_ / "1.png", 4, 1, 1, PNG_COLOR_TYPE_GRAY, 0, {{0b10100000}}, nothing);
  put_png(folder_ / "2.png", 4, 1, 2, PNG_COLOR_TYPE_GRAY, 0, {{0b00011011}}, nothing);
  put_png(folder_ / "4.png", 2, 1, 4, PNG_COLOR_TYPE_GRAY, 0, {{0x3f}}, nothing);
  EXPECT_THAT(u8(read_image(folder_ / "1.png")), ElementsAre(255, 0, 255, 0));
  EXPECT_THAT(u8(read_image(folder_ / "2.png")), ElementsAre(0, 85, 170, 255));
  EXPECT_THAT(u8(read_image(folder_ / "4.png")), ElementsAre(51, 255));
  EXPECT_EQ(read_image(folder_ / "1.png").channels, 1);
}

TEST_F(ImageFile, PngMosaicKeepsItsValues) {
  put_png(folder_ / "a.png", 3, 1, 16, PNG_COLOR_TYPE_GRAY, 0,
          {{0x03, 0xff, 0x00, 0x01, 0xff, 0xfe}}, nothing);
  const Image image = read_image(folder_ / "a.png");
  EXPECT_EQ(image.channels, 1);
  EXPECT_THAT(u16(image), ElementsAre(1023, 1, 65534));
}

TEST_F(ImageFile, PngPalettesBecomeColours) {
  const png_color colours[3] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}};
  const auto palette = [&](png_structp png, png_infop info) {
    png_set_PLTE(png, info, colours, 3);
  };
  put_png(folder_ / "a.png", 3, 1, 2, PNG_COLOR_TYPE_PALETTE, 0, {{0b10000100}}, palette);
  const Image opaque = read_image(folder_ / "a.png");
  EXPECT_EQ(opaque.channels, 3);
  EXPECT_THAT(u8(opaque), ElementsAre(70, 80, 90, 10, 20, 30, 40, 50, 60));

  const uint8_t alpha[2] = {0, 128};
  const auto transparent = [&](png_structp png, png_infop info) {
    palette(png, info);
    png_set_tRNS(png, info, alpha, 2, nullptr);
  };
  put_png(folder_ / "b.png", 3, 1, 8, PNG_COLOR_TYPE_PALETTE, 0, {{0, 1, 2}}, transparent);
  const Image image = read_image(folder_ / "b.png");
  EXPECT_EQ(image.channels, 4);
  EXPECT_THAT(u8(image), ElementsAre(10, 20, 30, 0, 40, 50, 60, 128, 70, 80, 90, 255));
}

TEST_F(ImageFile, PngTransparentColourBecomesAlpha) {
  const auto clear_grey = [](png_structp png, png_infop info) {
    png_color_16 colour{};
    colour.gray = 7;
    png_set_tRNS(png, info, nullptr, 0, &colour);
  };
  put_png(folder_ / "a.png", 2, 1, 8, PNG_COLOR_TYPE_GRAY, 0, {{7, 8}}, clear_grey);
  EXPECT_THAT(u8(read_image(folder_ / "a.png")), ElementsAre(7, 0, 8, 255));
}

TEST_F(ImageFile, PngInterlacedIsReadWhole) {
  const Image image = noise(21, 19, 3, 8);
  std::vector<std::vector<uint8_t>> rows;
  for (int y = 0; y < 19; ++y)
    rows.emplace_back(u8(image).begin() + y * 63, u8(image).begin() + (y + 1) * 63);
  put_png(folder_ / "a.png", 21, 19, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, rows, nothing);
  EXPECT_EQ(u8(read_image(folder_ / "a.png")), u8(image));
}

struct TiffKind {
  std::string mode = "w";  ///< b: big-endian, 8: BigTIFF
  uint16_t compression = COMPRESSION_NONE;
  uint16_t planes = PLANARCONFIG_CONTIG;
  uint32_t tile = 0;  ///< 0: strips
  bool predictor = false;
  uint32_t strip = 5;
};

/// Writes a TIFF through libtiff itself, a row or a tile at a time.
class TiffFile {
 public:
  TiffFile(const fs::path& path, const Image& image, const TiffKind& kind)
      : image_(image), kind_(kind), tiff_(TIFFOpen(path.c_str(), kind.mode.c_str())) {
    set(TIFFTAG_IMAGEWIDTH, image.width);
    set(TIFFTAG_IMAGELENGTH, image.height);
    set(TIFFTAG_SAMPLESPERPIXEL, image.channels);
    set(TIFFTAG_BITSPERSAMPLE, 8 * int(sample_size()));
    set(TIFFTAG_PHOTOMETRIC, image.channels >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    set(TIFFTAG_PLANARCONFIG, kind.planes);
    set(TIFFTAG_COMPRESSION, kind.compression);
    if (kind.predictor) set(TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    set_alpha(EXTRASAMPLE_UNASSALPHA);
    if (kind.tile == 0) {
      set(TIFFTAG_ROWSPERSTRIP, kind.strip);
    } else {
      set(TIFFTAG_TILEWIDTH, kind.tile);
      set(TIFFTAG_TILELENGTH, kind.tile);
    }
  }
  ~TiffFile() { TIFFClose(tiff_); }
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  template <class Value>
  void set(uint32_t tag, Value value) {
    EXPECT_EQ(TIFFSetField(tiff_, tag, value), 1);
  }

  void set_alpha(uint16_t kind) {
    if (image_.channels % 2 == 0) {
      EXPECT_EQ(TIFFSetField(tiff_, TIFFTAG_EXTRASAMPLES, 1, &kind), 1);
    }
  }

  void write() {
    const bool planar = kind_.planes == PLANARCONFIG_SEPARATE;
    for (int plane = 0; plane < (planar ? image_.channels : 1); ++plane) {
      const int first = planar ? plane : 0, count = planar ? 1 : image_.channels;
      if (kind_.tile == 0)
        for (int y = 0; y < image_.height; ++y) {
          auto line = block(0, y, image_.width, 1, first, count);
          EXPECT_EQ(TIFFWriteScanline(tiff_, line.data(), uint32_t(y), uint16_t(plane)), 1);
        }
      else
        for (int y = 0; y < image_.height; y += int(kind_.tile))
          for (int x = 0; x < image_.width; x += int(kind_.tile)) {
            auto tile = block(x, y, int(kind_.tile), int(kind_.tile), first, count);
            EXPECT_GT(
                TIFFWriteTile(tiff_, tile.data(), uint32_t(x), uint32_t(y), 0, uint16_t(plane)), 0);
          }
    }
  }

 private:
  size_t sample_size() const { return image_.samples.index() == 0 ? 1 : 2; }

  /// Samples of a rectangle, zero outside the picture.
  std::vector<uint8_t> block(int left, int top, int width, int height, int first, int count) const {
    std::vector<uint8_t> bytes;
    for (int y = top; y < top + height; ++y)
      for (int x = left; x < left + width; ++x)
        for (int c = first; c < first + count; ++c) {
          const bool inside = x < image_.width && y < image_.height;
          const size_t i = size_t((y * image_.width + x) * image_.channels + c);
          uint8_t sample[2] = {};
          if (inside && sample_size() == 1) sample[0] = u8(image_)[i];
          if (inside && sample_size() == 2) std::memcpy(sample, &u16(image_)[i], 2);
          bytes.insert(bytes.end(), sample, sample + sample_size());
        }
    return bytes;
  }

  const Image& image_;
  TiffKind kind_;
  TIFF* tiff_;
};

TEST_F(ImageFile, TiffOfEveryLayout) {
  const fs::path path = folder_ / "a.tif";
  for (const char* mode : {"wl", "wb", "w8"})
    for (int compression :
         {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS})
      for (int planes : {PLANARCONFIG_CONTIG, PLANARCONFIG_SEPARATE})
        for (uint32_t tile : {0u, 16u})
          for (int bits : {8, 16})
            for (int channels = 1; channels <= 4; ++channels) {
              const Image image = noise(37, 21, channels, bits, uint64_t(channels));
              const bool predictor = compression == COMPRESSION_LZW;
              const TiffKind kind{mode, uint16_t(compression), uint16_t(planes), tile, predictor};
              TiffFile(path, image, kind).write();
              const Image back = read_image(path);
              ASSERT_EQ(back.channels, channels);
              ASSERT_EQ(back.samples, image.samples)
                  << mode << " compression " << compression << " planes " << planes << " tile "
                  << tile << " bits " << bits << " channels " << channels;
            }
}

TEST_F(ImageFile, TiffWhiteIsZeroIsTurnedAround) {
  const Image image{2, 1, 1, std::vector<uint8_t>{0, 200}, {}};
  {
    TiffFile file(folder_ / "a.tif", image, {});
    file.set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    file.write();
  }
  EXPECT_THAT(u8(read_image(folder_ / "a.tif")), ElementsAre(255, 55));
}

TEST_F(ImageFile, TiffPremultipliedColoursAreRestored) {
  const Image image{3, 1, 2, std::vector<uint8_t>{50, 128, 0, 0, 9, 255}, {}};
  {
    TiffFile file(folder_ / "a.tif", image, {});
    file.set_alpha(EXTRASAMPLE_ASSOCALPHA);
    file.write();
  }
  // 50 * 255 / 128 = 99.6
  EXPECT_THAT(u8(read_image(folder_ / "a.tif")), ElementsAre(100, 128, 0, 0, 9, 255));
}

TEST_F(ImageFile, TiffWithJpegInside) {
  const Image image = waves(64, 48, 3);
  {
    TiffFile file(folder_ / "a.tif", image, {.compression = COMPRESSION_JPEG, .tile = 16});
    file.set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
    file.set(TIFFTAG_JPEGQUALITY, 95);
    file.set(TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    file.write();
  }
  EXPECT_LE(largest_difference(read_image(folder_ / "a.tif"), image), 24) << "4:2:0";
}

TEST_F(ImageFile, TiffOfOtherKindsIsRefusedWithTheReason) {
  const auto refused_with = [&](uint32_t tag, auto value, int channels = 1, int bits = 16) {
    const Image image = noise(9, 9, channels, bits);
    {
      TiffFile file(folder_ / "a.tif", image, {});
      file.set(tag, value);
      file.write();
    }
    return refusal(folder_ / "a.tif");
  };
  EXPECT_THAT(refused_with(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP), HasSubstr("floating-point"));
  EXPECT_THAT(refused_with(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_INT), HasSubstr("signed"));
  EXPECT_THAT(refused_with(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_SEPARATED, 4, 8),
              HasSubstr("photometric"));
  EXPECT_THAT(refused_with(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CFA), HasSubstr("RAW"));

  const Image image = noise(16, 1, 1, 8);
  {
    TiffFile file(folder_ / "a.tif", image, {});
    file.set(TIFFTAG_BITSPERSAMPLE, 1);
    file.write();
  }
  EXPECT_THAT(refusal(folder_ / "a.tif"), HasSubstr("1 bits"));
}

/// Writes a JPEG through libjpeg itself.
void put_jpeg(const fs::path& path, const Image& image, J_COLOR_SPACE colours, bool progressive) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  jpeg_stdio_dest(&info, file);
  info.image_width = JDIMENSION(image.width);
  info.image_height = JDIMENSION(image.height);
  info.input_components = image.channels;
  info.in_color_space = colours;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < image.height; ++y) {
    JSAMPROW row = const_cast<uint8_t*>(u8(image).data()) + y * image.width * image.channels;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::fclose(file);
}

TEST_F(ImageFile, ProgressiveJpegIsRead) {
  const Image image = waves(64, 48, 3);
  put_jpeg(folder_ / "a.jpg", image, JCS_RGB, true);
  EXPECT_LE(largest_difference(read_image(folder_ / "a.jpg"), image), 24) << "4:2:0";
}

TEST_F(ImageFile, CmykJpegIsRefused) {
  put_jpeg(folder_ / "a.jpg", waves(16, 16, 4), JCS_CMYK, false);
  EXPECT_THAT(refusal(folder_ / "a.jpg"), HasSubstr("CMYK"));
}

TEST_F(ImageFile, KindIsKnownByContent) {
  const Image image = noise(9, 9, 3, 8);
  write_image(folder_ / "a.png", image);
  fs::rename(folder_ / "a.png", folder_ / "a.jpg");
  EXPECT_EQ(read_image(folder_ / "a.jpg").samples, image.samples);
}

TEST_F(ImageFile, SharedPhotosAreRead) {
  const auto data = shared_data();
  if (!data) GTEST_SKIP() << "no shared data beside the checkout, nor in $HYPERCONV_DATA";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(*data / "photos" / "val")) {
    if (++count > 10) break;
    EXPECT_EQ(read_image(entry.path()).channels, 3) << entry.path();
  }
  EXPECT_GT(count, 0);
  const Image mosaic = read_image(*data / "raw" / "halide_n900_bayer_small.png");
  EXPECT_EQ(mosaic.channels, 1);
  EXPECT_LT(*std::max_element(u16(mosaic).begin(), u16(mosaic).end()), 2048)
      << "values of 10 bits and a few were scaled";
  EXPECT_THAT(refusal(*data / "raw" / "colorchart.dng"), HasSubstr("RAW"));
  EXPECT_THAT(refusal(*data / "raw" / "RAW_KODAK_DC50.KDC"), HasSubstr("RAW"));
}

// ---- files that nobody should have written

TEST_F(ImageFile, WhatIsNoPictureIsRefused) {
  EXPECT_THAT(refusal(folder_ / "none.jpg"), HasSubstr("cannot be read"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("folder"));
  EXPECT_THAT(refusal(put("empty.jpg", {})), HasSubstr("empty"));
  for (const char* name : {"text.jpg", "text.png", "text.tif"})
    EXPECT_THAT(refusal(put(name, {'h', 'e', 'l', 'l', 'o'})),
                HasSubstr("is not a JPEG, PNG, TIFF, "));
}

/// A small file with everything in it.
std::vector<uint8_t> small_file(const TemporaryFolder& folder, const std::string& name) {
  Image image = waves(24, 17, 3);
  image.metadata.icc = srgb_profile(3);
  image.metadata.exif = photo_exif();
  image.metadata.orientation = 6;
  write_image(folder / name, image);
  return read_file(folder / name);
}

TEST_F(ImageFile, TruncatedIsRefusedAtEveryLength) {
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    const auto whole = small_file(folder_, name);
    // TIFF's last number says that no directory follows: without it nothing is missing, nor is
    // without JPEG's last marker.
    const size_t spare = std::string(name) == "a.jpg" ? 2 : std::string(name) == "a.tif" ? 4 : 0;
    for (size_t length = 1; length < whole.size() - spare; ++length) {
      const fs::path path = put(name, {whole.begin(), whole.begin() + long(length)});
      ASSERT_THROW(read_image(path), Error) << name << " of " << length << " bytes";
    }
    EXPECT_EQ(read_image(put(name, whole)).width, 24);
  }
}

TEST_F(ImageFile, TruncatedProgressiveJpegAndPlainTiffAreRefused) {
  put_jpeg(folder_ / "a.jpg", waves(40, 33, 3), JCS_RGB, true);
  const Image image = noise(20, 20, 3, 16);
  TiffFile(folder_ / "a.tif", image, {.planes = PLANARCONFIG_SEPARATE, .tile = 16}).write();
  for (const char* name : {"a.jpg", "a.tif"}) {
    const auto whole = read_file(folder_ / name);
    for (size_t length = 1; length < whole.size(); length += 3) {
      const fs::path path = put(name, {whole.begin(), whole.begin() + long(length)});
      ASSERT_THROW(read_image(path), Error) << name << " of " << length << " bytes";
    }
  }
}

/// Reads a damaged file: an Error, or a picture whose samples are all there.
void survive(const fs::path& path) {
  try {
    const Image image = read_image(path);
    const size_t size =
        std::visit([](const auto& samples) { return samples.size(); }, image.samples);
    ASSERT_EQ(size, image.count());
    const Image seen = upright(image);
    ASSERT_EQ(seen.metadata.orientation, 1);
  } catch (const Error& error) {
    ASSERT_THAT(error.what(), HasSubstr(path.filename().string()));
  }
}

TEST_F(ImageFile, FlippedBitsDoNoHarm) {
  put_jpeg(folder_ / "p.jpg", waves(40, 33, 3), JCS_RGB, true);
  const Image image = noise(20, 20, 4, 16);
  TiffFile(folder_ / "t.tif", image, {.mode = "w8", .compression = COMPRESSION_LZW, .tile = 16})
      .write();
  for (const char* name : {"a.jpg", "a.png", "a.tif", "p.jpg", "t.tif"}) {
    const auto whole = name[0] == 'a' ? small_file(folder_, name) : read_file(folder_ / name);
    Random random(7);
    for (int round = 0; round < 1500; ++round) {
      auto damaged = whole;
      // The first bytes are the headers, where damage does most.
      const int64_t reach = round % 2 == 0 ? 200 : int64_t(whole.size());
      for (int64_t flips = 1 + random.below(4); flips > 0; --flips)
        damaged[size_t(random.below(reach))] ^= uint8_t(1 << random.below(8));
      survive(put(name, damaged));
      if (HasFatalFailure()) FAIL() << name << " round " << round;
    }
  }
}

TEST_F(ImageFile, HugeDeclaredSizesAreRefusedAtOnce) {
  put_png(folder_ / "a.png", 100000, 100000, 8, PNG_COLOR_TYPE_RGB, 0, {}, nothing);
  EXPECT_THAT(refusal(folder_ / "a.png"), HasSubstr("at most 536 million"));
  put_png(folder_ / "b.png", 2000000, 1, 8, PNG_COLOR_TYPE_RGB, 0, {}, nothing);
  EXPECT_THAT(refusal(folder_ / "b.png"), HasSubstr("sides up to"));
  put_png(folder_ / "c.png", 20000, 20000, 16, PNG_COLOR_TYPE_RGB, 0, {}, nothing);
  EXPECT_THAT(refusal(folder_ / "c.png"), HasSubstr("do not fit in"));

  const Image image = noise(16, 16, 3, 8);
  write_image(folder_ / "a.jpg", image);
  auto bytes = read_file(folder_ / "a.jpg");
  for (size_t i = 0; i + 9 < bytes.size(); ++i)
    if (bytes[i] == 0xff && bytes[i + 1] == 0xc0)
      bytes[i + 5] = bytes[i + 7] = bytes[i + 6] = bytes[i + 8] = 0xf0;
  EXPECT_THAT(refusal(put("a.jpg", bytes)), HasSubstr("at most 536 million"));

  {
    TiffFile file(folder_ / "a.tif", image, {.strip = 0xffffffff});
    file.write();
    file.set(TIFFTAG_IMAGELENGTH, 0x7fffffff);
  }
  EXPECT_THAT(refusal(folder_ / "a.tif"), HasSubstr("at most 536 million"));
}

// ---- places that cannot be written to

TEST_F(ImageFile, EndingsDecide) {
  for (const char* name : {"a.jpg", "a.JPEG", "b/a.Png", "a.tif", "a.b.TIFF"})
    EXPECT_TRUE(is_writable_image(name)) << name;
  for (const char* name : {"a", "jpg", ".jpg", "a.webp", "a.jpg.txt", "a.dng", ""})
    EXPECT_FALSE(is_writable_image(name)) << name;
  EXPECT_THAT(write_refusal("a.webp", waves(4, 4, 3)),
              HasSubstr("pictures end in .jpg, .png, .tif, "));
}

TEST_F(ImageFile, WhatCannotBeWrittenLeavesNothing) {
  EXPECT_THAT(write_refusal("none/a.jpg", waves(4, 4, 3)), HasSubstr("does not exist"));
  EXPECT_THAT(write_refusal("a.png", Image{}), HasSubstr("no pixels"));
  EXPECT_THAT(write_refusal("a.jpg", waves(4, 4, 4)), HasSubstr("alpha"));
  EXPECT_THAT(write_refusal("a.jpg", waves(4, 4, 2)), HasSubstr("alpha"));
  EXPECT_THAT(write_refusal("a.jpg", waves(65501, 1, 1)), HasSubstr("65500"));
  for (int quality : {0, 101, -5})
    EXPECT_THAT(write_refusal("a.jpg", waves(4, 4, 3), {quality}), HasSubstr("1 to 100"));
  EXPECT_EQ(files(), 0);
  fs::create_directory(folder_ / "folder.png");
  EXPECT_THAT(write_refusal("folder.png", waves(4, 4, 3)), HasSubstr("folder"));
  EXPECT_EQ(files(), 1);
}

/// Writes where files may have 4096 bytes, as on a full disk; true when that is an Error.
bool full_disk_is_refused(const fs::path& path, const Image& image) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_image(path, image);
    } catch (const Error&) {
      ::_exit(7);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

TEST_F(ImageFile, FullDiskLeavesTheOldFile) {
  const Image old = waves(8, 8, 3);
  const Image image = noise(100, 100, 3, 8);
  for (const char* name : {"a.jpg", "a.png", "a.tif"}) {
    write_image(folder_ / name, old);
    const auto before = read_file(folder_ / name);
    EXPECT_TRUE(full_disk_is_refused(folder_ / name, image)) << name;
    EXPECT_EQ(read_file(folder_ / name), before);
  }
  EXPECT_EQ(files(), 3) << "a temporary file stayed";
}

}  // namespace
}  // namespace hyperconv
