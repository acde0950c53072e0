// SIDD's validation blocks: two MATLAB files that hold all pairs.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "data/source.hpp"

namespace hyperconv {

/// ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat, each a variable of the file's
/// name, uint8 [scenes, blocks, rows, columns, 3] (40, 32, 256, 256, 3 as published), in MATLAB's
/// format 5, compressed or not, or 7.3 (HDF5).
///
/// MATLAB stores the first index fastest: the samples of one block lie spread over the whole file,
/// and a compressed file must be read from its start. So with the first pair both files are read,
/// once, a colour at a time, into blocks in memory (480 MiB as published); a cache
/// (cached_pairs) holds none of it.
class SiddBlocks : public PairSource {
 public:
  static constexpr const char* noisy_name = "ValidationNoisyBlocksSrgb";
  static constexpr const char* clean_name = "ValidationGtBlocksSrgb";

  /// Reads the headers. Throws Error when a file is not what it should be.
  explicit SiddBlocks(std::filesystem::path folder);

  size_t size() const override { return size_t(dims_[0]) * size_t(dims_[1]); }
  /// "3/17": the scene and its block, from 1.
  std::string name(size_t index) const override;
  Pair decode(size_t index) const override;
  std::vector<SourceFile> files() const override;

  /// Scenes, blocks of a scene, rows, columns, colours.
  using Dims = std::array<int, 5>;

 private:
  /// Blocks one after the other, each as a picture.
  using Blocks = std::vector<uint8_t>;
  void load() const;
  Image block(const Blocks& blocks, size_t index) const;

  std::filesystem::path folder_;
  Dims dims_;
  mutable std::once_flag loaded_;
  mutable Blocks noisy_, clean_;
  mutable std::string damage_;  ///< why the files could not be read
};

}  // namespace hyperconv
