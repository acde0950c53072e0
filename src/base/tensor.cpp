#include "hyperconv/tensor.hpp"

#include <fmt/format.h>

#include <exception>

#include "base/fail.hpp"
#include "base/memory.hpp"

namespace hyperconv {

std::string to_string(const Shape& shape) {
  return fmt::format("[{},{},{},{}]", shape.n, shape.c, shape.h, shape.w);
}

Tensor::Tensor(const Shape& shape) : shape_(shape) {
  try {
    values_ = large_vector<float>(size_t(shape.count()));
  } catch (const std::exception&) {
    fail("{:.1f} GiB of memory for a tensor {} are not to be had",
         double(shape.count()) * sizeof(float) / (1 << 30), to_string(shape));
  }
}

}  // namespace hyperconv
