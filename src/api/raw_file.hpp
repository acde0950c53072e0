// What is behind a RawFile.
#pragma once

#include "hyperconv/hyperconv.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

class RawFile::Impl {
 public:
  Mosaic mosaic;
};

}  // namespace hyperconv
