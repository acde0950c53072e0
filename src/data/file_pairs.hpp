// Pairs whose two halves are files of their own.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "data/source.hpp"

namespace hyperconv {

struct FilePair {
  std::string name;
  /// Where a half is, or where it should be.
  std::filesystem::path input, target;
  /// Not empty: why this is no pair.
  std::string damage;
};

/// The mosaic of Zurich RAW-to-DSLR: a PNG of one channel whose values are 10-bit units whether it
/// has 8 or 16 bits. A few samples above 1023 (read_mosaic_png) become 1023.
Image read_zrr_mosaic(const std::filesystem::path& path);

/// 512x512 little-endian 16-bit samples without a header, 12 bits of them used.
Image read_rhid_mosaic(const std::filesystem::path& path);

/// An RGB picture; grey is spread over three channels. Throws Error where there is alpha, or
/// 16 bits and `only_8_bits`.
Image read_photo(const std::filesystem::path& path, bool only_8_bits);

class FilePairs : public PairSource {
 public:
  using Reader = std::function<Image(const std::filesystem::path&)>;

  /// `folder`: what the names of files() are relative to.
  FilePairs(std::filesystem::path folder, std::vector<FilePair> pairs, InputKind kind,
            Reader read_input, Reader read_target);

  size_t size() const override { return pairs_.size(); }
  std::string name(size_t index) const override { return pairs_[index].name; }
  Pair decode(size_t index) const override;
  std::optional<std::string> visible_damage(size_t index) const override;
  std::vector<SourceFile> files() const override;

 private:
  std::filesystem::path folder_;
  std::vector<FilePair> pairs_;
  InputKind kind_;
  Reader read_input_, read_target_;
};

/// Facts of a file; zeros where it is not there.
SourceFile source_file(const std::filesystem::path& folder, const std::filesystem::path& path);

}  // namespace hyperconv
