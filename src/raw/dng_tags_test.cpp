// What one DNG takes over from another, and what it says of noise that was removed.
#include "raw/dng_tags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libraw/libraw.h>

#include <algorithm>
#include <memory>

#include "base/file.hpp"
#include "image/image.hpp"
#include "image/jpeg.hpp"
#include "raw/colour.hpp"
#include "raw/dng_file.hpp"
#include "raw/limits.hpp"
#include "raw/raw_testing.hpp"

namespace hyperconv {
namespace {

constexpr uint16_t first_light = 50778, second_light = 50779;

/// A DNG's first directory as another program might write it.
std::vector<uint8_t> dng_of(std::endian order, const std::function<void(TiffDirectory&)>& fill) {
  TiffDirectory tags(order);
  tags.longs(254, {0});
  tags.longs(256, {64});
  tags.longs(257, {48});
  tags.shorts(262, {photometric_cfa});
  tags.bytes(50706, {1, 4, 0, 0});
  fill(tags);
  std::vector<uint8_t> file = order == std::endian::big
                                  ? std::vector<uint8_t>{'M', 'M', 0, 42, 0, 0, 0, 8}
                                  : std::vector<uint8_t>{'I', 'I', 42, 0, 8, 0, 0, 0};
  tags.append_to(file);
  return file;
}

const std::vector<double> matrix_1 = {0.6, -0.1, -0.08, -0.3, 1.1, 0.2, -0.04, 0.15, 0.6};
const std::vector<double> matrix_2 = {0.8, -0.2, -0.09, -0.4, 1.2, 0.25, -0.05, 0.25, 0.7};

void fill_all(TiffDirectory& tags) {
  tags.ascii(50708, "Thing One");
  tags.ascii(50735, "S/N 0815");
  tags.rationals(50736, std::array{24.0, 70.0, 2.8, 4.0});
  tags.signed_rationals(50721, matrix_1);
  tags.signed_rationals(50722, matrix_2);
  tags.shorts(first_light, {17});
  tags.shorts(second_light, {21});
  tags.rationals(50727, std::array{1.0, 0.9, 1.1});
  tags.ascii(50936, "Natural");
  tags.longs(50937, {90, 30, 1});
  tags.shorts(50719, {2, 4});
  tags.shorts(50720, {60, 40});
  tags.ascii(270, "no business of another DNG");
}

std::vector<uint16_t> names(const std::vector<DngTag>& tags) {
  std::vector<uint16_t> result;
  for (const DngTag& tag : tags) result.push_back(tag.tag);
  std::ranges::sort(result);
  return result;
}

std::vector<DngTag> lasting(const std::vector<uint8_t>& file) {
  return lasting_dng_tags(TiffView(file));
}

TEST(DngTags, AreTheSameFromBothByteOrders) {
  auto little = lasting(dng_of(std::endian::little, fill_all));
  auto big = lasting(dng_of(std::endian::big, fill_all));
  ASSERT_EQ(names(little), names(big));
  EXPECT_EQ(names(little), (std::vector<uint16_t>{50708, 50719, 50720, 50721, 50722, 50727, 50735,
                                                  50736, first_light, second_light, 50936, 50937}));
  for (size_t i = 0; i < little.size(); ++i) {
    EXPECT_EQ(little[i].type, big[i].type);
    EXPECT_EQ(little[i].count, big[i].count);
    EXPECT_EQ(little[i].value, big[i].value) << little[i].tag;
  }
}

TEST(DngTags, OneCameraIsNotToldFromAnotherWhereMetadataAreStripped) {
  const auto tags = impersonal_dng_tags(lasting(dng_of(std::endian::little, fill_all)));
  EXPECT_THAT(names(tags), testing::IsSupersetOf({50708, 50721, 50722}));
  EXPECT_THAT(names(tags), testing::Not(testing::Contains(50735)));
  EXPECT_THAT(names(tags), testing::Not(testing::Contains(50736)));
}

TEST(DngTags, ColoursThatAreIncompleteAreMendedOrLeft) {
  const auto alone = lasting(dng_of(
      std::endian::little, [](TiffDirectory& tags) { tags.signed_rationals(50721, matrix_1); }));
  ASSERT_EQ(names(alone), (std::vector<uint16_t>{50721, first_light}));
  EXPECT_EQ(alone.back().value, (std::vector<uint8_t>{21, 0}));
  // Two matrices, of unknown lights; four colours; another order of colours.
  EXPECT_TRUE(lasting(dng_of(std::endian::little, [](TiffDirectory& tags) {
                tags.signed_rationals(50721, matrix_1);
                tags.signed_rationals(50722, matrix_2);
                tags.shorts(first_light, {17});
              })).empty());
  EXPECT_TRUE(lasting(dng_of(std::endian::little, [](TiffDirectory& tags) {
                tags.signed_rationals(50721, std::vector<double>(12, 0.5));
              })).empty());
  EXPECT_TRUE(lasting(dng_of(std::endian::little, [](TiffDirectory& tags) {
                tags.signed_rationals(50721, matrix_1);
                tags.bytes(50710, {2, 1, 0});
              })).empty());
  EXPECT_TRUE(lasting({}).empty());
}

TEST(DngTags, AFrameFromAnOddRowIsLeft) {
  const auto tags = lasting(dng_of(std::endian::little, [](TiffDirectory& directory) {
    fill_all(directory);
    directory.longs(50829, {1, 0, 48, 64});
  }));
  EXPECT_THAT(names(tags), testing::Not(testing::Contains(50719)));
}

class DngOfDng : public testing::Test {
 protected:
  std::filesystem::path written(Mosaic facts, bool as_mosaic) const {
    const Tensor light = light_of(facts);
    if (as_mosaic)
      write_mosaic_dng(folder_ / "a.dng", facts, light);
    else
      write_linear_dng(folder_ / "a.dng", light, facts);
    return folder_ / "a.dng";
  }
  static Tensor light_of(const Mosaic& facts) {
    Tensor light({1, 3, facts.height, facts.width});
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < facts.height; ++y)
        for (int x = 0; x < facts.width; ++x)
          light.row(0, c, y)[x] = 0.1f + 0.5f * (c == 0 ? float(x) / float(facts.width)
                                                        : float(y) / float(facts.height));
    return light;
  }
  static const Mosaic& facts_in(const RawFrame& frame) {
    const auto* linear = std::get_if<LinearFrame>(&frame);
    return linear != nullptr ? linear->facts : std::get<Mosaic>(frame);
  }
  TemporaryFolder folder_;
};

TEST_F(DngOfDng, LibRawFindsBothMatricesAndTheirLights) {
  CraftedDng crafted;
  crafted.second_matrix = matrix_2;
  write_file(folder_ / "in.dng", crafted.encode());
  const Mosaic read = read_camera_file(folder_ / "in.dng");
  for (const bool as_mosaic : {false, true}) {
    const auto path = written(read, as_mosaic);
    const auto raw = std::make_unique<LibRaw>();
    ASSERT_EQ(raw->open_file(path.c_str()), LIBRAW_SUCCESS);
    const auto& colours = raw->imgdata.color.dng_color;
    EXPECT_EQ(colours[0].illuminant, 21);
    EXPECT_EQ(colours[1].illuminant, 17);
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_NEAR(colours[0].colormatrix[i / 3][i % 3], crafted.matrix[i], 1e-6);
      EXPECT_NEAR(colours[1].colormatrix[i / 3][i % 3], matrix_2[i], 1e-6);
    }
    const RawFrame back = read_raw_frame(path);
    ASSERT_TRUE(facts_in(back).xyz_to_camera);
    for (size_t i = 0; i < 9; ++i)
      EXPECT_NEAR((*facts_in(back).xyz_to_camera)[i / 3][i % 3],
                  (*read.xyz_to_camera)[i / 3][i % 3], 1e-6);
  }
}

TEST_F(DngOfDng, SaysHowMuchNoiseWasRemovedAndWhoDidIt) {
  for (const bool as_mosaic : {false, true}) {
    Mosaic facts = full_mosaic(64, 48, Cfa::rggb);
    EXPECT_FALSE(facts_in(read_raw_frame(written(facts, as_mosaic))).noise_reduction);
    facts.noise_reduction = {0.25, false};
    auto back = facts_in(read_raw_frame(written(facts, as_mosaic))).noise_reduction;
    ASSERT_TRUE(back);
    EXPECT_DOUBLE_EQ(back->applied, 0.25);
    EXPECT_FALSE(back->by_hyperconv);
    facts.noise_reduction = {1, true};
    facts.history = denoised_line("a model");
    const Mosaic denoised = facts_in(read_raw_frame(written(facts, as_mosaic)));
    ASSERT_TRUE(denoised.noise_reduction);
    EXPECT_DOUBLE_EQ(denoised.noise_reduction->applied, 1);
    EXPECT_TRUE(denoised.noise_reduction->by_hyperconv);
    ASSERT_TRUE(denoised.noise);
    EXPECT_NEAR(denoised.noise->shot, facts.noise->shot, 1e-9);
    // It is remembered from file to file, and a second time stands beside the first.
    Mosaic again = denoised;
    again.history = denoised_line("another");
    const auto bytes = read_file(written(again, as_mosaic));
    const std::string text(bytes.begin(), bytes.end());
    EXPECT_THAT(text, testing::HasSubstr(facts.history + "; " + again.history));
  }
}

TEST_F(DngOfDng, APreviewAndAThumbnailShowThePhoto) {
  for (const bool as_mosaic : {false, true})
    for (const auto& [width, height] : {std::pair(400, 300), {2500, 400}, {22, 22}}) {
      SCOPED_TRACE(fmt::format("{} {}x{}", as_mosaic, width, height));
      Mosaic facts = full_mosaic(width, height, Cfa::rggb);
      const auto bytes = read_file(written(facts, as_mosaic));
      const TiffView view(bytes);
      ASSERT_EQ(view.directories().size(), 3u);
      const auto number = [&](size_t directory, uint16_t tag) {
        return view.number(view.directories()[directory], tag).value_or(-1);
      };
      // The first is the thumbnail; it tells the orientation of all, and what camera it is.
      EXPECT_EQ(number(0, 254), 1);
      EXPECT_EQ(number(0, 274), 6);
      EXPECT_EQ(number(1, 254), 0);
      EXPECT_EQ(number(1, 256), width);
      EXPECT_EQ(number(2, 254), 1);
      EXPECT_EQ(view.sensor(), &view.directories()[1]);
      const Image wanted =
          to_u8(srgb_picture(light_of(facts), camera_to_srgb(*facts.xyz_to_camera)));
      for (const size_t directory : {0, 2}) {
        const auto stored = std::span(bytes).subspan(size_t(number(directory, 273)),
                                                     size_t(number(directory, 279)));
        Image picture;
        if (directory == 2) {
          picture = decode_jpeg("preview", stored);
        } else {
          picture = {int(number(0, 256)), int(number(0, 257)), 3, {}, {}};
          picture.samples = std::vector<uint8_t>(stored.begin(), stored.end());
        }
        ASSERT_EQ(std::get<std::vector<uint8_t>>(picture.samples).size(), picture.count());
        const int longest = directory == 2 ? 2048 : 256;
        EXPECT_EQ(std::max(picture.width, picture.height), std::min(longest, width));
        EXPECT_EQ(picture.width, number(directory, 256));
        EXPECT_EQ(picture.height, number(directory, 257));
        // The middle, which both see; the light changes slowly.
        const auto middle = [](const Image& image, int c) {
          const auto& samples = std::get<std::vector<uint8_t>>(image.samples);
          return int(samples[size_t((image.height / 2 * image.width + image.width / 2) * 3 + c)]);
        };
        for (int c = 0; c < 3; ++c) EXPECT_NEAR(middle(picture, c), middle(wanted, c), 4);
      }
    }
}

TEST_F(DngOfDng, ReadsBackTheSameHoweverItIsCompressed) {
  for (const auto& [width, height] :
       {std::pair(22, 22), {33, 300}, {255, 60}, {256, 256}, {257, 300}, {523, 261}}) {
    SCOPED_TRACE(fmt::format("{}x{}", width, height));
    const Mosaic facts = full_mosaic(width, height, Cfa::gbrg);
    const Tensor light = light_of(facts);
    std::vector<RawFrame> mosaics, linears;
    for (const auto compression : {DngCompression::none, DngCompression::lossless_jpeg}) {
      write_mosaic_dng(folder_ / "m.dng", facts, light, {.compression = compression});
      mosaics.push_back(read_raw_frame(folder_ / "m.dng"));
      write_linear_dng(folder_ / "l.dng", light, facts, {.compression = compression});
      linears.push_back(read_raw_frame(folder_ / "l.dng"));
    }
    for (const RawFrame& frame : mosaics) {
      EXPECT_EQ(std::get<Mosaic>(frame).samples, facts.samples);
      EXPECT_EQ(std::get<Mosaic>(frame).cfa, facts.cfa);
      EXPECT_EQ(std::get<Mosaic>(frame).orientation, facts.orientation);
    }
    const Tensor& plain = std::get<LinearFrame>(linears[0]).light;
    const Tensor& packed = std::get<LinearFrame>(linears[1]).light;
    ASSERT_EQ(plain.shape(), packed.shape());
    EXPECT_TRUE(std::equal(plain.data(), plain.data() + plain.size(), packed.data()));
    EXPECT_NEAR(packed.row(0, 1, height / 2)[3], light.row(0, 1, height / 2)[3], 2.0 / 65535);
  }
}

TEST_F(DngOfDng, TheNumberOfThreadsChangesNoByte) {
  const Mosaic facts = full_mosaic(300, 530, Cfa::rggb);
  for (const int threads : {1, 3})
    write_linear_dng(folder_ / (std::to_string(threads) + ".dng"), light_of(facts), facts,
                     {.threads = threads});
  EXPECT_EQ(read_file(folder_ / "1.dng"), read_file(folder_ / "3.dng"));
}

TEST_F(DngOfDng, MonochromePhotosAreCompressedToo) {
  Tensor grey({1, 1, 70, 300});
  for (size_t i = 0; i < grey.size(); ++i) grey.data()[i] = float(i % 977) / 977;
  write_linear_dng(folder_ / "g.dng", grey, {});
  const RawFrame frame = read_raw_frame(folder_ / "g.dng");
  const Tensor& back = std::get<LinearFrame>(frame).light;
  ASSERT_EQ(back.shape(), grey.shape());
  for (size_t i = 0; i < grey.size(); ++i)
    ASSERT_NEAR(back.data()[i], grey.data()[i], 0.51 / 65535 + 1e-7);
}

}  // namespace
}  // namespace hyperconv
