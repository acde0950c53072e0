// JPEG XL, AVIF and HEIF: pictures to files and back, what travels beside the samples, and files
// that nobody should have written. Each format's tests skip where this build is without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lcms2.h>

#include <cmath>
#include <exiv2/exiv2.hpp>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "image/brands.hpp"
#include "image/codec.hpp"
#include "image/icc.hpp"
#include "image/image.hpp"
#include "image/metadata.hpp"
#include "image/xmp.hpp"
#if HYPERCONV_HAS_AVIF
#include <avif/avif.h>
#endif

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// Slow waves of 8 or 16 bits, which every codec keeps well; no row or column equals another.
Image waves(int width, int height, int channels, int bits) {
  Image image{width, height, channels, {}, {}};
  std::vector<float> samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        samples.push_back(
            float(0.5 + 0.23 * std::sin(x * 0.09 + c) + 0.2 * std::cos(y * 0.07 - c)));
  image.samples = std::move(samples);
  return bits == 8 ? to_u8(image) : to_u16(image);
}

Image noise(int width, int height, int channels, int bits) {
  Image image{width, height, channels, {}, {}};
  Random random(1);
  std::vector<float> samples(image.count());
  for (float& sample : samples) sample = float(random.uniform());
  image.samples = std::move(samples);
  return bits == 8 ? to_u8(image) : to_u16(image);
}

/// The greatest difference of samples, of 1.
double largest_difference(const Image& a, const Image& b) {
  const auto x = to_float(a), y = to_float(b);
  double largest = x.size() == y.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    largest = std::max(largest, std::abs(double(x[i]) - double(y[i])));
  return largest;
}

/// Adobe RGB's primaries with another gamma.
std::vector<uint8_t> foreign_profile(int channels) {
  ColourSpace space = adobe_rgb();
  space.curve = GammaCurve{1.8};
  space.name = "nobody's";
  return profile_of(space, channels);
}

std::vector<uint8_t> photo_exif() {
  Exiv2::ExifData data;
  data["Exif.Image.Model"] = "Sees all";
  data["Exif.Photo.ExposureTime"] = Exiv2::URational(1, 250);
  data["Exif.Photo.PixelXDimension"] = uint32_t(6000);
  data["Exif.GPSInfo.GPSLatitudeRef"] = "N";
  Exiv2::Blob blob;
  Exiv2::ExifParser::encode(blob, Exiv2::bigEndian, data);
  return blob;
}

std::string exif_text(const std::vector<uint8_t>& exif, const char* key) {
  Exiv2::ExifData data;
  if (!exif.empty()) Exiv2::ExifParser::decode(data, exif.data(), uint32_t(exif.size()));
  const auto found = data.findKey(Exiv2::ExifKey(key));
  return found == data.end() ? "none" : found->toString();
}

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
std::string text_of_bytes(const std::vector<uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

constexpr const char* packet =
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
    "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
    "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:Rating=\"4\"/></rdf:RDF></x:xmpmeta>";

struct Format {
  const char* file;
  int deep;           ///< bits that pictures of 16 become
  double step;        ///< of 8 bits, at quality 95: how far a wave's sample may be off
  bool keeps_turned;  ///< orientation is a number and the samples lie as they lay
};

void PrintTo(const Format& format, std::ostream* out) { *out << format.file; }

class NewerFormats : public testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    if (codec_by_ending(GetParam().file)->decode == nullptr)
      GTEST_SKIP() << GetParam().file << ": is not built in";
  }

  fs::path file() const { return folder_ / GetParam().file; }

  Image round_trip(const Image& image, const WriteOptions& options = {}) const {
    write_image(file(), image, options);
    return read_image(file());
  }

  TemporaryFolder folder_;
};

TEST_P(NewerFormats, PicturesComeBack) {
  for (const int bits : {8, 16})
    for (int channels = 1; channels <= 4; ++channels) {
      const Image image = waves(61, 43, channels, bits), back = round_trip(image);
      EXPECT_EQ(back.width, 61);
      EXPECT_EQ(back.height, 43);
      EXPECT_EQ(back.channels, channels) << bits;
      EXPECT_EQ(bits_of(back), bits) << channels;
      EXPECT_LE(largest_difference(back, image), GetParam().step) << channels << " " << bits;
    }
}

TEST_P(NewerFormats, MoreBitsAreKept) {
  // A ramp in 1024 steps: 8 bits would show 256 of them.
  Image ramp{1024, 16, 1, {}, {}};
  std::vector<uint16_t> samples;
  for (size_t i = 0; i < ramp.count(); ++i) samples.push_back(uint16_t(i % 1024 * 65535 / 1023));
  ramp.samples = std::move(samples);
  WriteOptions best{.quality = 100};
  const Image deep = round_trip(ramp, best);
  EXPECT_LE(largest_difference(deep, ramp), 1.5 / 1023);
  best.depth = 8;
  const Image flat = round_trip(ramp, best);
  EXPECT_EQ(bits_of(flat), 8);
}

TEST_P(NewerFormats, DepthsThatThereAreNotAreRefused) {
  const int wrong = GetParam().deep == 16 ? 10 : 16;
  EXPECT_THAT(error_of([&] { round_trip(waves(8, 8, 3, 8), {.depth = wrong}); }),
              HasSubstr("bits a sample, not " + std::to_string(wrong)));
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_P(NewerFormats, QualityFollowsTheOption) {
  const Image image = noise(64, 64, 3, 8);
  const auto size = [&](int quality) {
    round_trip(image, {.quality = quality});
    return fs::file_size(file());
  };
  const auto best = size(100), good = size(90), poor = size(40);
  EXPECT_GT(best, good);
  EXPECT_GT(double(good), 1.5 * double(poor));
}

TEST_P(NewerFormats, TheSameBytesForAnyNumberOfThreads) {
  const Image image = waves(1300, 1100, 3, 8);
  write_image(file(), image, {.threads = 1});
  const auto alone = read_file(file());
  write_image(file(), image, {.threads = 3});
  EXPECT_EQ(read_file(file()), alone);
}

TEST_P(NewerFormats, ProfilesStayByteForByte) {
  for (const int channels : {1, 3}) {
    Image image = waves(32, 24, channels, 8);
    image.metadata.icc = foreign_profile(channels);
    const Image back = round_trip(image);
    EXPECT_EQ(back.metadata.icc, image.metadata.icc) << channels;
    EXPECT_LE(largest_difference(back, image), GetParam().step);
  }
}

TEST_P(NewerFormats, WithoutAProfileSrgbIsMeant) {
  for (const int channels : {1, 3}) {
    const auto icc = round_trip(waves(32, 24, channels, 8)).metadata.icc;
    EXPECT_TRUE(icc.empty() || icc == srgb_profile(channels));
  }
}

TEST_P(NewerFormats, ExifAndXmpTravel) {
  Image image = waves(40, 30, 3, 8);
  image.metadata.exif = photo_exif();
  image.metadata.xmp = bytes_of(packet);
  const ImageMetadata back = round_trip(image).metadata;
  EXPECT_EQ(exif_text(back.exif, "Exif.Image.Model"), "Sees all");
  EXPECT_EQ(exif_text(back.exif, "Exif.Photo.ExposureTime"), "1/250");
  EXPECT_EQ(exif_text(back.exif, "Exif.Photo.PixelXDimension"), "40");
  EXPECT_EQ(exif_text(back.exif, "Exif.GPSInfo.GPSLatitudeRef"), "N");
  EXPECT_EQ(text_of_bytes(back.xmp), packet);
  const ImageMetadata bare = round_trip(image, {.strip_metadata = true}).metadata;
  EXPECT_THAT(bare.xmp, IsEmpty());
  EXPECT_EQ(exif_text(bare.exif, "Exif.Image.Model"), "none");
}

TEST_P(NewerFormats, IptcBecomesXmp) {
  Exiv2::IptcData records;
  records["Iptc.Application2.Caption"] = "A wave";
  const Exiv2::DataBuf buffer = Exiv2::IptcParser::encode(records);
  Image image = waves(40, 30, 3, 8);
  image.metadata.iptc.assign(buffer.pData_, buffer.pData_ + buffer.size_);
  EXPECT_THAT(text_of_bytes(round_trip(image).metadata.xmp), HasSubstr("A wave"));
  image.metadata.xmp = bytes_of(packet);
  const std::string both = text_of_bytes(round_trip(image).metadata.xmp);
  EXPECT_THAT(both, HasSubstr("A wave"));
  EXPECT_THAT(both, HasSubstr("Rating"));
}

TEST_P(NewerFormats, EveryOrientationStaysOrIsApplied) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image image = waves(40, 30, 3, 8);
    image.metadata.exif = photo_exif();
    image.metadata.orientation = orientation;
    const Image back = round_trip(image);
    EXPECT_EQ(back.metadata.orientation, GetParam().keeps_turned ? orientation : 1);
    EXPECT_LE(largest_difference(upright(back), upright(image)), GetParam().step) << orientation;
  }
}

TEST_P(NewerFormats, TruncatedIsRefused) {
  Image image = waves(64, 48, 3, 8);
  image.metadata.exif = photo_exif();
  write_image(file(), image);
  const auto whole = read_file(file());
  for (size_t length = 1; length < whole.size(); length += 1 + length / 16) {
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + std::ptrdiff_t(length));
    EXPECT_THAT(error_of([&] { decode_picture("part", part); }), HasSubstr("part")) << length;
  }
}

TEST_P(NewerFormats, DamageIsRefusedOrReadAndNothingElse) {
  write_image(file(), waves(64, 48, 3, 8));
  const auto whole = read_file(file());
  Random random(7);
  for (int i = 0; i < 60; ++i) {
    auto damaged = whole;
    for (int k = 0; k < 3; ++k)
      damaged[size_t(random.uniform() * double(damaged.size()))] = uint8_t(random.bits());
    try {
      const Image image = decode_picture("damaged", damaged);
      EXPECT_LE(image.count(), size_t(1) << 24);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("damaged"));
    }
  }
}

TEST_P(NewerFormats, AnInterruptedOneIsNeitherWrittenNorRead) {
  const Image image = waves(80, 60, 3, 8);
  set_interrupted(true);
  EXPECT_EQ(error_of([&] { write_image(file(), image); }), "interrupted");
  set_interrupted(false);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  write_image(file(), image);
  set_interrupted(true);
  EXPECT_EQ(error_of([&] { read_image(file()); }), "interrupted");
  set_interrupted(false);
}

TEST_P(NewerFormats, AProfileOfOtherColoursIsRefused) {
  Image image = waves(16, 16, 1, 8);
  image.metadata.icc = foreign_profile(3);
  EXPECT_THAT(error_of([&] { write_image(file(), image); }), HasSubstr("not one for grey"));
}

/// How far samples are off is what each does at quality 95: JPEG XL keeps differences that nobody
/// sees, HEIF halves the chroma.
INSTANTIATE_TEST_SUITE_P(All, NewerFormats,
                         testing::Values(Format{"a.jxl", 16, 0.07, true},
                                         Format{"a.avif", 10, 0.03, true},
                                         Format{"a.heic", 10, 0.06, false}),
                         [](const auto& one) { return std::string(one.param.file).substr(2); });

TEST(JpegXl, QualityHundredKeepsEverySample) {
  if (codec_by_ending("a.jxl")->decode == nullptr) GTEST_SKIP() << "JPEG XL is not built in";
  const TemporaryFolder folder;
  for (const int bits : {8, 16})
    for (int channels = 1; channels <= 4; ++channels) {
      Image image = noise(33, 21, channels, bits);
      image.metadata.icc = foreign_profile(channels);
      write_image(folder / "a.jxl", image, {.quality = 100});
      EXPECT_EQ(read_image(folder / "a.jxl").samples, image.samples) << bits << channels;
    }
}

TEST(JpegXl, ASizeThatNobodyHasIsRefusedBeforeItIsAllocated) {
  if (codec_by_ending("a.jxl")->decode == nullptr) GTEST_SKIP() << "JPEG XL is not built in";
  // A bare codestream: size header of 30 bits a side (ISO/IEC 18181-1, D.2), all ones.
  const std::vector<uint8_t> file = {0xff, 0x0a, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00};
  EXPECT_THAT(error_of([&] { decode_picture("huge", file); }), HasSubstr("huge"));
}

#if HYPERCONV_HAS_AVIF
/// An AVIF whose colours are told by numbers alone, as most encoders write them.
std::vector<uint8_t> avif_of_codes(int primaries, int transfer) {
  avifImage* image = avifImageCreate(16, 16, 8, AVIF_PIXEL_FORMAT_YUV444);
  image->colorPrimaries = avifColorPrimaries(primaries);
  image->transferCharacteristics = avifTransferCharacteristics(transfer);
  const Image samples = waves(16, 16, 3, 8);
  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, image);
  rgb.format = AVIF_RGB_FORMAT_RGB;
  rgb.pixels = const_cast<uint8_t*>(row_of(samples, 0));
  rgb.rowBytes = uint32_t(row_size(samples));
  avifImageRGBToYUV(image, &rgb);
  avifEncoder* encoder = avifEncoderCreate();
  avifRWData output = AVIF_DATA_EMPTY;
  avifEncoderWrite(encoder, image, &output);
  std::vector<uint8_t> bytes(output.data, output.data + output.size);
  avifRWDataFree(&output);
  avifEncoderDestroy(encoder);
  avifImageDestroy(image);
  return bytes;
}

TEST(Avif, CodesOfColoursBecomeAProfile) {
  EXPECT_THAT(decode_picture("a", avif_of_codes(1, 13)).metadata.icc, IsEmpty()) << "sRGB";
  EXPECT_THAT(decode_picture("a", avif_of_codes(2, 2)).metadata.icc, IsEmpty()) << "not told";
  const auto p3 = decode_picture("a", avif_of_codes(12, 13)).metadata.icc;
  EXPECT_TRUE(profile_fits(p3, 3));
  EXPECT_THAT(profile_name(p3), HasSubstr("12/13"));
  EXPECT_THAT(error_of([] { decode_picture("a", avif_of_codes(9, 16)); }),
              HasSubstr("AVIF in HDR"));
}

TEST(Avif, QualityHundredKeepsEverySampleOfEightBits) {
  const TemporaryFolder folder;
  for (const int channels : {1, 3, 4}) {
    const Image image = noise(33, 21, channels, 8);
    write_image(folder / "a.avif", image, {.quality = 100});
    EXPECT_EQ(read_image(folder / "a.avif").samples, image.samples) << channels;
  }
}
#endif

TEST(OptionalFormats, WhatIsNotBuiltInSaysWhatToInstall) {
  const Codec codec{"JPEG 3000", {".j3k"}, is_jxl, {8}, 8, nullptr, nullptr, "libj3k-dev"};
  EXPECT_EQ(error_of([&] { check_built_in("a.j3k", codec); }),
            "a.j3k: JPEG 3000 is not built in; install libj3k-dev and build hyperconv again");
}

TEST(OptionalFormats, FilesAreKnownByTheirContentWhateverIsBuiltIn) {
  const auto file = [](std::string_view main, std::string_view others) {
    std::string text(4, '\0');
    text[3] = char(16 + others.size());
    return bytes_of(text + "ftyp" + std::string(main) + std::string(4, '\0') + std::string(others) +
                    "more");
  };
  EXPECT_TRUE(is_avif(file("avif", "mif1miaf")));
  EXPECT_TRUE(is_avif(file("mif1", "avif")));
  EXPECT_FALSE(is_heif(file("mif1", "avif")));
  EXPECT_TRUE(is_heif(file("heic", "mif1")));
  EXPECT_TRUE(is_heif(file("mif1", "heic")));
  EXPECT_FALSE(is_heif(file("crx ", "isom"))) << "Canon's CR3";
  EXPECT_FALSE(is_heif(bytes_of("????ftypisom")));
  EXPECT_TRUE(is_jxl(std::vector<uint8_t>{0xff, 0x0a, 0, 0}));
  EXPECT_FALSE(is_jxl(std::vector<uint8_t>{0xff, 0xd8, 0xff}));
  EXPECT_FALSE(is_jxl({}));
}

TEST(ExifItems, OffsetAndJpegsSignatureAreTakenOff) {
  const auto exif = bytes_of("II*");
  EXPECT_EQ(tiff_of_exif_item(exif_item_of(exif)), exif);
  std::vector<uint8_t> shifted = {0, 0, 0, 2, 'x', 'y', 'M', 'M'};
  EXPECT_EQ(tiff_of_exif_item(shifted), bytes_of("MM"));
  std::vector<uint8_t> signed_one = {0, 0, 0, 0, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M'};
  EXPECT_EQ(tiff_of_exif_item(signed_one), bytes_of("MM"));
  EXPECT_THAT(tiff_of_exif_item({0xff, 0xff, 0xff, 0xff, 1}), IsEmpty());
  EXPECT_THAT(tiff_of_exif_item({1, 2}), IsEmpty());
}

TEST(FloatTiff, FloatsStayAsTheyAre) {
  const TemporaryFolder folder;
  for (const int channels : {1, 3}) {
    Image image{5, 4, channels, {}, {}};
    std::vector<float> samples;
    for (size_t i = 0; i < image.count(); ++i) samples.push_back(float(i) * 0.37f - 1);
    image.samples = samples;
    image.metadata.icc = foreign_profile(channels);
    write_image(folder / "a.tif", image, {.depth = 32});
    // Other programs read it; we refuse floats, whose white is not known.
    EXPECT_THAT(error_of([&] { read_image(folder / "a.tif"); }), HasSubstr("floating-point"));
  }
  EXPECT_THAT(error_of([&] { write_image(folder / "a.png", waves(4, 4, 3, 8), {.depth = 32}); }),
              HasSubstr("8 or 16 bits a sample, not 32"));
}

}  // namespace
}  // namespace hyperconv
