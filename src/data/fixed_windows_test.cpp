#include "data/fixed_windows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/data_testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

class FixedWindowsTest : public testing::Test {
 protected:
  PairSet made() const {
    put_zrr(folder_.path(), 6);
    return find_pairs(folder_.path());
  }

  TemporaryFolder folder_;
  PairSet set_ = made();
};

TEST_F(FixedWindowsTest, AreTheMiddlesOfTheirPairs) {
  const FixedWindows windows(set_, {.patch = 4, .first = 2, .count = 3});
  ASSERT_EQ(windows.size(), 3u);
  const TensorPair whole = set_.read(3);
  // Of 8x6 samples the middle 4x4 begins at row 0 and column 2: on even places.
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 4; ++x)
        EXPECT_EQ(windows[1].target.at(0, c, y, x), whole.target.at(0, c, y, x + 2));
  EXPECT_EQ(windows[1].input.at(0, 2, 1, 1), whole.input.at(0, 2, 1, 2));
}

TEST_F(FixedWindowsTest, LabelNoiseIsDrawnOnceForEachWindow) {
  const FixedWindowsChoice clean{.patch = 4, .first = 0, .count = 6};
  FixedWindowsChoice noisy = clean;
  noisy.label_noise = 0.5;
  noisy.seed = 7;
  const FixedWindows truth(set_, clean), wrong(set_, noisy), again(set_, noisy);
  double squares = 0;
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(values(wrong[i].target), values(again[i].target));
    EXPECT_EQ(values(wrong[i].input), values(truth[i].input));
    const auto a = values(truth[i].target), b = values(wrong[i].target);
    for (size_t k = 0; k < a.size(); ++k) squares += std::pow(double(a[k] - b[k]), 2);
  }
  // 288 values: the deviation's own relative error is about 1 / sqrt(576).
  EXPECT_NEAR(std::sqrt(squares / 288), 0.5, 0.1);
  noisy.seed = 8;
  EXPECT_NE(values(FixedWindows(set_, noisy)[0].target), values(wrong[0].target));
}

TEST_F(FixedWindowsTest, SaysWhatIsTooMuch) {
  EXPECT_THAT(error_of([&] { FixedWindows(set_, {.patch = 4, .first = 4, .count = 3}); }),
              HasSubstr("6 pairs"));
  EXPECT_THAT(error_of([&] { FixedWindows(set_, {.patch = 16, .first = 0, .count = 1}); }),
              HasSubstr("smaller than a patch"));
  EXPECT_THAT(error_of([&] { FixedWindows(set_, {.patch = 4, .first = 0, .count = 0}); }),
              HasSubstr("0 from"));
}

}  // namespace
}  // namespace hyperconv
