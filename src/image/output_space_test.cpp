#include "image/output_space.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lcms2.h>

#include <memory>

namespace hyperconv {
namespace {

constexpr std::array spaces = {OutputSpace::srgb, OutputSpace::display_p3, OutputSpace::adobe_rgb,
                               OutputSpace::prophoto, OutputSpace::rec2020};

TEST(OutputSpace, CurvesAreThoseOfTheStandards) {
  const auto encoded = [](OutputSpace space, double light) {
    return encode(colours_of(space).curve, light);
  };
  for (const OutputSpace space : spaces) {
    EXPECT_NEAR(encoded(space, 0), 0, 1e-12) << to_string(space);
    EXPECT_NEAR(encoded(space, 1), 1, 1e-12) << to_string(space);
  }
  // IEC 61966-2-1; Adobe RGB (1998): 563/256; ISO 22028-2: 1.8 and 16 x; BT.2020: 0.45 and 4.5 x.
  EXPECT_NEAR(encoded(OutputSpace::display_p3, 0.18), 0.4614, 1e-4);
  EXPECT_NEAR(encoded(OutputSpace::adobe_rgb, 0.18), std::pow(0.18, 256.0 / 563), 1e-12);
  EXPECT_NEAR(encoded(OutputSpace::prophoto, 0.18), std::pow(0.18, 1 / 1.8), 1e-12);
  EXPECT_NEAR(encoded(OutputSpace::prophoto, 0.001), 0.016, 1e-12);
  EXPECT_NEAR(encoded(OutputSpace::rec2020, 0.01), 0.045, 1e-12);
  EXPECT_NEAR(encoded(OutputSpace::rec2020, 0.18), 1.0993 * std::pow(0.18, 0.45) - 0.0993, 1e-5);
}

TEST(OutputSpace, ProfilesSayTheSameToOtherPrograms) {
  EXPECT_THAT(profile_of(OutputSpace::srgb, 3), testing::IsEmpty());
  for (const OutputSpace space : spaces) {
    if (space == OutputSpace::srgb) continue;
    const auto bytes = profile_of(space, 3);
    ASSERT_TRUE(profile_fits(bytes, 3)) << to_string(space);
    const std::unique_ptr<void, decltype(&cmsCloseProfile)> profile(
        cmsOpenProfileFromMem(bytes.data(), cmsUInt32Number(bytes.size())), &cmsCloseProfile);
    const auto* curve =
        static_cast<const cmsToneCurve*>(cmsReadTag(profile.get(), cmsSigRedTRCTag));
    ASSERT_NE(curve, nullptr) << to_string(space);
    for (const double light : {0.001, 0.02, 0.2, 0.7})
      EXPECT_NEAR(cmsEvalToneCurveFloat(curve, float(encode(colours_of(space).curve, light))),
                  light, 1e-4)
          << to_string(space);
  }
}

}  // namespace
}  // namespace hyperconv
