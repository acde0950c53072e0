#include "studies/filter_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "engine/testing.hpp"
#include "hyperconv/error.hpp"
#include "image/image.hpp"
#include "network/zoo.hpp"

namespace hyperconv {
namespace {

/// Pictures that differ in nothing but their light, in 16 bits.
class FilterViewTest : public testing::Test {
 protected:
  FilterViewTest() {
    for (int i = 0; i < 5; ++i) {
      Image image{32, 24, 3, {}, {}};
      std::vector<uint16_t> samples(image.count());
      Random random(4);
      for (auto& s : samples) s = uint16_t((2000 << i) * (0.8 + 0.4 * random.uniform()));
      image.samples = std::move(samples);
      photos_.push_back(folder_ / ("photo-" + std::to_string(i) + ".png"));
      write_image(photos_.back(), image, {});
    }
  }

  static std::shared_ptr<const Model> model() {
    const Model any = random_model(make_network("vdn-hyper-20", {.width = 4, .hidden = 6}));
    std::map<std::string, std::vector<float>> weights;
    for (const Parameter& p : parameters(any.graph()))
      weights[p.name] = any.weight(p.name).to_float();
    return std::make_shared<const Model>(
        any.graph(), ModelInfo{.task = Task::denoise, .name = "any"}, std::move(weights));
  }

  TemporaryFolder folder_;
  std::vector<std::filesystem::path> photos_;
};

TEST_F(FilterViewTest, PhotosThatDifferInLightAreSortedByLight) {
  const FilterView view = view_filters(model(), "", photos_);
  ASSERT_EQ(view.photos.size(), 5u);
  for (size_t i = 1; i < 5; ++i)
    EXPECT_NEAR(view.photos[i].facts.light - view.photos[i - 1].facts.light, 1, 0.01);
  EXPECT_GT(std::abs(view.correlation[0][0]), 0.9);
  EXPECT_GT(view.explained[0], view.explained[1]);
  EXPECT_LE(view.explained[0] + view.explained[1], 1 + 1e-9);
  EXPECT_NE(view.photos[0].filters, view.photos[4].filters);
  EXPECT_EQ(view.photos[0].filters.size(), size_t(view.out * view.channels * 9));
}

TEST_F(FilterViewTest, SaysWhichLayersThereAre) {
  try {
    view_filters(model(), "nonsense", photos_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("there are "));
  }
  const auto plain = std::make_shared<const Model>(random_model(make_network("study-plain")));
  EXPECT_THROW(view_filters(plain, "", photos_), Error);
}

TEST_F(FilterViewTest, DrawsFiltersAndPlaces) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "gnuplot is not installed";
  draw_filters(view_filters(model(), "", photos_), folder_ / "figure");
  EXPECT_GT(read_file(folder_ / "figure.png").size(), 5000u);
  EXPECT_GT(read_file(folder_ / "figure-photos.svg").size(), 2000u);
  draw_filters(view_filters(model(), "", {photos_[0]}), folder_ / "one");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "one-photos.png"));
}

// By hand: white noise of deviation 0.1 around 0.5.
TEST(PhotoFactsOf, NoiseIsItsDeviation) {
  Tensor input({1, 3, 64, 64});
  Random random(1);
  for (size_t i = 0; i < input.size(); ++i) input.data()[i] = 0.5f + 0.1f * random.normal();
  const PhotoFacts facts = photo_facts(input, Task::denoise);
  EXPECT_NEAR(std::exp2(facts.noise), 0.1, 0.005);
  EXPECT_NEAR(std::exp2(facts.light), 0.5, 0.01);
  EXPECT_NEAR(facts.colour, 0, 0.05);
}

}  // namespace
}  // namespace hyperconv
