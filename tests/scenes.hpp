// Pictures that tests of the whole program make.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/random.hpp"
#include "hyperconv/image.hpp"
#include "raw/scene.hpp"

namespace hyperconv {

/// A painted scene in 8 bits with Gaussian noise of deviation 12.
inline Image noisy_scene(int width, int height, uint64_t seed) {
  Image scene = to_u8(painted_scene(width, height));
  Random random(seed);
  for (uint8_t& sample : std::get<std::vector<uint8_t>>(scene.samples))
    sample = uint8_t(std::clamp(double(sample) + 12 * random.normal(), 0.0, 255.0));
  return scene;
}

}  // namespace hyperconv
