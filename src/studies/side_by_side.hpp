// Pictures of the same thing beside each other, sample for sample, for people who would rather
// look.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

/// Squares cut out of pictures at the place where the first has most detail, in rows, each with its
/// name under it.
class SideBySide {
 public:
  static constexpr int side = 176;  ///< of a square
  static constexpr int columns = 5;

  /// RGB of any size; nothing is done with it before add() or write().
  explicit SideBySide(const Image& truth) : truth_(truth) {}

  /// A picture of the truth's size. Throws Error where it is of another.
  void add(const std::string& name, const Image& picture);

  /// The truth and what was added, in order, as a PNG of 8 bits. Throws Error as write_image().
  void write(const std::filesystem::path& path);

 private:
  void cut(const std::string& name, const Image& picture);

  const Image& truth_;
  Region place_{};
  struct Square {
    std::string name;
    Image picture;  ///< place_'s, of 8 bits
  };
  std::vector<Square> squares_;
};

}  // namespace hyperconv
