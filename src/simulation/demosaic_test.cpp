#include "simulation/demosaic.hpp"

#include <gtest/gtest.h>

#include "raw/colour.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

constexpr std::array<Cfa, 4> all_phases = {Cfa::rggb, Cfa::bggr, Cfa::grbg, Cfa::gbrg};

// Linear in x and y, a slope for each colour: bilinear interpolation gives it back inside.
float plane(int colour, int y, int x) {
  return 0.1f + 0.1f * float(colour) + 0.01f * float(y) + 0.005f * float(x * (colour - 1));
}

TEST(Bilinear, GivesBackWhatIsLinear) {
  const int height = 8, width = 9;
  Tensor scene({1, 3, height, width});
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) scene.at(0, c, y, x) = plane(c, y, x);
  for (const Cfa cfa : all_phases) {
    SensorSettings settings;
    settings.cfa = cfa;
    settings.bits = 14;
    Random random(1);
    const Mosaic mosaic = expose(scene, standard_camera(), settings, random);
    const Tensor rgb = bilinear_camera_rgb(mosaic);
    for (int c = 0; c < 3; ++c)
      for (int y = 1; y < height - 1; ++y)
        for (int x = 1; x < width - 1; ++x)
          EXPECT_NEAR(rgb.at(0, c, y, x), plane(c, y, x), 1e-4)  // half a step times the balance
              << to_string(cfa) << " " << c << " " << y << " " << x;
  }
}

// Grey that is linear in x and y has no curvature to correct by, and colours do not differ.
TEST(Malvar, GivesBackLinearGreyInTheMiddle) {
  const int height = 8, width = 9;
  Tensor scene({1, 3, height, width});
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) scene.at(0, c, y, x) = plane(1, y, x);
  for (const Cfa cfa : all_phases) {
    Random random(1);
    const Mosaic mosaic = expose(scene, standard_camera(), {.cfa = cfa, .bits = 14}, random);
    const Tensor rgb = malvar_camera_rgb(mosaic);
    for (int c = 0; c < 3; ++c)
      for (int y = 2; y < height - 2; ++y)
        for (int x = 2; x < width - 2; ++x)
          EXPECT_NEAR(rgb.at(0, c, y, x), plane(1, y, x), 3e-4)  // a step and a half times balance
              << to_string(cfa) << " " << c << " " << y << " " << x;
  }
}

// One lit sample of each colour spreads as the filters of the paper's figure 2.
TEST(Malvar, HasThePapersFilters) {
  const int side = 12;
  struct Case {
    int y, x;  // the lit sample, of an RGGB mosaic
    int colour, down, right;
    double weight;
  };
  const Case cases[] = {
      {6, 6, 1, 0, 0, 4.0 / 8},  {6, 6, 1, 0, 2, -1.0 / 8},  // green at red
      {6, 6, 0, 0, 1, 4.0 / 8},  {6, 6, 0, 1, 0, 4.0 / 8},   // red at green, beside and below
      {6, 6, 0, 1, 1, 2.0 / 8},  {6, 6, 2, 0, 0, 6.0 / 8},   // red at blue; blue at red
      {6, 6, 2, 2, 0, -1.5 / 8}, {6, 7, 0, 0, 0, 5.0 / 8},   // red at green itself
      {6, 7, 0, 0, 2, -1.0 / 8}, {6, 7, 0, 2, 0, 0.5 / 8},   // in a red row, red is beside
      {6, 7, 2, 0, 2, 0.5 / 8},  {6, 7, 2, 2, 0, -1.0 / 8},  // and blue above and below
      {6, 7, 1, 0, 1, 2.0 / 8},  {6, 7, 1, 1, 0, 2.0 / 8},   // green at red, at blue
      {6, 7, 0, 1, 1, -1.0 / 8}, {7, 7, 2, 0, 1, 4.0 / 8},
  };
  for (const Case& c : cases) {
    Mosaic mosaic;
    mosaic.width = mosaic.height = side;
    mosaic.cfa = Cfa::rggb;
    mosaic.black.fill(0);
    mosaic.white = 1000;
    mosaic.white_balance = {1, 1, 1};
    mosaic.samples.assign(size_t(side * side), 0);
    mosaic.samples[size_t(c.y * side + c.x)] = 800;
    const Tensor rgb = malvar_camera_rgb(mosaic);
    EXPECT_NEAR(rgb.at(0, c.colour, c.y + c.down, c.x + c.right), 0.8 * c.weight, 1e-6)
        << c.y << " " << c.x << " " << c.colour << " " << c.down << " " << c.right;
  }
}

TEST(Bilinear, TakesBlackByPlaceAndWhiteBalanceByColour) {
  Mosaic mosaic;
  mosaic.width = mosaic.height = 2;
  mosaic.cfa = Cfa::rggb;
  mosaic.black = {10, 20, 30, 40};
  mosaic.white = 110;
  mosaic.samples = {35, 56, 62, 54};  // a quarter, 0.4 twice, a fifth of the way to white
  mosaic.white_balance = {2, 1, 1.5};
  const Tensor rgb = bilinear_camera_rgb(mosaic);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 2; ++x) {
      EXPECT_NEAR(rgb.at(0, 0, y, x), 0.5, 1e-6);
      EXPECT_NEAR(rgb.at(0, 1, y, x), 0.4, 1e-6);
      EXPECT_NEAR(rgb.at(0, 2, y, x), 0.3, 1e-6);
    }
}

TEST(Bilinear, CutsAtWhiteAndNotAtBlack) {
  Mosaic mosaic;
  mosaic.width = mosaic.height = 2;
  mosaic.black.fill(100);
  mosaic.white = 1100;
  mosaic.samples = {1100, 1100, 1100, 0};
  mosaic.white_balance = {2, 1, 1.5};
  const Tensor rgb = bilinear_camera_rgb(mosaic);
  EXPECT_EQ(rgb.at(0, 0, 0, 0), 1);
  EXPECT_NEAR(rgb.at(0, 2, 0, 0), -0.15, 1e-6);
}

}  // namespace
}  // namespace hyperconv
