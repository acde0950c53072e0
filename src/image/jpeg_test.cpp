#include "image/jpeg.hpp"

#include <gtest/gtest.h>

// jpeglib.h uses FILE and size_t without their headers.
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include <cmath>
#include <cstdlib>

#include "image/jpeg_bands.hpp"

namespace hyperconv {
namespace {

Image waves(int width, int height, int channels) {
  Image image{.width = width, .height = height, .channels = channels};
  std::vector<uint8_t> samples(image.count());
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = uint8_t(128 + 100 * std::sin(double(i) * 0.37) * std::cos(double(i) * 0.0011));
  image.samples = std::move(samples);
  return image;
}

/// The oracle: libjpeg in one go, with tables of its own.
std::vector<uint8_t> encoded_at_once(const Image& image, int quality, bool full_chroma) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = JDIMENSION(image.width);
  info.image_height = JDIMENSION(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.optimize_coding = TRUE;
  if (full_chroma) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(row_of(image, int(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::vector<uint8_t> file(data, data + size);
  jpeg_destroy_compress(&info);
  std::free(data);
  return file;
}

struct BandCase {
  int height, channels, quality;
};

class JpegBands : public testing::TestWithParam<BandCase> {};

TEST_P(JpegBands, ShowWhatLibjpegMakesAtOnce) {
  const auto [height, channels, quality] = GetParam();
  const Image image = waves(75, height, channels);
  const auto file = encode_jpeg("a.jpg", image, quality);
  const Image ours = decode_jpeg("a.jpg", file);
  const Image at_once = decode_jpeg("b.jpg", encoded_at_once(image, quality, quality >= 90));
  EXPECT_EQ(ours.height, height);
  // The samples of the standard's transform and tables: not a bit may differ.
  EXPECT_EQ(ours.samples, at_once.samples);
}

TEST_P(JpegBands, DoNotDependOnTheNumberOfThreads) {
  const auto [height, channels, quality] = GetParam();
  const Image image = waves(75, height, channels);
  const auto alone = encode_jpeg("a.jpg", image, quality, 1);
  for (const int threads : {2, 3, 7})
    EXPECT_EQ(encode_jpeg("a.jpg", image, quality, threads), alone) << threads;
}

INSTANTIATE_TEST_SUITE_P(Heights, JpegBands,
                         testing::Values(BandCase{1, 3, 95}, BandCase{jpeg_band_rows, 3, 95},
                                         BandCase{jpeg_band_rows + 1, 3, 95},
                                         BandCase{jpeg_band_rows + 1, 3, 80},
                                         BandCase{2 * jpeg_band_rows - 1, 1, 80},
                                         BandCase{3 * jpeg_band_rows, 3, 80},
                                         BandCase{3 * jpeg_band_rows + 17, 1, 95},
                                         BandCase{4 * jpeg_band_rows + 9, 3, 95}));

}  // namespace
}  // namespace hyperconv
