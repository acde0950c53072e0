#include "data/phone.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/data_testing.hpp"
#include "raw/colour.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

/// Without noise, in the middle of the frame.
PhoneShot still() {
  PhoneShot shot;
  shot.iso = 0;
  return shot;
}

Image take(const Image& photo, int top, int left, int side, const PhoneShot& shot,
           const Phone& phone = kind_phone()) {
  Random random(1);
  return phone_mosaic(phone, photo, top, left, side, shot, random);
}

std::vector<double> samples(const Image& mosaic) {
  return std::visit([](const auto& s) { return std::vector<double>(s.begin(), s.end()); },
                    mosaic.samples);
}

Image grey(int side, uint8_t level) {
  return {side, side, 3, std::vector<uint8_t>(size_t(3 * side * side), level), {}};
}

double largest_difference(const Image& a, const Image& b) {
  const auto x = samples(a), y = samples(b);
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

TEST(Phone, GreyIsExposedWithoutWhiteBalance) {
  PhoneShot shot = still();
  shot.exposure = 0.5;
  shot.red = 2.5;
  shot.blue = 1.6;
  shot.black = 63;
  // 128 of 255: smoothstep gives it for 0.50131; as light half of that is left.
  const double light = decode_srgb(0.50131) * 0.5;
  const auto s = samples(take(grey(40, 128), 4, 4, 32, shot));
  const auto level = [&](double gain) { return 63 + 960 * light / gain; };
  EXPECT_NEAR(s[0], level(2.5), 1);
  EXPECT_NEAR(s[1], level(1), 1);
  EXPECT_NEAR(s[32], level(1), 1);
  EXPECT_NEAR(s[33], level(1.6), 1);
}

TEST(Phone, CornersGetHalfTheLight) {
  PhoneShot shot = still();
  shot.exposure = 0.9;
  const auto middle = samples(take(grey(40, 200), 4, 4, 32, shot));
  shot.frame_x = 3968 / 2;
  shot.frame_y = -2976 / 2;
  const auto corner = samples(take(grey(40, 200), 4, 4, 32, shot));
  EXPECT_NEAR((corner[1] - 64) / (middle[1] - 64), 0.5, 0.02);
}

TEST(Phone, DarkShotsAreStoredInEightBitsOfTheSameUnits) {
  PhoneShot shot = still();
  shot.exposure = 0.25;
  const Image dark = take(grey(40, 100), 4, 4, 32, shot);
  EXPECT_TRUE(std::holds_alternative<std::vector<uint8_t>>(dark.samples));
  shot.exposure = 1;
  const Image bright = take(grey(40, 200), 4, 4, 32, shot);
  EXPECT_TRUE(std::holds_alternative<std::vector<uint16_t>>(bright.samples));
  EXPECT_NEAR(samples(dark)[1],
              64 + 959 * 0.25 * decode_srgb(0.5 - std::sin(std::asin(1 - 200 / 255.) / 3)), 1);
}

TEST(Phone, AShiftShowsAnotherPlaceOfThePhoto) {
  const Image photo = to_u8(painted_scene(160, 120));
  PhoneShot shot = still();
  const Image there = take(photo, 40, 53, 64, shot);
  shot.misalignment.shift_x = 3;
  shot.misalignment.shift_y = -2;
  const Image moved = take(photo, 42, 50, 64, shot);
  EXPECT_LE(largest_difference(there, moved), 1);
  EXPECT_GT(largest_difference(take(photo, 42, 50, 64, still()), moved), 50);
}

TEST(Phone, AQuarterTurnTurns) {
  // A quarter turn swaps the greens' places, so greens are compared where both are green.
  const Image photo = to_u8(painted_scene(160, 120));
  PhoneShot shot = still();
  const auto upright = samples(take(photo, 20, 30, 64, shot));
  shot.misalignment.turn = std::acos(0.0);
  const auto turned = samples(take(photo, 20, 30, 64, shot));
  // p = (x, y) from the middle shows R(90) p = (-y, x).
  double largest = 0;
  for (int y = 0; y < 64; ++y)
    for (int x = (y + 1) % 2; x < 64; x += 2) {
      const int row = x, column = 63 - y;
      if ((row + column) % 2 == 0) continue;
      largest = std::max(largest,
                         std::abs(turned[size_t(y * 64 + x)] - upright[size_t(row * 64 + column)]));
    }
  EXPECT_LE(largest, 1);
}

TEST(Phone, BeyondThePhotoItIsMirrored) {
  const Image photo = to_u8(painted_scene(96, 64));
  const Image mosaic = take(photo, -8, -10, 80, still());
  const auto s = samples(mosaic);
  // Columns mirror around the photo's first, 10; an even distance keeps the colour.
  for (int y = 0; y < 80; ++y)
    for (int d = 0; d <= 10; ++d)
      EXPECT_NEAR(s[size_t(y * 80 + 10 - d)], s[size_t(y * 80 + 10 + d)], 6) << y << " " << d;
}

TEST(Phone, NoiseGrowsWithIso) {
  PhoneShot shot = still();
  const Image clean = take(grey(72, 128), 4, 4, 64, shot);
  const auto variance = [&](int iso) {
    shot.iso = iso;
    const auto noisy = samples(take(grey(72, 128), 4, 4, 64, shot)), base = samples(clean);
    double sum = 0;
    for (size_t i = 0; i < noisy.size(); ++i) sum += (noisy[i] - base[i]) * (noisy[i] - base[i]);
    return sum / double(noisy.size());
  };
  EXPECT_NEAR(variance(1600) / variance(400), 4, 0.8);
}

TEST(Phone, CornersOfAFaultyOneHaveAColour) {
  Phone phone;
  phone.vignetting = faulty_phone().vignetting;
  PhoneShot shot = still();
  shot.exposure = 0.9;
  const auto middle = samples(take(grey(40, 200), 4, 4, 32, shot, phone));
  shot.frame_x = 3968 / 2;
  shot.frame_y = 2976 / 2;
  const auto corner = samples(take(grey(40, 200), 4, 4, 32, shot, phone));
  const auto share = [&](size_t i) { return (corner[i] - 64) / (middle[i] - 64); };
  EXPECT_NEAR(share(0), 1 / (1.5 * 1.5), 0.02);
  EXPECT_NEAR(share(1), 0.5, 0.02);
  EXPECT_NEAR(share(33), 1 / (1.35 * 1.35), 0.02);
}

TEST(Phone, FaultsAreWhereTheyBelong) {
  PhoneShot shot = still();
  shot.exposure = 0.5;
  const auto kind = samples(take(grey(264, 128), 4, 4, 256, shot));
  Phone phone;
  phone.black_error = 3;
  phone.green_imbalance = 0.2;
  const auto off = samples(take(grey(264, 128), 4, 4, 256, shot, phone));
  EXPECT_NEAR(off[0] - kind[0], 3, 1);  // red at the upper left
  EXPECT_NEAR((off[1] - 67) / (kind[1] - 64), 1.1, 0.02);
  EXPECT_NEAR((off[256] - 67) / (kind[256] - 64), 0.9, 0.02);
  phone = {};
  phone.hot_share = 0.01;
  phone.dead_share = 0.002;
  const auto defects = samples(take(grey(264, 40), 4, 4, 256, shot, phone));
  const auto dark = samples(take(grey(264, 40), 4, 4, 256, shot));
  int hot = 0, dead = 0;
  for (size_t i = 0; i < dark.size(); ++i) {
    hot += defects[i] > dark[i];
    dead += defects[i] < dark[i];
    if (defects[i] < dark[i]) {
      EXPECT_EQ(defects[i], 64);
    }
  }
  EXPECT_NEAR(hot, 655, 20);  // some twice at one place
  EXPECT_NEAR(dead, 131, 10);
}

TEST(Phone, RowNoiseIsOfWholeRows) {
  PhoneShot shot = still();
  shot.exposure = 0.5;
  shot.iso = 1600;
  Phone phone;
  const auto variance_of_rows = [&] {
    const auto s = samples(take(grey(264, 30), 4, 4, 256, shot, phone));
    double sum = 0, squares = 0;
    for (size_t y = 0; y < 256; y += 2) {
      double row = 0;
      for (size_t x = 0; x < 256; x += 2) row += s[y * 256 + x] / 128;
      sum += row / 128;
      squares += row * row / 128;
    }
    return squares - sum * sum;
  };
  const double without = variance_of_rows();
  phone.row_noise = 2;
  const double deviation = 2 * 959 * std::sqrt(typical_read_noise(0.012 * 1600 / 6400));
  EXPECT_NEAR(variance_of_rows() - without, deviation * deviation, 0.4 * deviation * deviation);
}

TEST(Phone, AFaultyOnesNoiseIsOnThePhonesMedianLine) {
  PhoneShot shot = still();
  Phone phone;
  phone.noise = Phone::Noise::median_line;
  shot.exposure = 0.5;
  const auto clean = samples(take(grey(264, 128), 4, 4, 256, shot, phone));
  shot.iso = 1600;
  const auto noisy = samples(take(grey(264, 128), 4, 4, 256, shot, phone));
  double sum = 0;
  int count = 0;
  for (size_t y = 0; y < 256; y += 2)
    for (size_t x = 1; x < 256; x += 2, ++count) {
      const double difference = noisy[y * 256 + x] - clean[y * 256 + x];
      sum += difference * difference;
    }
  const NoiseProfile noise = noise_at_iso(1600, SensorKind::phone);
  const double light = decode_srgb(0.50131) * 0.5;
  EXPECT_NEAR(sum / count / (959. * 959), noise.shot * light + noise.read,
              0.05 * noise.shot * light);
  Random random(1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(random_shot(faulty_phone(), 448, 2, random).black, 63);
}

TEST(Phone, MisalignmentMovesNoPointFurtherThanAsked) {
  Random random(5);
  double largest = 0, largest_turn = 0;
  for (int i = 0; i < 3000; ++i) {
    const Misalignment m = random_shot(kind_phone(), 448, 6, random).misalignment;
    for (const double x : {-224., 224.})
      for (const double y : {-224., 224.}) {
        const double u = m.zoom * (std::cos(m.turn) * x - std::sin(m.turn) * y) + m.shift_x;
        const double v = m.zoom * (std::sin(m.turn) * x + std::cos(m.turn) * y) + m.shift_y;
        largest = std::max(largest, std::hypot(u - x, v - y));
      }
    largest_turn = std::max(largest_turn, std::abs(m.turn));
  }
  EXPECT_LE(largest, 6.01);
  EXPECT_GT(largest, 4.5);
  EXPECT_GT(largest_turn, 0.004);
  EXPECT_EQ(random_shot(kind_phone(), 448, 0, random).misalignment, Misalignment{});
}

}  // namespace
}  // namespace hyperconv
