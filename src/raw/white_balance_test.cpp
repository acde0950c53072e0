#include "raw/white_balance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hyperconv/error.hpp"
#include "raw/colour.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(WhiteBalance, ColourTemperaturesAreOnThePlanckianLocus) {
  // CIE 15:2004: illuminant A is a black body of 2856 K.
  EXPECT_THAT(chromaticity({2856, 0}),
              ElementsAre(DoubleNear(0.4476, 5e-4), DoubleNear(0.4074, 5e-4)));
  // D65 is 6504 K and 0.0032 above the locus, towards green.
  EXPECT_THAT(chromaticity({6504, 0.0032 * 3000}),
              ElementsAre(DoubleNear(0.3127, 5e-4), DoubleNear(0.3290, 5e-4)));
}

TEST(WhiteBalance, DaylightIsGreyByTheCamerasMatrix) {
  const SimulatedCamera camera = standard_camera();
  const auto expected = daylight_white_balance(camera.xyz_to_camera);
  const auto balance = balance_of_white({0.3127, 0.3290}, camera.xyz_to_camera).value();
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(balance[c], expected[c], 2e-3);
  // Cooler light is redder: blue is amplified.
  const auto lamp = balance_of_white(chromaticity({2856, 0}), camera.xyz_to_camera).value();
  EXPECT_LT(lamp[0], balance[0]);
  EXPECT_GT(lamp[2], balance[2]);
  // Greenish light: red and blue are.
  const auto greenish = balance_of_white(chromaticity({6504, 60}), camera.xyz_to_camera).value();
  EXPECT_GT(greenish[0], balance[0]);
  EXPECT_GT(greenish[2], balance[2]);
  EXPECT_FALSE(balance_of_white({0, 0.3}, camera.xyz_to_camera));
}

/// Checks of grey on the left, whose light has the gains (2, 1, 1.5), and an even green surface as
/// large again on the right.
Mosaic checks_beside_a_lawn() {
  Mosaic mosaic;
  mosaic.width = 128;
  mosaic.height = 64;
  mosaic.cfa = Cfa::grbg;
  mosaic.black.fill(100);
  mosaic.white = 4095;
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x) {
      const bool is_lawn = x >= 64;
      const double grey = (x / 8 + y / 8) % 2 == 0 ? 2400 : 600;
      const std::array<double, 3> checks = {grey / 2, grey, grey / 1.5}, lawn = {300, 1500, 200};
      const auto colour = size_t(cfa_colour(mosaic.cfa, y, x));
      mosaic.samples.push_back(uint16_t(100 + (is_lawn ? lawn : checks)[colour]));
    }
  return mosaic;
}

TEST(WhiteBalance, GreyEdgesAreNotLedAstrayByALawn) {
  const Mosaic mosaic = checks_beside_a_lawn();
  EXPECT_THAT(grey_edge(mosaic), ElementsAre(DoubleNear(2, 0.15), 1, DoubleNear(1.5, 0.15)));
  EXPECT_GT(grey_world(mosaic)[2], 1.9);
}

TEST(WhiteBalance, WithoutEdgesItIsTheMean) {
  Mosaic mosaic = checks_beside_a_lawn();
  mosaic.samples.assign(mosaic.samples.size(), 1000);
  EXPECT_EQ(grey_edge(mosaic), grey_world(mosaic));
}

TEST(WhiteBalance, OfAGreyPlaceWhateverTheOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Mosaic mosaic = checks_beside_a_lawn();
    mosaic.orientation = orientation;
    // Where the middle of the lawn, at (96, 20), lies in the upright picture.
    constexpr std::array<GreyPlace, 9> places = {
        {{}, {96, 20}, {31, 20}, {31, 43}, {96, 43}, {20, 96}, {43, 96}, {43, 31}, {20, 31}}};
    balance_as_wanted(mosaic, places[size_t(orientation)]);
    EXPECT_THAT(mosaic.white_balance, ElementsAre(DoubleNear(5, 1e-9), 1, DoubleNear(7.5, 1e-9)))
        << orientation;
  }
}

TEST(WhiteBalance, WhatTellsNoBalanceIsRefused) {
  Mosaic mosaic = checks_beside_a_lawn();
  EXPECT_THROW(balance_as_wanted(mosaic, GreyPlace{128, 0}), Error);
  EXPECT_THROW(balance_as_wanted(mosaic, LightColour{5000, 0}), Error);  // no matrix
  mosaic.samples[0] = 4095;
  EXPECT_THROW(balance_as_wanted(mosaic, GreyPlace{0, 0}), Error);
  mosaic.samples.assign(mosaic.samples.size(), 100);
  EXPECT_THROW(balance_as_wanted(mosaic, GreyPlace{64, 32}), Error);
}

TEST(WhiteBalance, TheWarningOfNoneGoesWhereOneIsWanted) {
  Mosaic mosaic = checks_beside_a_lawn();
  take_grey_world(mosaic);
  balance_as_wanted(mosaic, AsShot{});
  EXPECT_EQ(mosaic.warnings.size(), 1u);
  balance_as_wanted(mosaic, Automatic{});
  EXPECT_EQ(mosaic.warnings.size(), 0u);
}

}  // namespace
}  // namespace hyperconv
