#include "simulation/linear_shot.hpp"

#include <algorithm>
#include <cassert>

#include "raw/linear_frame.hpp"
#include "simulation/lens.hpp"

namespace hyperconv {
namespace {

/// Light that is the same in all colours, of a sensor that needs no balance.
Tensor brightness(const Tensor& camera_rgb) {
  Tensor grey(camera_rgb.shape());
  const auto plane = size_t(camera_rgb.shape().plane());
  const float* from = camera_rgb.data();
  for (size_t i = 0; i < plane; ++i) {
    const float mean = (from[i] + from[plane + i] + from[2 * plane + i]) / 3;
    for (size_t c = 0; c < 3; ++c) grey.data()[c * plane + i] = mean;
  }
  return grey;
}

SensorSettings without_noise(SensorSettings settings) {
  settings.noise = {};
  settings.row_noise = 0;
  settings.hot_share = settings.dead_share = 0;
  return settings;
}

Tensor without_first(const Tensor& light, const std::array<int, 2>& lost) {
  if (lost == std::array{0, 0}) return light;
  const auto& shape = light.shape();
  Tensor rest({1, shape.c, shape.h - lost[0], shape.w - lost[1]});
  for (int64_t c = 0; c < shape.c; ++c)
    for (int64_t y = 0; y < rest.shape().h; ++y)
      std::copy_n(light.row(0, c, y + lost[0]) + lost[1], rest.shape().w, rest.row(0, c, y));
  return rest;
}

/// Of the samples that a sensor has in a cell of Bayer's.
double mean_square(const Tensor& residue) {
  double sum = 0;
  const auto& shape = residue.shape();
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t x = 0; x < shape.w; ++x) {
      const double value = residue.row(0, cfa_colour(Cfa::rggb, y, x), y)[x];
      sum += value * value;
    }
  return sum;
}

class Shooter {
 public:
  Shooter(const Tensor& scene, const SimulatedCamera& camera, const LinearShot& shot,
          NormalNumbers numbers, Random& random)
      : scene_(scene), camera_(camera), shot_(shot), numbers_(numbers), random_(random) {}

  Tensor light(const SensorSettings& settings) {
    const int height = int(scene_.shape().h), width = int(scene_.shape().w);
    const auto draw = [&] { return draw_noise(settings, height, width, numbers_, random_); };
    if (shot_.demosaicking != Demosaicking::none)
      return demosaicked(expose(scene_, camera_, settings, draw()), shot_.demosaicking);
    std::array<SensorNoise, 3> noise;
    noise[0] = draw();
    for (const size_t c : {1, 2}) noise[c] = shot_.is_monochrome ? noise[0] : draw();
    return expose_colours(scene_, camera_, settings, noise);
  }

 private:
  const Tensor& scene_;
  const SimulatedCamera& camera_;
  const LinearShot& shot_;
  NormalNumbers numbers_;
  Random& random_;
};

SimulatedCamera camera_of(const SimulatedCamera& camera, const LinearShot& shot) {
  return shot.is_monochrome ? SimulatedCamera{camera.xyz_to_camera, {1, 1, 1}} : camera;
}

}  // namespace

const std::vector<NamedLinearShot>& named_linear_shots() {
  static const std::vector<NamedLinearShot> all = {
      {"measured", {}},
      {"bilinear", {.demosaicking = Demosaicking::bilinear}},
      {"malvar", {.demosaicking = Demosaicking::malvar}},
      {"ahd", {.demosaicking = Demosaicking::ahd}},
      {"dht", {.demosaicking = Demosaicking::dht}},
      {"denoised", {.demosaicking = Demosaicking::malvar, .blur = 0.5, .kept = 0.6}},
      {"monochrome", {.is_monochrome = true}},
  };
  return all;
}

LinearTake take_linear(const Tensor& camera_rgb, const SimulatedCamera& camera,
                       const SensorSettings& settings, const LinearShot& shot,
                       NormalNumbers numbers, Random& random) {
  const SimulatedCamera seen_by = camera_of(camera, shot);
  const Tensor scene = shot.is_monochrome ? brightness(camera_rgb) : camera_rgb;
  Shooter shooter(scene, seen_by, shot, numbers, random);
  LinearTake take;
  take.light = shooter.light(settings);
  take.clean = clean_camera_rgb(scene, seen_by, settings);
  if (shot.blur > 0 || shot.kept < 1) {
    const Tensor quiet = shooter.light(without_noise(settings));
    Tensor residue = take.light;
    for (size_t i = 0; i < residue.size(); ++i) residue.data()[i] -= quiet.data()[i];
    const double before = mean_square(residue);
    see_through({.blur = {shot.blur, shot.blur, shot.blur}}, residue);
    for (size_t i = 0; i < residue.size(); ++i) residue.data()[i] *= float(shot.kept);
    if (before > 0) take.noise_left = mean_square(residue) / before;
    for (size_t i = 0; i < residue.size(); ++i)
      take.light.data()[i] = quiet.data()[i] + residue.data()[i];
  }
  if (shot.cuts_at_black)
    for (size_t i = 0; i < take.light.size(); ++i)
      take.light.data()[i] = std::max(take.light.data()[i], 0.f);
  take.light = without_first(take.light, shot.lost);
  take.clean = without_first(take.clean, shot.lost);
  return take;
}

LinearFrame linear_frame(const LinearTake& take, const SimulatedCamera& camera,
                         const SensorSettings& settings, const LinearShot& shot) {
  LinearFrame frame;
  Mosaic& facts = frame.facts;
  facts.width = int(take.light.shape().w);
  facts.height = int(take.light.shape().h);
  facts.white_balance = camera_of(camera, shot).white_balance;
  facts.noise = {settings.noise.shot * take.noise_left, settings.noise.read * take.noise_left};
  facts.shot.make = "hyperconv";
  facts.shot.model = "simulated camera";
  if (!shot.is_monochrome) {
    facts.xyz_to_camera = camera.xyz_to_camera;
    frame.light = take.light;
    // As it would be found in a file.
    frame.demosaicked_from = demosaicked_from(frame.light);
    return frame;
  }
  frame.light = Tensor({1, 1, facts.height, facts.width});
  std::copy_n(take.light.data(), frame.light.size(), frame.light.data());
  return frame;
}

LinearShot draw_linear_shot(const LinearRange& range, Random& random) {
  LinearShot shot;
  const double kind = random.uniform();
  const bool by_libraw = random.uniform() < range.libraw_share, first = random.uniform() < 0.5;
  if (kind < range.monochrome_share)
    shot.is_monochrome = true;
  else if (kind >= range.monochrome_share + range.measured_share)
    shot.demosaicking = by_libraw ? (first ? Demosaicking::ahd : Demosaicking::dht)
                                  : (first ? Demosaicking::bilinear : Demosaicking::malvar);
  if (random.uniform() < range.denoised_share) {
    shot.kept = random.uniform(range.least_kept, 1);
    shot.blur = random.uniform(0, range.most_blur);
  }
  if (shot.demosaicking != Demosaicking::none && random.uniform() < range.lost_share) {
    const auto place = int(random.below(3)) + 1;
    shot.lost = {place / 2, place % 2};
  }
  shot.cuts_at_black = random.uniform() < range.cut_share;
  return shot;
}

}  // namespace hyperconv
