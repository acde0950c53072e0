#include "data/sidd_blocks.hpp"

#include <hdf5.h>
#include <matio.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/threads.hpp"
#include "data/file_pairs.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Dims = SiddBlocks::Dims;

/// Of one file; the published ones have 240 MiB.
constexpr int64_t most_bytes = int64_t(1) << 31;

/// Neither matio nor HDF5 may be used from two threads.
std::mutex matio_mutex;

/// matio takes what is behind the end of a version 5 file for zeros. Such a file is a header and
/// then elements, each a type, its number of bytes, and the bytes.
void check_complete(const std::string& path) {
  constexpr uint64_t header_size = 128, tag_size = 8;
  const MappedFile file(path);
  const auto bytes = file.bytes();
  const auto byte = [&](uint64_t place) { return uint32_t(bytes[place]); };
  uint64_t place = header_size;
  const bool is_big_endian = bytes.size() >= header_size && byte(126) == 'M';
  while (place + tag_size <= bytes.size()) {
    uint32_t size = 0;
    for (uint64_t i = 0; i < 4; ++i)
      size = size << 8 | byte(place + (is_big_endian ? 4 + i : 7 - i));
    place += tag_size + size;
  }
  if (place != bytes.size())
    fail("{}: is truncated or damaged; its elements end at byte {} and the file at {}", path, place,
         bytes.size());
}

/// A variable of a .mat file.
class MatVariable {
 public:
  MatVariable(const fs::path& path, const char* name) : path_(path.string()) {
    // HDF5 would tell of every damage on stderr.
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    // matio would read a folder, and call a missing file damaged.
    if (!fs::is_regular_file(path)) fail("{}: is missing or no file", path_);
    mat_.reset(Mat_Open(path.c_str(), MAT_ACC_RDONLY));
    if (!mat_) fail("{}: is no MATLAB file (.mat, version 5 or 7.3)", path_);
    if (Mat_GetVersion(mat_.get()) != MAT_FT_MAT73) check_complete(path_);
    variable_.reset(Mat_VarReadInfo(mat_.get(), name));
    if (!variable_) fail("{}: has no variable {}, or is damaged", path_, name);
  }

  Dims dims() const {
    const matvar_t& v = *variable_;
    if (v.class_type != MAT_C_UINT8 || v.isComplex != 0 || v.rank != int(std::tuple_size_v<Dims>) ||
        v.dims == nullptr || v.dims[4] != 3)
      fail("{}: {} is no array of uint8 with 5 dimensions, of which the last is 3", path_, v.name);
    Dims dims{};
    int64_t bytes = 1;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (v.dims[i] == 0 || v.dims[i] > size_t(most_bytes / bytes))
        fail("{}: {} has a dimension of {}; 40 x 32 x 256 x 256 x 3 is usual", path_, v.name,
             v.dims[i]);
      dims[i] = int(v.dims[i]);
      bytes *= dims[i];
    }
    return dims;
  }

  /// All samples of one colour, the first index fastest.
  void read_colour(const Dims& dims, int colour, std::vector<uint8_t>& samples) {
    if (read(dims, colour, samples) != 0) fail("{}: is truncated or damaged", path_);
  }

 private:
  // Each format has one way that works: matio 1.5.23 reads wrong samples of a version 5 slab of
  // five dimensions, and lists the coordinates of every sample of a version 7.3 range.
  int read(const Dims& dims, int colour, std::vector<uint8_t>& samples) {
    if (Mat_GetVersion(mat_.get()) != MAT_FT_MAT73)
      return Mat_VarReadDataLinear(mat_.get(), variable_.get(), samples.data(),
                                   int(samples.size()) * colour, 1, int(samples.size()));
    std::array<int, 5> start{0, 0, 0, 0, colour}, stride{1, 1, 1, 1, 1}, edge = dims;
    edge[4] = 1;
    return Mat_VarReadData(mat_.get(), variable_.get(), samples.data(), start.data(), stride.data(),
                           edge.data());
  }

  struct Close {
    void operator()(mat_t* mat) const { Mat_Close(mat); }
    void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
  };

  std::string path_;
  std::unique_ptr<mat_t, Close> mat_;
  std::unique_ptr<matvar_t, Close> variable_;
};

/// One colour into its place in the blocks. The samples of a pixel of all blocks lie side by side,
/// those of a block far apart: a few pixels of a row at a time, so that both stay in the cache.
void scatter(const std::vector<uint8_t>& samples, const Dims& dims, int colour,
             std::vector<uint8_t>& blocks) {
  const auto [scenes, blocks_a_scene, rows, columns, colours] = dims;
  const int64_t count = int64_t(scenes) * blocks_a_scene;
  const int64_t block_size = int64_t(rows) * columns * colours;
  constexpr int64_t tile = 16;
  Threads threads;
  threads.parallel_for(rows, [&](int64_t y) {
    for (int64_t first = 0; first < columns; first += tile) {
      const int64_t last = std::min<int64_t>(first + tile, columns);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t scene = i % scenes, b = i / scenes;
        uint8_t* row = blocks.data() + (scene * blocks_a_scene + b) * block_size +
                       y * columns * colours + colour;
        for (int64_t x = first; x < last; ++x)
          row[x * colours] = samples[size_t((y + x * rows) * count + i)];
      }
    }
  });
}

std::vector<uint8_t> read_blocks(const fs::path& path, const char* name, const Dims& dims) {
  MatVariable variable(path, name);
  // It may be another file by now.
  if (variable.dims() != dims) fail("{}: has changed while it was read", path.string());
  const auto [scenes, blocks_a_scene, rows, columns, colours] = dims;
  const size_t plane = size_t(scenes) * size_t(blocks_a_scene) * size_t(rows) * size_t(columns);
  std::vector<uint8_t> samples(plane), blocks(plane * size_t(colours));
  for (int colour = 0; colour < colours; ++colour) {
    variable.read_colour(dims, colour, samples);
    scatter(samples, dims, colour, blocks);
  }
  return blocks;
}

fs::path file_of(const fs::path& folder, const char* name) {
  return folder / (std::string(name) + ".mat");
}

}  // namespace

SiddBlocks::SiddBlocks(fs::path folder) : folder_(std::move(folder)) {
  const std::scoped_lock lock(matio_mutex);
  const fs::path noisy = file_of(folder_, noisy_name), clean = file_of(folder_, clean_name);
  dims_ = MatVariable(noisy, noisy_name).dims();
  if (MatVariable(clean, clean_name).dims() != dims_)
    fail("{}: has other dimensions than {}", clean.string(), noisy.string());
}

std::string SiddBlocks::name(size_t index) const {
  const auto blocks_a_scene = size_t(dims_[1]);
  return fmt::format("{}/{}", index / blocks_a_scene + 1, index % blocks_a_scene + 1);
}

void SiddBlocks::load() const {
  const std::scoped_lock lock(matio_mutex);
  try {
    noisy_ = read_blocks(file_of(folder_, noisy_name), noisy_name, dims_);
    clean_ = read_blocks(file_of(folder_, clean_name), clean_name, dims_);
  } catch (const Error& error) {
    damage_ = error.what();
  }
}

Image SiddBlocks::block(const Blocks& blocks, size_t index) const {
  Image image{dims_[3], dims_[2], 3, {}, {}};
  const auto first = blocks.begin() + std::ptrdiff_t(index * image.count());
  image.samples = std::vector<uint8_t>(first, first + std::ptrdiff_t(image.count()));
  return image;
}

Pair SiddBlocks::decode(size_t index) const {
  std::call_once(loaded_, [this] { load(); });
  if (!damage_.empty()) fail("{}", damage_);
  return {name(index), block(noisy_, index), block(clean_, index)};
}

std::vector<SourceFile> SiddBlocks::files() const {
  return {source_file(folder_, file_of(folder_, noisy_name)),
          source_file(folder_, file_of(folder_, clean_name))};
}

}  // namespace hyperconv
