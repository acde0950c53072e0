// A data set in the layout of Zurich RAW-to-DSLR, simulated from a folder of photos. It is called
// simzrr everywhere: a stand-in, never to be reported as Zurich RAW-to-DSLR.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/threads.hpp"

namespace hyperconv {

/// What every simulated set says of itself.
inline constexpr const char* simzrr_note = "simulated stand-in, not Zurich RAW-to-DSLR";

/// What is made of a photo.
enum class SimzrrVersion {
  one = 1,  ///< the target is the photo itself, the phone kind_phone()
  two = 2   ///< the target is the photo as standard_dslr() renders it, the phone faulty_phone()
};

struct SimzrrOptions {
  SimzrrVersion version = SimzrrVersion::one;
  int patch = 448;  ///< side in samples, even, 32..2048
  int64_t train_patches = 1000;
  int64_t test_patches = 100;
  /// No test photos given: this share of the photos, at least one, drawn by the seed.
  double test_share = 0.1;
  double misalign = 0;  ///< the sensor's picture is moved by up to this many pixels, 0..32
  int shrink = 1;       ///< photos are averaged over N x N pixels in linear light first
  uint64_t seed = 0;
};

struct SimzrrPart {
  int64_t photos = 0;  ///< that patches were cut from
  int64_t patches = 0;
  int64_t eight_bit = 0;  ///< mosaics that were stored in 8 bits
  int64_t mirrored = 0;   ///< patches larger than their photo
};

struct SimzrrSummary {
  SimzrrPart train, test;
  /// Photos of less than half a patch, which were left out: one line each.
  std::vector<std::string> left_out;
};

/// Makes `output` with train/ and test/, each huawei_raw/N.png and canon/N.jpg (quality 95), the
/// manifest simzrr.json (version, seed, options, the phone, and for each patch its photo and what
/// was drawn; in version 2 also the rendering and a hash of the photos) and a README. `photos` and
/// `test_photos` are files or folders of JPEG, PNG or TIFF.
///
/// One side of a pair is the photo, as it is or rendered, the other what phone_mosaic() makes of
/// it. Photos weigh by their area; numbers are shuffled, so that any first N are a fair choice. No
/// photo is in both parts, nor are two files of the same content; that two photos show one scene is
/// not seen, so name test photos where a folder holds several of a scene. A photo smaller than a
/// patch is not scaled up, which would teach blur: the patch shows it whole and mirrored at its
/// edges; a photo of less than half a patch either way is left out.
///
/// The same photos, options and seed give the same bytes, with any number of threads. The folder
/// appears whole or not at all; Ctrl-C leaves nothing. Throws Error when a photo cannot be read,
/// a part would have patches but no photo, test and train share a photo, an option is out of range,
/// or `output` is there already.
SimzrrSummary simulate_zrr(const std::vector<std::filesystem::path>& photos,
                           const std::vector<std::filesystem::path>& test_photos,
                           const std::filesystem::path& output, const SimzrrOptions& options,
                           Threads& threads);

/// The version that the manifest of a set says. Throws Error that names the file where it is not
/// there or no manifest.
int simzrr_version(const std::filesystem::path& folder);

}  // namespace hyperconv
