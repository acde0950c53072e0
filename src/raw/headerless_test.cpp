#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "image/image.hpp"
#include "raw/mosaic.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class HeaderlessTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::vector<uint16_t>& samples) const {
    std::vector<uint8_t> bytes;
    for (const uint16_t sample : samples) {
      bytes.push_back(uint8_t(sample));
      bytes.push_back(uint8_t(sample >> 8));
    }
    write_file(folder_ / "a.raw", bytes);
    return folder_ / "a.raw";
  }
  std::string error(const std::vector<uint16_t>& samples, const MosaicFormat& format) const {
    return error_of([&] { read_headerless(write(samples), format); });
  }
  TemporaryFolder folder_;
};

MosaicFormat format(int width, int height, int bits) {
  MosaicFormat format;
  format.width = width;
  format.height = height;
  format.bits = bits;
  return format;
}

TEST_F(HeaderlessTest, ReadsLittleEndianSamples) {
  MosaicFormat facts = format(3, 2, 12);
  facts.cfa = Cfa::gbrg;
  facts.black = 64;
  facts.white_balance = {4, 2, 3};
  const Mosaic mosaic = read_headerless(write({0, 1, 256, 4095, 4, 5}), facts);
  EXPECT_EQ(mosaic.width, 3);
  EXPECT_EQ(mosaic.height, 2);
  EXPECT_THAT(mosaic.samples, testing::ElementsAre(0, 1, 256, 4095, 4, 5));
  EXPECT_EQ(mosaic.cfa, Cfa::gbrg);
  EXPECT_EQ(mosaic.white, 4095);
  EXPECT_THAT(mosaic.black, testing::Each(64));
  EXPECT_THAT(mosaic.white_balance, testing::ElementsAre(2, 1, 1.5));
  EXPECT_FALSE(mosaic.xyz_to_camera);
}

TEST_F(HeaderlessTest, WhiteLevelMayBeGiven) {
  MosaicFormat facts = format(2, 2, 10);
  facts.white = 800;
  EXPECT_EQ(read_headerless(write({1023, 1, 2, 3}), facts).white, 800);
  // A level above what the bits hold allows samples up to it.
  facts.white = 4000;
  EXPECT_EQ(read_headerless(write({3999, 1, 2, 3}), facts).white, 4000);
}

TEST_F(HeaderlessTest, GreyWorldMakesTheMeanGrey) {
  MosaicFormat facts = format(2, 4, 10);
  facts.black = 100;
  // Red 50 and blue 100 above black, green 200; a saturated green does not count.
  const Mosaic mosaic = read_headerless(write({150, 300, 300, 200, 150, 1023, 300, 200}), facts);
  EXPECT_THAT(mosaic.white_balance, testing::ElementsAre(4, 1, 2));
  EXPECT_THAT(mosaic.warnings, testing::Contains(HasSubstr("grey-world")));
}

TEST_F(HeaderlessTest, GreyWorldKeepsToSaneGains) {
  const Mosaic dark = read_headerless(write({1, 500, 500, 1}), format(2, 2, 10));
  EXPECT_THAT(dark.white_balance, testing::ElementsAre(8, 1, 8));
  const Mosaic pink = read_headerless(write({900, 1, 1, 900}), format(2, 2, 10));
  EXPECT_THAT(pink.white_balance, testing::ElementsAre(0.25, 1, 0.25));
  const Mosaic black = read_headerless(write({0, 0, 0, 0}), format(2, 2, 10));
  EXPECT_THAT(black.white_balance, testing::ElementsAre(1, 1, 1));
}

TEST_F(HeaderlessTest, WrongSizeSaysWhatWouldFit) {
  const std::vector<uint16_t> samples(size_t(12) * 8);
  EXPECT_THAT(error(samples, format(12, 9, 10)),
              AllOf(HasSubstr("192 bytes"), HasSubstr("take 216"), HasSubstr("12x8")));
  EXPECT_THAT(error(samples, format(0, 8, 10)), HasSubstr("must be given"));
  EXPECT_THAT(error(samples, format(1 << 20, 1 << 20, 10)), HasSubstr("more than"));
  write_file(folder_ / "odd.raw", "123");
  EXPECT_THAT(error_of([&] { read_headerless(folder_ / "odd.raw", format(1, 1, 8)); }),
              HasSubstr("3 bytes"));
}

TEST_F(HeaderlessTest, TooFewBitsSayHowManyItHas) {
  EXPECT_THAT(error({1, 2, 3, 4000}, format(2, 2, 10)),
              AllOf(HasSubstr("4000 at row 1, column 1"), HasSubstr("12 bits")));
}

TEST_F(HeaderlessTest, RefusesLevelsThatCannotBe) {
  const std::vector<uint16_t> samples(4);
  EXPECT_THAT(error(samples, format(2, 2, 17)), HasSubstr("17 bits"));
  MosaicFormat facts = format(2, 2, 10);
  facts.black = 1023;
  EXPECT_THAT(error(samples, facts), HasSubstr("black level 1023"));
  facts = format(2, 2, 10);
  facts.white_balance = {1, 0, 1};
  EXPECT_THAT(error(samples, facts), HasSubstr("white balance"));
}

TEST_F(HeaderlessTest, RefusesWhatIsNoFile) {
  EXPECT_THROW(read_headerless(folder_.path(), format(2, 2, 10)), Error);
  EXPECT_THROW(read_headerless(folder_ / "none", format(2, 2, 10)), Error);
  write_file(folder_ / "empty.raw", "");
  EXPECT_THAT(error_of([&] { read_headerless(folder_ / "empty.raw", format(2, 2, 10)); }),
              HasSubstr("is empty"));
}

TEST_F(HeaderlessTest, FourPhasesShowOneScene) {
  const auto data = shared_data();
  if (!data) GTEST_SKIP() << "the shared test images are not here";
  const auto read = [&](Cfa cfa) {
    MosaicFormat facts = format(768, 512, 14);
    facts.cfa = cfa;
    return read_headerless(*data / "raw" / ("DSC_1339_768x512_" + to_string(cfa) + ".raw"), facts);
  };
  const Mosaic reference = read(Cfa::rggb);
  EXPECT_EQ(*std::max_element(reference.samples.begin(), reference.samples.end()), 16383);
  // The four files show one crop: a cell's red and blue are the same, wherever in it they stand.
  const auto sample_of = [](const Mosaic& mosaic, int row, int column, bool blue) {
    const auto [y, x] = red_offset(*mosaic.cfa.bayer());
    const int place_y = 2 * row + (blue ? 1 - y : y), place_x = 2 * column + (blue ? 1 - x : x);
    return mosaic.samples[size_t(place_y) * size_t(mosaic.width) + size_t(place_x)];
  };
  for (const Cfa cfa : {Cfa::bggr, Cfa::grbg, Cfa::gbrg}) {
    const Mosaic mosaic = read(cfa);
    for (int i = 0; i < 256 * 384; ++i)
      for (const bool blue : {false, true})
        ASSERT_EQ(sample_of(mosaic, i / 384, i % 384, blue),
                  sample_of(reference, i / 384, i % 384, blue))
            << to_string(cfa) << " cell " << i;
    for (const size_t c : {0, 2})
      EXPECT_NEAR(mosaic.white_balance[c], reference.white_balance[c], 0.01);
  }
}

TEST_F(HeaderlessTest, PngSamplesKeepTheirUnitsInEitherDepth) {
  Image image;
  image.width = 3;
  image.height = 2;
  image.channels = 1;
  image.samples = std::vector<uint16_t>{0, 1, 2, 1023, 512, 300};
  write_image(folder_ / "deep.png", image);
  MosaicFormat facts;
  facts.cfa = Cfa::bggr;
  const Mosaic deep = read_mosaic_png(folder_ / "deep.png", facts);
  EXPECT_EQ(deep.width, 3);
  EXPECT_EQ(deep.height, 2);
  EXPECT_THAT(deep.samples, testing::ElementsAre(0, 1, 2, 1023, 512, 300));
  EXPECT_EQ(deep.white, 1023);
  EXPECT_EQ(deep.cfa, Cfa::bggr);

  image.samples = std::vector<uint8_t>{0, 1, 2, 255, 128, 100};
  write_image(folder_ / "flat.png", image);
  const Mosaic flat = read_mosaic_png(folder_ / "flat.png", facts);
  EXPECT_THAT(flat.samples, testing::ElementsAre(0, 1, 2, 255, 128, 100));
  EXPECT_EQ(flat.white, 1023);
}

TEST_F(HeaderlessTest, PngOfAnotherKindIsRefused) {
  Image image;
  image.width = image.height = 2;
  image.channels = 3;
  image.samples = std::vector<uint8_t>(12);
  write_image(folder_ / "rgb.png", image);
  EXPECT_THAT(error_of([&] { read_mosaic_png(folder_ / "rgb.png", {}); }),
              HasSubstr("3 channels; a mosaic has one"));
  image.channels = 1;
  image.samples = std::vector<uint16_t>{0, 1, 2, 1024};
  write_image(folder_ / "deep.png", image);
  EXPECT_THAT(error_of([&] { read_mosaic_png(folder_ / "deep.png", {}); }), HasSubstr("11 bits"));
  image.samples = std::vector<uint8_t>(4);
  write_image(folder_ / "grey.jpg", image);
  EXPECT_THAT(error_of([&] { read_mosaic_png(folder_ / "grey.jpg", {}); }), HasSubstr("no PNG"));
  write_image(folder_ / "shallow.png", image);
  auto bytes = read_file(folder_ / "shallow.png");
  bytes[24] = 4;  // bits a sample
  write_file(folder_ / "shallow.png", bytes);
  EXPECT_THAT(error_of([&] { read_mosaic_png(folder_ / "shallow.png", {}); }),
              HasSubstr("4 bits a sample"));
}

TEST_F(HeaderlessTest, N900Mosaic) {
  const auto data = shared_data();
  if (!data) GTEST_SKIP() << "the shared test images are not here";
  MosaicFormat facts;
  facts.cfa = Cfa::grbg;
  const Mosaic mosaic = read_mosaic_png(*data / "raw" / "halide_n900_bayer_small.png", facts);
  EXPECT_EQ(mosaic.width, 256);
  EXPECT_EQ(mosaic.height, 344);
  // It was resampled: three samples are above what 10 bits hold.
  EXPECT_EQ(*std::max_element(mosaic.samples.begin(), mosaic.samples.end()), 1053);
  EXPECT_EQ(mosaic.white, 1023);
  EXPECT_THAT(mosaic.warnings,
              testing::Contains(AllOf(HasSubstr("sample 1053"), HasSubstr("2 others"))));
}

}  // namespace
}  // namespace hyperconv
