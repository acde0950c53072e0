// PNG and TIFF that several threads compress: the same bytes for any number of them, and what other
// readers make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cstring>

#include "base/file.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "image/image.hpp"
#include "image/jpeg.hpp"
#include "image/png.hpp"
#include "image/png_rows.hpp"
#include "image/row_writer.hpp"
#include "image/tiff.hpp"

namespace hyperconv {
namespace {

/// Smooth, with noise: every filter is the best somewhere.
Image photo(int width, int height, int channels, int bits) {
  Image image{width, height, channels, {}, {}};
  Random random(3);
  std::vector<float> samples(image.count());
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = float(double(i % 5000) / 6000 + 0.02 * random.normal());
  image.samples = std::move(samples);
  return bits == 8 ? to_u8(image) : bits == 16 ? to_u16(image) : image;
}

/// Rows [first, first + count) without metadata.
Image rows_of(const Image& image, int first, int count) {
  Image rows = part_of(image, {first, 0, count, image.width});
  rows.metadata = {};
  return rows;
}

// More rows than a band for each thread, in steps that no band divides into; samples of all kinds.
TEST(JpegByRows, IsTheFileOfTheWholePicture) {
  const TemporaryFolder folder;
  for (const int bits : {8, 16, 32})
    for (const int channels : {1, 3}) {
      Image image = photo(77, 1111, channels, bits);
      image.metadata.texts["Comment"] = "rows";
      for (const int threads : {1, 3}) {
        const WriteOptions options{.quality = 80, .threads = threads};
        Image header = image;
        header.samples = {};
        RowWriter writer(folder / "rows.jpg", header, options);
        for (int y = 0; y < image.height; y += 173)
          writer.add(rows_of(image, y, std::min(173, image.height - y)));
        EXPECT_FALSE(std::filesystem::exists(folder / "rows.jpg"));
        writer.commit();
        write_image(folder / "whole.jpg", image, options);
        EXPECT_EQ(read_file(folder / "rows.jpg"), read_file(folder / "whole.jpg"))
            << bits << channels << threads;
        std::filesystem::remove(folder / "rows.jpg");
      }
    }
}

TEST(JpegByRows, NothingAppearsWithoutTheEnd) {
  const TemporaryFolder folder;
  const Image image = photo(50, 300, 3, 8);
  RowWriter(folder / "rows.jpg", image, {}).add(rows_of(image, 0, 290));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THAT(error_of([&] { RowWriter(folder / "rows.png", image, {}); }),
              testing::HasSubstr("rows.png: is not written row by row"));
}

TEST(ParallelPng, TheSameBytesForAnyNumberOfThreads) {
  for (const int bits : {8, 16})
    for (const int channels : {1, 3, 4}) {
      const Image image = photo(611, 977, channels, bits);
      const auto alone = encode_png("a.png", image, {.threads = 1});
      for (const int threads : {2, 5}) {
        const WriteOptions options{.threads = threads};
        EXPECT_EQ(encode_png("a.png", image, options), alone) << bits << channels << threads;
      }
      EXPECT_EQ(decode_png("a.png", alone).samples, image.samples) << bits << channels;
    }
}

/// libpng's own reader, which checks the stream's end and checksum too.
TEST(ParallelPng, LibpngReadsEveryRowAndWarnsOfNothing) {
  const TemporaryFolder folder;
  const Image image = photo(700, 1500, 3, 16);
  write_image(folder / "a.png", image);
  std::FILE* file = std::fopen((folder / "a.png").c_str(), "rb");
  int warnings = 0;
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, &warnings, nullptr,
      [](png_structp reader, png_const_charp) { ++*static_cast<int*>(png_get_error_ptr(reader)); });
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_read_png(png, info, PNG_TRANSFORM_SWAP_ENDIAN, nullptr);
  png_bytepp rows = png_get_rows(png, info);
  const auto& samples = std::get<std::vector<uint16_t>>(image.samples);
  for (int y = 0; y < image.height; ++y)
    EXPECT_EQ(std::memcmp(rows[y], samples.data() + size_t(y) * 2100, 4200), 0) << y;
  png_destroy_read_struct(&png, &info, nullptr);
  std::fclose(file);
  EXPECT_EQ(warnings, 0);
}

TEST(ParallelPng, RowsAreFilteredByTheLeastSum) {
  const std::vector<uint8_t> above = {10, 20, 30, 40}, even = {7, 7, 7, 7};
  EXPECT_EQ(filtered_row(above, above, 1), (std::vector<uint8_t>{2, 0, 0, 0, 0})) << "up";
  EXPECT_EQ(filtered_row(even, {90, 1, 90, 1}, 1), (std::vector<uint8_t>{1, 7, 0, 0, 0})) << "sub";
  EXPECT_EQ(filtered_row({0, 1, 0, 1}, {99, 99, 99, 99}, 1), (std::vector<uint8_t>{0, 0, 1, 0, 1}))
      << "none";
  // Two bytes a pixel: the one to the left is two away.
  EXPECT_EQ(filtered_row({5, 9, 5, 9}, {0, 0, 0, 0}, 2), (std::vector<uint8_t>{1, 5, 9, 0, 0}));
}

TEST(ParallelTiff, TheSameBytesForAnyNumberOfThreads) {
  for (const int bits : {8, 16, 32})
    for (const int channels : {1, 3, 4}) {
      const Image image = photo(611, 977, channels, bits);
      const auto alone = encode_tiff("a.tif", image, {.threads = 1});
      const auto together = encode_tiff("a.tif", image, {.threads = 3});
      EXPECT_EQ(together, alone) << bits << channels;
      if (bits == 32) continue;
      EXPECT_EQ(decode_tiff("a.tif", alone).samples, image.samples);
    }
}

}  // namespace
}  // namespace hyperconv
