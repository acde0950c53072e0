#include "base/tensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/fail.hpp"
#include "base/memory.hpp"

namespace hyperconv {

std::string to_string(const Shape& shape) {
  return fmt::format("[{},{},{},{}]", shape.n, shape.c, shape.h, shape.w);
}

Tensor::Tensor(const Shape& shape) : shape_(shape) {
  const auto count = size_t(shape.count());
  // At least one value, so that null means failure. calloc does not touch fresh pages.
  values_.reset(static_cast<float*>(std::calloc(std::max<size_t>(count, 1), sizeof(float))));
  if (!values_)
    fail_as(ErrorCode::out_of_memory, "{:.1f} GiB of memory for a tensor {} are not to be had",
            double(shape.count()) * sizeof(float) / (1 << 30), to_string(shape));
  wish_for_huge_pages(values_.get(), count * sizeof(float));
}

Tensor::Tensor(const Tensor& other) {
  if (!other.values_) return;
  *this = Tensor(other.shape_);
  std::copy_n(other.data(), other.size(), data());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor::Tensor(Tensor&& other) noexcept
    : shape_(std::exchange(other.shape_, {})), values_(std::move(other.values_)) {}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  shape_ = std::exchange(other.shape_, {});
  values_ = std::move(other.values_);
  return *this;
}

}  // namespace hyperconv
