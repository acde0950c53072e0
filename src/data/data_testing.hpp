// What the tests of this room need. Not part of the library.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "base/tensor.hpp"
#include "base/testing.hpp"
#include "data/pairs.hpp"
#include "data/source.hpp"
#include "image/image.hpp"
#include "image/jpeg.hpp"
#include "image/png.hpp"
#include "image/tiff.hpp"

namespace hyperconv {

/// A picture of random samples up to `most`.
template <class Sample>
Image random_picture(int width, int height, int channels, int most, uint64_t seed) {
  Random random(seed);
  Image image{width, height, channels, {}, {}};
  std::vector<Sample> samples(image.count());
  for (Sample& sample : samples) sample = Sample(random.below(most + 1));
  image.samples = std::move(samples);
  return image;
}

inline Image random_photo(int width, int height, uint64_t seed) {
  return random_picture<uint8_t>(width, height, 3, 255, seed);
}

inline Image random_mosaic(int width, int height, uint64_t seed) {
  return random_picture<uint16_t>(width, height, 1, 1023, seed);
}

/// write_image() that makes the folders on the way, and does not wait for the disk.
inline void put_picture(const std::filesystem::path& path, const Image& image) {
  std::filesystem::create_directories(path.parent_path());
  const std::string name = path.string();
  const std::string ending = path.extension().string();
  const auto bytes = ending == ".png" || ending == ".PNG" ? encode_png(name, image)
                     : ending == ".tif"                   ? encode_tiff(name, image)
                                                          : encode_jpeg(name, image, 95);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

inline void put_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  write_file(path, text);
}

/// A part of Zurich RAW-to-DSLR with `count` pairs of 8x6 samples.
inline void put_zrr(const std::filesystem::path& part, int count) {
  for (int i = 0; i < count; ++i) {
    put_picture(part / "huawei_raw" / (std::to_string(i) + ".png"), random_mosaic(8, 6, i));
    put_picture(part / "canon" / (std::to_string(i) + ".jpg"), random_photo(8, 6, 1000 + i));
  }
}

/// A set whose last pair is being read when Ctrl-C comes.
class InterruptedAtItsEnd : public PairSource {
 public:
  explicit InterruptedAtItsEnd(const PairSet& set) : set_(set) {}

  size_t size() const override { return set_.size(); }
  std::string name(size_t index) const override { return set_.name(index); }
  std::vector<SourceFile> files() const override { return set_.source()->files(); }
  Pair decode(size_t index) const override {
    if (index + 1 < size()) return set_.decode(index);
    set_interrupted(true);
    throw_if_interrupted();
    return {};
  }

  static PairSet of(const PairSet& set) {
    return {set.layout(), set.folder(), set.kind(), std::make_shared<InterruptedAtItsEnd>(set)};
  }

 private:
  const PairSet set_;
};

inline std::vector<float> values(const Tensor& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

}  // namespace hyperconv
