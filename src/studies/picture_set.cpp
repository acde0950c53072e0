#include "studies/picture_set.hpp"

#include "base/fail.hpp"
#include "image/folder.hpp"
#include "studies/results.hpp"

namespace hyperconv {

namespace fs = std::filesystem;

PictureSet set_of_pairs(const fs::path& folder, int crop) {
  const PairSet set = find_pairs(folder, Split::test);
  if (set.is_mosaic()) fail("{}: holds mosaics; a denoiser takes photos", folder.string());
  const auto read = [set, crop](int64_t i) -> std::vector<NamedPair> {
    NamedPair whole{set.name(size_t(i)), set.read(size_t(i))};
    if (crop > 0) return crops_of(whole, crop);
    std::vector<NamedPair> one;
    one.push_back(std::move(whole));
    return one;
  };
  return {short_name(folder), "real", int64_t(set.size()), read};
}

PictureSet set_of_photos(const fs::path& folder, const SyntheticNoise& noise, uint64_t seed) {
  const auto files = pictures_in(folder);
  const auto read = [files, noise, seed](int64_t i) {
    NoisyAndClean made = with_noise(clean_photo(files[size_t(i)]), noise, seed, uint64_t(i));
    std::vector<NamedPair> one;
    one.push_back(
        {files[size_t(i)].filename().string(), {std::move(made.noisy), std::move(made.clean)}});
    return one;
  };
  const bool is_none = noise.kind == NoiseCase::even && noise.sigma == 0;
  return {short_name(folder), is_none ? "none" : to_string(noise), int64_t(files.size()), read};
}

}  // namespace hyperconv
