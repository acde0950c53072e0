#include "raw/stabilised.hpp"

#include <algorithm>

namespace hyperconv {
namespace {

// What training draws (raw/random_sensor.hpp), amplified by a white balance.
constexpr double least_shot = 1e-6, most_shot = 0.1;
constexpr double least_read = 1e-9, most_read = 0.02;
constexpr double least_offset = 1e-4, most_offset = 0.25;

}  // namespace

std::array<double, 3> balance_gains(const std::array<double, 3>& white_balance) {
  const double least = std::ranges::min(white_balance);
  return {white_balance[0] / least, white_balance[1] / least, white_balance[2] / least};
}

std::array<float, noise_condition_size> noise_condition(const NoiseProfile& noise,
                                                        const std::array<double, 3>& gains) {
  std::array<float, noise_condition_size> condition{};
  for (size_t c = 0; c < 3; ++c) {
    const double shot = std::clamp(gains[c] * noise.shot, least_shot, most_shot);
    const double read = std::clamp(gains[c] * gains[c] * noise.read, least_read, most_read);
    condition[2 * c] = float((std::log(shot) + 8) / 4);
    condition[2 * c + 1] = float((std::log(read) + 13) / 6);
  }
  return condition;
}

StabilisingCurve::StabilisingCurve(const NoiseProfile& noise) {
  const double shot = std::clamp(noise.shot, least_shot, most_shot);
  const double read = std::clamp(noise.read, least_read, most_read);
  const double t = std::clamp(read / shot + 0.375 * shot, least_offset, most_offset);
  offset_ = float(t);
  root_ = std::sqrt(offset_);
  scale_ = 1 / (std::sqrt(1 + offset_) - root_);
  slope_ = scale_ / (2 * root_);
}

}  // namespace hyperconv
