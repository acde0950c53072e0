#include "data/file_pairs.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr int zrr_bits = 10;
constexpr int rhid_bits = 12;
constexpr int rhid_side = 512;

Image as_image(Mosaic mosaic, int bits) {
  const auto white = uint16_t((1 << bits) - 1);
  for (uint16_t& sample : mosaic.samples) sample = std::min(sample, white);
  return {mosaic.width, mosaic.height, 1, std::move(mosaic.samples), {}};
}

/// A white balance is named so that none is looked for: ours stays in the samples.
MosaicFormat format(int bits) {
  MosaicFormat format;
  format.bits = bits;
  format.white_balance = {1, 1, 1};
  return format;
}

/// Grey over three channels.
void spread(Image& image) {
  std::visit(
      [](auto& samples) {
        std::decay_t<decltype(samples)> colours;
        colours.reserve(3 * samples.size());
        for (const auto sample : samples) colours.insert(colours.end(), 3, sample);
        samples = std::move(colours);
      },
      image.samples);
  image.channels = 3;
}

}  // namespace

Image read_zrr_mosaic(const fs::path& path) {
  return as_image(read_mosaic_png(path, format(zrr_bits)), zrr_bits);
}

Image read_rhid_mosaic(const fs::path& path) {
  MosaicFormat facts = format(rhid_bits);
  facts.width = facts.height = rhid_side;
  return as_image(read_headerless(path, facts), rhid_bits);
}

Image read_photo(const fs::path& path, bool only_8_bits) {
  Image image = read_image(path);
  image.metadata = {};
  const std::string name = path.string();
  if (image.channels == 2 || image.channels == 4)
    fail("{}: has an alpha channel; a pair's pictures have none", name);
  if (only_8_bits && !std::holds_alternative<std::vector<uint8_t>>(image.samples))
    fail("{}: has 16 bits a sample; in this data set pictures have 8", name);
  if (image.channels == 1) spread(image);
  return image;
}

SourceFile source_file(const fs::path& folder, const fs::path& path) {
  std::error_code error;
  SourceFile file{path.lexically_relative(folder).generic_string()};
  const auto bytes = fs::file_size(path, error);
  if (error) return file;
  file.bytes = bytes;
  const auto modified = fs::last_write_time(path, error);
  if (!error) file.modified = int64_t(modified.time_since_epoch().count());
  return file;
}

FilePairs::FilePairs(fs::path folder, std::vector<FilePair> pairs, InputKind kind,
                     Reader read_input, Reader read_target)
    : folder_(std::move(folder)),
      pairs_(std::move(pairs)),
      kind_(kind),
      read_input_(std::move(read_input)),
      read_target_(std::move(read_target)) {}

std::optional<std::string> FilePairs::visible_damage(size_t index) const {
  const FilePair& pair = pairs_[index];
  if (!pair.damage.empty()) return pair.damage;
  for (const fs::path* path : {&pair.input, &pair.target}) {
    std::error_code error;
    const auto bytes = fs::file_size(*path, error);
    const fs::path& other = path == &pair.input ? pair.target : pair.input;
    if (error)
      return fmt::format("{}: is missing or no file, and {} has no partner without it",
                         path->string(), other.string());
    if (bytes == 0) return fmt::format("{}: is empty", path->string());
  }
  return std::nullopt;
}

Pair FilePairs::decode(size_t index) const {
  if (const auto damage = visible_damage(index)) fail("{}", *damage);
  const FilePair& files = pairs_[index];
  Pair pair{files.name, read_input_(files.input), read_target_(files.target)};
  check_pair(pair, kind_, files.input.string(), files.target.string());
  return pair;
}

std::vector<SourceFile> FilePairs::files() const {
  std::vector<SourceFile> result;
  result.reserve(2 * pairs_.size());
  for (const FilePair& pair : pairs_) {
    result.push_back(source_file(folder_, pair.input));
    result.push_back(source_file(folder_, pair.target));
  }
  return result;
}

}  // namespace hyperconv
