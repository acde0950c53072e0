// Pictures and recipes that tests of the whole program make.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "base/random.hpp"
#include "image/image.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {

/// A painted scene in 8 bits with Gaussian noise of deviation 12.
inline Image noisy_scene(int width, int height, uint64_t seed) {
  Image scene = to_u8(painted_scene(width, height));
  Random random(seed);
  for (uint8_t& sample : std::get<std::vector<uint8_t>>(scene.samples))
    sample = uint8_t(std::clamp(double(sample) + 12 * random.normal(), 0.0, 255.0));
  return scene;
}

/// r.toml in a folder, with a photo beside it: a narrow network that trains in seconds. `training`:
/// lines of the recipe's last table.
inline void write_tiny_training(const std::filesystem::path& folder, int batch,
                                const std::string& training) {
  std::filesystem::create_directories(folder / "photos");
  write_image(folder / "photos/a.png", painted_scene(128, 96));
  write_file(folder / "r.toml", R"([model]
network = "develop-16"
name = "tiny"
data_licence = "own"
width = 4
hidden = 4
[data]
photos = "photos"
patch = 32
batch = )" + std::to_string(batch) + "\n[training]\n" +
                                    training);
}

}  // namespace hyperconv
