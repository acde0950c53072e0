#include "studies/denoisers.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/testing.hpp"
#include "image/image.hpp"
#include "studies/results.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

/// Adds the same to every sample, and counts how often.
class Brightening : public DenoisingContender {
 public:
  Brightening(float by, int& calls) : by_(by), calls_(calls) {}
  std::string name() const override { return fmt::format("brighter, by {:g}", by_); }
  std::string version() const override { return "1"; }
  std::optional<double> flops() const override { return 1000; }
  Tensor picture(const Tensor& noisy, const TrueNoise& truth) override {
    ++calls_;
    deviations.push_back(truth.deviation);
    Tensor brighter = noisy;
    for (size_t i = 0; i < brighter.size(); ++i) brighter.data()[i] += by_;
    return brighter;
  }
  std::vector<double> deviations;

 private:
  float by_;
  int& calls_;
};

class Denoisers : public testing::Test {
 protected:
  Denoisers() {
    for (const auto& [name, grey] : {std::pair{"a.png", 64}, {"b.png", 128}})
      write_image(folder_ / name,
                  Image{32, 48, 3, std::vector<uint8_t>(size_t(32) * 48 * 3, uint8_t(grey)), {}});
    options_.photos = {folder_.path()};
  }

  /// Off by 1/255 and by 2/255.
  DenoisersTable table() {
    std::vector<std::unique_ptr<DenoisingContender>> contenders;
    contenders.push_back(std::make_unique<Brightening>(1.0f / 255, calls_));
    contenders.push_back(std::make_unique<Brightening>(2.0f / 255, calls_));
    return score_denoisers(contenders, options_);
  }

  TemporaryFolder folder_;
  DenoisersOptions options_;
  int calls_ = 0;
};

TEST_F(Denoisers, AreScoredOnEachColumn) {
  options_.noises = {{NoiseCase::even, 0}, {NoiseCase::even, 25}};
  const DenoisersTable made = table();
  ASSERT_EQ(made.columns.size(), 2u);
  EXPECT_EQ(made.columns[0].noise, "none");
  EXPECT_EQ(made.columns[1].noise, "25");
  EXPECT_EQ(made.columns[0].pictures, 2);
  ASSERT_EQ(made.rows.size(), 2u);
  EXPECT_NEAR(made.rows[0].cells[0].psnr, 20 * std::log10(255.0), 1e-3);
  EXPECT_NEAR(made.rows[1].cells[0].psnr, 20 * std::log10(255.0 / 2), 1e-3);
  EXPECT_NEAR(made.rows[0].cells[1].psnr, 20 * std::log10(255.0 / 25), 0.3);
  const std::string text = to_markdown(made);
  EXPECT_THAT(text, HasSubstr("none (2)"));
  EXPECT_THAT(text, HasSubstr("| 1.0 |"));       // GFLOP a megapixel
  EXPECT_THAT(text, HasSubstr("**48.13** / "));  // the best of the column
}

TEST_F(Denoisers, WhatIsInTheTableIsNotDoneAgain) {
  options_.noises = {{NoiseCase::even, 10}};
  options_.csv = folder_ / "scores.csv";
  const DenoisersTable first = table();
  EXPECT_EQ(calls_, 4);
  const DenoisersTable again = table();
  EXPECT_EQ(calls_, 4);
  EXPECT_NEAR(again.rows[1].cells[0].psnr, first.rows[1].cells[0].psnr, 1e-4);
  EXPECT_EQ(read_results(options_.csv).size(), 4u);
}

TEST_F(Denoisers, TheTrueDeviationIsOfTheNoise) {
  options_.noises = {{NoiseCase::even, 25}};
  auto told = std::make_unique<Brightening>(0, calls_);
  const Brightening& watched = *told;
  std::vector<std::unique_ptr<DenoisingContender>> contenders;
  contenders.push_back(std::move(told));
  score_denoisers(contenders, options_);
  ASSERT_EQ(watched.deviations.size(), 2u);
  for (const double deviation : watched.deviations) EXPECT_NEAR(deviation, 25.0 / 255, 0.005);
}

TEST_F(Denoisers, WhatCannotBeUsedIsNamed) {
  options_.noises = {{NoiseCase::even, 0}};
  write_file(folder_ / "c.png", std::string("no picture"));
  const DenoisersTable made = table();
  EXPECT_EQ(made.columns[0].pictures, 2);
  ASSERT_EQ(made.skipped.size(), 1u);
  EXPECT_THAT(made.skipped[0], HasSubstr("c.png"));
}

}  // namespace
}  // namespace hyperconv
