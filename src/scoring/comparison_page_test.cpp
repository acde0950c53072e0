#include "scoring/comparison_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using testing::Not;

Image even(int width, int height, uint16_t value) {
  return {width, height, 3, std::vector<uint16_t>(size_t(3 * width * height), value), {}};
}

TEST(ComparisonPage, ShowsTheSameSquareOfEveryPicture) {
  const TemporaryFolder folder;
  // Even but for the right half of its last rows.
  Image clean = even(600, 500, 0x2020);
  auto& samples = std::get<std::vector<uint16_t>>(clean.samples);
  for (int y = 400; y < 500; ++y)
    for (int x = 300; x < 600; ++x)
      samples[size_t(3 * (600 * y + x) + 1)] = x % 2 ? 0x1010 : 0x3030;
  ComparisonPage page(folder / "page", false);
  ComparedPhoto photo("a.png", noise_note({4e-3, 2e-5}), clean);
  photo.add("input", clean, {20.123, 0.51234});
  photo.add("ours", to_u8(even(600, 500, 0x4040)), {30, 0.9});
  page.add(std::move(photo));
  page.add(ComparedPhoto("of nobody", "none", clean));
  page.add_failure("b.png: is damaged");
  page.finish("two of us");
  const Image shown = read_image(folder / "page/0001/clean.png");
  EXPECT_EQ(shown.width, ComparedPhoto::side);
  EXPECT_EQ(shown.height, ComparedPhoto::side);
  EXPECT_EQ(read_image(folder / "page/0001/input.png").samples, shown.samples);
  const auto& pixels = std::get<std::vector<uint8_t>>(shown.samples);
  EXPECT_GT(std::ranges::count(pixels, 0x10), 1000);
  const auto ours =
      std::get<std::vector<uint8_t>>(read_image(folder / "page/0001/ours.png").samples);
  EXPECT_EQ(std::ranges::count(ours, 0x40), std::ptrdiff_t(ours.size()));
  const auto bytes = read_file(folder / "page/index.html");
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_THAT(text, HasSubstr(R"("scores":["20.12","0.5123"])"));
  EXPECT_THAT(text, HasSubstr("variance 0.004 x + 2e-05"));
  EXPECT_THAT(text, HasSubstr("b.png: is damaged"));
  EXPECT_THAT(text, Not(HasSubstr("of nobody")));
}

TEST(ComparisonPage, EqualPicturesHaveNoFigure) {
  const TemporaryFolder folder;
  ComparisonPage page(folder / "page", false);
  const Image clean = even(40, 30, 7);
  ComparedPhoto photo("a", noise_note({}), clean);
  photo.add("input", clean, {std::numeric_limits<double>::infinity(), 1});
  page.add(std::move(photo));
  page.finish("");
  const auto bytes = read_file(folder / "page/index.html");
  EXPECT_THAT(std::string(bytes.begin(), bytes.end()), HasSubstr(R"("the same","1.0000")"));
  EXPECT_EQ(noise_note({}), "none");
}

TEST(ComparedPhoto, APictureOfAnotherSizeIsNamed) {
  ComparedPhoto photo("a", "none", even(40, 30, 7));
  try {
    photo.add("pynet", even(30, 40, 7), {});
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("pynet: made a picture of 30x40, not of 40x30"));
  }
}

}  // namespace
}  // namespace hyperconv
