// Pairs on their way to a score: cut, named, and as pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/pairs.hpp"
#include "image/image.hpp"

namespace hyperconv {

struct NamedPair {
  std::string name;
  TensorPair pair;
};

/// The pair in squares of `side` pixels of its target, from its upper left corner on, each named
/// "NAME/TOP,LEFT". Throws Error that names the pair where it is smaller.
std::vector<NamedPair> crops_of(const NamedPair& whole, int64_t side);

/// What lies from [top, left] on into `part`; beyond the frame it is mirrored.
void cut_out(const Tensor& frame, int64_t top, int64_t left, Tensor& part);
Tensor cut_out(const Tensor& frame, int64_t top, int64_t left, int64_t height, int64_t width);

/// A clean photo as it is seen, encoded, [1,3,h,w], without its alpha, cut to multiples of 16 at
/// its right and lower edges. Throws Error that names the file where it cannot be read or is
/// smaller.
Tensor clean_photo(const std::filesystem::path& path);

/// The first three channels of [1,C,h,w] as floats cut to [least, most].
Image float_image(const Tensor& picture, float least = 0, float most = 1);
/// And back: [1,3,h,w] of an image of floats, grey as R = G = B.
Tensor planes_of(const Image& image);

}  // namespace hyperconv
