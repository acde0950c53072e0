// What a page does in a browser, scripts/check-report tries.
#include "report/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using testing::Not;

Image even(int width, int height, uint8_t value, int channels = 3) {
  Image picture{width, height, channels, {}, {}};
  picture.samples = std::vector<uint8_t>(picture.count(), value);
  return picture;
}

PagePhoto photo_called(const std::string& name, uint8_t first) {
  return {.name = name,
          .note = "a note",
          .pictures = {{"input", even(30, 20, first), {"20.10", "0.3"}},
                       {"develop, noise estimated", even(30, 20, 90), {"30.20", "0.9"}},
                       {"develop (noise estimated)", even(30, 20, 91), {}},
                       {"input", even(30, 20, 92), {}}},
          .rows = {{"Noise", "0.004"}}};
}

class PageTest : public testing::Test {
 protected:
  std::string text() const {
    const auto bytes = read_file(folder_ / "page/index.html");
    return {bytes.begin(), bytes.end()};
  }
  nlohmann::json data() const {
    const std::string page = text(), start = "id=\"data\">";
    const size_t at = page.find(start) + start.size();
    return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at), nullptr, false);
  }

  TemporaryFolder folder_;
};

TEST_F(PageTest, HoldsEachPhotosPicturesWithTheirScores) {
  Page page(folder_ / "page",
            {.title = "Side by side", .scores = {"PSNR", "SSIM"}, .lossless = true});
  page.add(photo_called("a.jpg", 10));
  page.add_failure("b.jpg: is damaged");
  EXPECT_EQ(page.photos(), 1u);
  EXPECT_EQ(page.failures(), 1u);
  page.finish("one photo");
  const nlohmann::json found = data();
  ASSERT_FALSE(found.is_discarded());
  EXPECT_EQ(found["title"], "Side by side");
  EXPECT_EQ(found["summary"], "one photo");
  EXPECT_EQ(found["zoom"], "fit");
  EXPECT_EQ(found["scores"], (nlohmann::json{"PSNR", "SSIM"}));
  EXPECT_EQ(found["failures"][0], "b.jpg: is damaged");
  const auto& pictures = found["photos"][0]["pictures"];
  // Files have names that addresses may hold, and no two the same.
  const char* files[] = {"input.png", "develop-noise-estimated.png",
                         "develop-noise-estimated-2.png", "input-2.png"};
  ASSERT_EQ(pictures.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(pictures[i]["file"], files[i]);
    EXPECT_EQ(read_image(folder_ / "page/0001" / files[i]).width, 30);
  }
  EXPECT_EQ(pictures[1]["name"], "develop, noise estimated");
  EXPECT_EQ(pictures[3]["name"], "input (2)");
  EXPECT_EQ(pictures[1]["scores"], (nlohmann::json{"30.20", "0.9"}));
  EXPECT_EQ(std::get<std::vector<uint8_t>>(read_image(folder_ / "page/0001/input.png").samples),
            std::vector<uint8_t>(30 * 20 * 3, 10));
}

TEST_F(PageTest, NamesAreTextAndNothingIsFromElsewhere) {
  Page page(folder_ / "page", {.title = "</script><b>", .at_full_size = true});
  page.add(photo_called("<!--<script>", 10));
  page.finish("</script>");
  EXPECT_EQ(data()["photos"][0]["name"], "<!--<script>");
  EXPECT_EQ(data()["title"], "</script><b>");
  EXPECT_EQ(data()["zoom"], "full");
  EXPECT_THAT(text(), Not(HasSubstr("http:")));
  EXPECT_THAT(text(), Not(HasSubstr("https:")));
  EXPECT_THAT(text(), HasSubstr("default-src 'none'"));
}

TEST_F(PageTest, TransparentPicturesAreShownOverWhiteAndUpright) {
  Image clear = even(4, 2, 0, 4);
  clear.metadata.orientation = 6;
  Page page(folder_ / "page", {.title = "t", .lossless = true});
  page.add({.name = "a", .pictures = {{"one", clear, {}}, {"two", clear, {}}}});
  page.finish("");
  const Image shown = read_image(folder_ / "page/0001/one.png");
  EXPECT_EQ(shown.width, 2);
  EXPECT_EQ(shown.channels, 3);
  EXPECT_EQ(std::get<std::vector<uint8_t>>(shown.samples), std::vector<uint8_t>(2 * 4 * 3, 255));
}

TEST_F(PageTest, SeveralThreadsMayAdd) {
  Page page(folder_ / "page", {.title = "t"});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { page.add(photo_called(std::to_string(i), uint8_t(i))); });
  threads.clear();
  page.finish("");
  const nlohmann::json photos = data()["photos"];
  ASSERT_EQ(photos.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(photos[i]["id"], "000" + std::to_string(i + 1));
}

TEST_F(PageTest, AFolderThatHoldsSomethingIsLeftAlone) {
  const auto line_of = [&](const std::filesystem::path& folder) -> std::string {
    try {
      const Page page(folder, {.title = "t"});
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  write_file(folder_ / "file", std::string("x"));
  EXPECT_THAT(line_of(folder_.path()), HasSubstr("holds something already"));
  EXPECT_THAT(line_of(folder_ / "file"), HasSubstr("cannot be made"));
  const Page page(folder_.path(), {.title = "t", .overwrite = true});
}

TEST_F(PageTest, WhatCameToNothingLeavesNothing) {
  { const Page page(folder_ / "page", {.title = "t"}); }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "page"));
  std::filesystem::create_directory(folder_ / "mine");
  { const Page page(folder_ / "mine", {.title = "t"}); }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "mine"));
}

}  // namespace
}  // namespace hyperconv
