// How well estimate_noise() does: simulated mosaics whose noise is known, over all ISO.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "raw/mosaic.hpp"

namespace hyperconv {

struct NoiseTableOptions {
  std::filesystem::path folder;  ///< of clean photos; empty: the painted scene alone
  int shrink = 1;
  int64_t limit = 0;  ///< photos at most; 0: all
  uint64_t seed = 1;  ///< of cameras and noise
};

/// Photos at one level. Ratios are of variances, estimated / true.
struct NoiseTableRow {
  NoiseProfile truth;
  struct Ratios {
    double low = 0, middle = 0, high = 0;  ///< a tenth, half, nine tenths of the photos are below
    double within_15_percent = 0, within_twofold = 0;  ///< shares of the photos
  };
  Ratios at_mid_tone;  ///< mean 0.18
  /// The same, when what the photo had before the camera's noise came to it (grain, JPEG, the
  /// rounding to 8 bits), as estimated on a mosaic without any, counts as noise too.
  Ratios with_its_own;
  double dark = 0;   ///< the median at the darkest even places of each photo
  double doubt = 0;  ///< the median of what the estimates say of themselves
};

struct NoiseTable {
  std::string set;  ///< what was photographed
  int64_t photos = 0;
  double own_shot = 0;  ///< the median of what is estimated without noise, at 0.18, over 0.18
  double seconds = 0;   ///< the mean of an estimate
  std::vector<NoiseTableRow> rows;
};

/// Levels from base ISO of a large sensor to beyond a phone's highest, read on the line of cameras
/// (estimate_noise()). Throws Error when no photo can be read.
NoiseTable noise_table(const NoiseTableOptions& options);

std::string to_markdown(const NoiseTable& table);

}  // namespace hyperconv
