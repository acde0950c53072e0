#include "raw/white_balance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/fail.hpp"
#include "base/overloaded.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

constexpr double least_gain = 0.25, greatest_gain = 8;
constexpr int block = 8;

/// Light of each colour above black.
struct Sums {
  std::array<double, 3> light{}, count{};

  void add(const Sums& other) {
    for (size_t c = 0; c < 3; ++c) {
      light[c] += other.light[c];
      count[c] += other.count[c];
    }
  }
};

struct Part {
  int top = 0, left = 0, bottom = 0, right = 0;
};

/// Of the samples below a level, and whether there are others.
Sums sums_of(const Mosaic& mosaic, const Part& part, double level, bool& saturated) {
  Sums sums;
  for (int y = part.top; y < part.bottom; ++y)
    for (int x = part.left; x < part.right; ++x) {
      const double sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      if (sample >= level) {
        saturated = true;
        continue;
      }
      const auto colour = size_t(cfa_colour(mosaic.cfa, y, x));
      sums.light[colour] += sample - mosaic.black[size_t(2 * (y % 2) + x % 2)];
      sums.count[colour] += 1;
    }
  return sums;
}

/// Where this frame is saturated. LibRaw's automatic balance looks at white alone.
double saturation_of(const Mosaic& mosaic) {
  return std::min(mosaic.white, mosaic.saturated_at.value_or(mosaic.white));
}

/// Of the block from [y, x] on; nothing where a sample is saturated.
std::optional<Sums> sums_of_block(const Mosaic& mosaic, int y, int x, double level) {
  bool saturated = false;
  const Sums sums =
      sums_of(mosaic, {y, x, std::min(y + block, mosaic.height), std::min(x + block, mosaic.width)},
              level, saturated);
  return saturated ? std::nullopt : std::optional(sums);
}

Sums sums_of_unsaturated_blocks(const Mosaic& mosaic) {
  Sums sums;
  for (int y = 0; y < mosaic.height; y += block)
    for (int x = 0; x < mosaic.width; x += block)
      if (const auto part = sums_of_block(mosaic, y, x, mosaic.white)) sums.add(*part);
  return sums;
}

constexpr std::string_view no_balance = "no white balance; ";

/// CIE 1960 uv of a black body, to 1e-4 from 1000 to 15000 K: Krystek 1985, "An algorithm to
/// calculate correlated colour temperature", Color Research and Application 10(1).
std::array<double, 2> planckian_uv(double t) {
  return {(0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) /
              (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t),
          (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) /
              (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)};
}

/// From a place in the upright picture to that in the samples as they are stored.
std::array<int, 2> stored_place(const Mosaic& mosaic, const GreyPlace& place) {
  // Pixels that are not square have been made so: the picture is wider, or higher.
  const double aspect = mosaic.pixel_aspect;
  const double across = std::max(aspect, 1.0), down = std::max(1 / aspect, 1.0);
  const bool on_its_side = mosaic.orientation >= 5;
  const double wide = std::round(mosaic.width * across), high = std::round(mosaic.height * down);
  const double picture_width = on_its_side ? high : wide,
               picture_height = on_its_side ? wide : high;
  if (place.x >= picture_width || place.y >= picture_height)
    fail("has no grey place at {},{}: the picture has {:.0f}x{:.0f} pixels", place.x, place.y,
         picture_width, picture_height);
  double x = on_its_side ? place.y : place.x, y = on_its_side ? place.x : place.y;
  // EXIF: 1 as it is, 2 mirrored, 3 turned by 180 degrees, 4 upside down; 5 to 8 the same on its
  // side, where 6 and 8 are turned to the right and to the left.
  const int o = mosaic.orientation;
  if (o == 2 || o == 3 || o == 7 || o == 8) x = wide - 1 - x;
  if (o == 3 || o == 4 || o == 6 || o == 7) y = high - 1 - y;
  return {std::min(int(x / across), mosaic.width - 1), std::min(int(y / down), mosaic.height - 1)};
}

std::array<double, 3> balance_of_place(const Mosaic& mosaic, const GreyPlace& place) {
  const auto [x, y] = stored_place(mosaic, place);
  constexpr int half = 8;
  bool saturated = false;
  const Sums sums = sums_of(mosaic,
                            {std::max(y - half, 0), std::max(x - half, 0),
                             std::min(y + half, mosaic.height), std::min(x + half, mosaic.width)},
                            saturation_of(mosaic), saturated);
  if (saturated || std::ranges::min(sums.light) <= 0)
    fail("is {} at {},{}; name a grey place that is neither",
         saturated ? "saturated" : "black in a colour", place.x, place.y);
  const auto mean = [&](size_t c) { return sums.light[c] / sums.count[c]; };
  return {mean(1) / mean(0), 1, mean(1) / mean(2)};
}

std::array<double, 3> balance_of_light(const Mosaic& mosaic, const LightColour& light) {
  if (!mosaic.xyz_to_camera)
    fail(
        "has no colour matrix, by which a colour temperature means something; take auto or "
        "grey:X,Y");
  const auto balance = balance_of_white(chromaticity(light), *mosaic.xyz_to_camera);
  if (!balance)
    fail("has a colour matrix that does not see light of {:g} K and tint {:g}", light.kelvin,
         light.tint);
  return *balance;
}

}  // namespace

std::array<double, 3> grey_world(const Mosaic& mosaic) {
  Sums sums = sums_of_unsaturated_blocks(mosaic);
  bool ignored = false;
  if (sums.count[0] == 0 || sums.count[1] == 0 || sums.count[2] == 0)
    sums = sums_of(mosaic, {0, 0, mosaic.height, mosaic.width}, mosaic.white, ignored);
  std::array<double, 3> gain = {1, 1, 1};
  const auto mean = [&](size_t c) { return sums.light[c] / sums.count[c]; };
  for (const size_t c : {0, 2})
    if (sums.light[c] > 0 && sums.light[1] > 0)
      gain[c] = std::clamp(mean(1) / mean(c), least_gain, greatest_gain);
  return gain;
}

void take_grey_world(Mosaic& mosaic) {
  mosaic.white_balance = grey_world(mosaic);
  warn_of_grey_world(mosaic);
}

void warn_of_grey_world(Mosaic& mosaic) {
  mosaic.warnings.push_back(fmt::format("{}grey-world is taken, red {:.3f} and blue {:.3f}",
                                        no_balance, mosaic.white_balance[0],
                                        mosaic.white_balance[2]));
}

std::array<double, 3> grey_edge(const Mosaic& mosaic) {
  constexpr double norm = 6;  // Minkowski's, as the authors have it: strong edges count most
  const double level = saturation_of(mosaic);
  std::array<double, 3> edges{};
  const auto add = [&edges](const std::optional<Sums>& a, const std::optional<Sums>& b) {
    if (!a || !b || std::ranges::min(a->count) == 0 || std::ranges::min(b->count) == 0) return;
    for (size_t c = 0; c < 3; ++c)
      edges[c] += std::pow(std::abs(a->light[c] / a->count[c] - b->light[c] / b->count[c]), norm);
  };
  std::vector<std::optional<Sums>> above;
  for (int y = 0; y < mosaic.height; y += block) {
    std::vector<std::optional<Sums>> row;
    for (int x = 0; x < mosaic.width; x += block) {
      row.push_back(sums_of_block(mosaic, y, x, level));
      if (row.size() > 1) add(row.back(), row[row.size() - 2]);
      if (!above.empty()) add(row.back(), above[row.size() - 1]);
    }
    above = std::move(row);
  }
  if (std::ranges::min(edges) <= 0) return grey_world(mosaic);
  std::array<double, 3> gain = {1, 1, 1};
  for (const size_t c : {0, 2})
    gain[c] = std::clamp(std::pow(edges[1] / edges[c], 1 / norm), least_gain, greatest_gain);
  return gain;
}

std::array<double, 2> chromaticity(const LightColour& light) {
  // Along the locus' normal, that is its derivative turned by a right angle, towards green.
  constexpr double step = 1, tint_to_duv = 1.0 / 3000;
  const auto at = planckian_uv(light.kelvin), cooler = planckian_uv(light.kelvin - step);
  const double du = cooler[0] - at[0], dv = cooler[1] - at[1], length = std::hypot(du, dv);
  const double u = at[0] - dv / length * light.tint * tint_to_duv;
  const double v = at[1] + du / length * light.tint * tint_to_duv;
  const double divisor = 2 * u - 8 * v + 4;  // CIE 1960 to CIE 1931
  return {3 * u / divisor, 2 * v / divisor};
}

std::optional<std::array<double, 3>> balance_of_white(const std::array<double, 2>& xy,
                                                      const Matrix3& xyz_to_camera) {
  const auto [x, y] = xy;
  if (!(x > 0) || !(y > 0)) return std::nullopt;
  const auto seen = transform(xyz_to_camera, {x / y, 1, (1 - x - y) / y});
  const auto multiplier = [&](size_t c) { return double(float(1 / seen[c])); };  // as LibRaw's are
  std::array<double, 3> gains{};
  for (size_t c = 0; c < 3; ++c) {
    gains[c] = multiplier(c) / multiplier(1);
    if (!(seen[c] > 0) || !(gains[c] > 1e-3) || !(gains[c] < 1e3)) return std::nullopt;
  }
  return gains;
}

bool can_be_wanted(const WantedBalance& wanted) {
  return std::visit(Overloaded{[](AsShot) { return true; }, [](Automatic) { return true; },
                               [](const LightColour& light) {
                                 return light.kelvin >= 2000 && light.kelvin <= 15000 &&
                                        light.tint >= -150 && light.tint <= 150;
                               },
                               [](const GreyPlace& place) { return place.x >= 0 && place.y >= 0; }},
                    wanted);
}

void balance_as_wanted(Mosaic& mosaic, const WantedBalance& wanted) {
  if (std::holds_alternative<AsShot>(wanted)) return;
  mosaic.white_balance = std::visit(
      Overloaded{[&](AsShot) { return mosaic.white_balance; },
                 [&](Automatic) { return grey_edge(mosaic); },
                 [&](const LightColour& light) { return balance_of_light(mosaic, light); },
                 [&](const GreyPlace& place) { return balance_of_place(mosaic, place); }},
      wanted);
  // What the file says none of is known now.
  std::erase_if(mosaic.warnings,
                [](const std::string& warning) { return warning.starts_with(no_balance); });
}

void balance_as_wanted(LinearFrame& frame, const WantedBalance& wanted) {
  if (std::holds_alternative<AsShot>(wanted)) return;
  const auto before = balance_gains(frame.facts.white_balance);
  Mosaic mosaic = mosaic_behind(frame);
  balance_as_wanted(mosaic, wanted);
  frame.facts.white_balance = mosaic.white_balance;
  frame.facts.warnings = mosaic.warnings;
  const auto after = balance_gains(mosaic.white_balance);
  const auto plane = size_t(frame.light.shape().plane());
  for (size_t c = 0; c < 3; ++c) {
    const auto factor = float(after[c] / before[c]);
    float* values = frame.light.data() + c * plane;
    for (size_t i = 0; i < plane; ++i) values[i] *= factor;
  }
}

}  // namespace hyperconv
