#include "studies/learning_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr const char* head =
    "step,loss,learning_rate,gradient_norm,patches_per_second,validation_psnr\n";

TEST(LearningCurve, HoldsTheValidatedStepsAndAllLossesBetween) {
  const TemporaryFolder folder;
  write_file(folder / "log.csv", std::string(head) +
                                     "20,0.5,1e-3,1,30,\n30,0.2,1e-3,1,30,18.5\n"
                                     "40,0.1,1e-3,1,30,\n60,0.3,1e-3,1,30,19.25\n80,0.1,1,1,1,\n");
  const LearningCurve curve = read_curve(folder / "log.csv");
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_EQ(curve[0].step, 30);
  EXPECT_DOUBLE_EQ(curve[0].loss, (20 * 0.5 + 10 * 0.2) / 30);
  EXPECT_DOUBLE_EQ(curve[1].loss, (10 * 0.1 + 20 * 0.3) / 30);
  EXPECT_EQ(curve[1].validation_psnr, 19.25);
}

TEST(LearningCurve, SurvivesItsCell) {
  const LearningCurve curve = {{30, 0.40625, 18.5}, {60, 0.25, -3.125}};
  const std::string text = to_text(curve);
  EXPECT_EQ(text, "30:0.40625:18.5000;60:0.25:-3.1250");
  EXPECT_EQ(curve_from_string(text), curve);
  for (const char* wrong : {"", "30", "30:1", "30:1:x", "30:1:2;4", "a:1:2", "30:1:2:3"})
    EXPECT_NE(error_of([&] { curve_from_string(wrong); }), "") << wrong;
}

TEST(LearningCurve, NamesWhatIsNoTableOfATraining) {
  const TemporaryFolder folder;
  const auto error_for = [&](const std::string& text) {
    write_file(folder / "log.csv", text);
    return error_of([&] { read_curve(folder / "log.csv"); });
  };
  EXPECT_THAT(error_for("a,b\n1,2\n"), HasSubstr("log.csv: is no table"));
  EXPECT_THAT(error_for(head + std::string("20,x,1,1,1,2\n")), HasSubstr("line 2"));
  EXPECT_THAT(error_for(head + std::string("20,1,1,1,1,2\n20,1,1,1,1,2\n")), HasSubstr("line 3"));
  EXPECT_THAT(error_for(head + std::string("20,1,1,1,1,\n")), HasSubstr("validated"));
}

}  // namespace
}  // namespace hyperconv
