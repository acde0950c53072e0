// Pictures with noise beside the same without: pairs of a data set, or photos that get some.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "scoring/named_pairs.hpp"
#include "scoring/synthetic_noise.hpp"

namespace hyperconv {

struct PictureSet {
  std::string name;   ///< the folder's last two names
  std::string noise;  ///< "real", "none", "25", "camera"
  int64_t size = 0;
  /// The pictures of place i: one, or its crops. Throws Error that names what cannot be read.
  std::function<std::vector<NamedPair>(int64_t)> read;
};

/// The test half of a folder of pairs of photos, whole, or with `crop` > 0 in squares of that side.
/// Throws Error when it holds none, or mosaics.
PictureSet set_of_pairs(const std::filesystem::path& folder, int crop);

/// The clean photos of a folder, each with noise that follows from seed and place.
PictureSet set_of_photos(const std::filesystem::path& folder, const SyntheticNoise& noise,
                         uint64_t seed);

}  // namespace hyperconv
