// A dense array of floats in [N,C,H,W] order: what goes into a network and what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "hyperconv/types.hpp"

namespace hyperconv {

/// Extent of a tensor: batch, channels, rows, columns. Linear layers use h = w = 1.
struct Shape {
  int64_t n = 0, c = 0, h = 0, w = 0;

  int64_t count() const { return n * c * h * w; }
  int64_t plane() const { return h * w; }
  bool operator==(const Shape&) const = default;
};

/// "[1,4,224,224]", for messages.
std::string to_string(const Shape& shape);

/// Owns its samples; element (n,c,y,x) stands at ((n*C + c)*H + y)*W + x.
class Tensor {
 public:
  Tensor() = default;
  /// Filled with zeros; a large tensor's pages are allocated when they are first written, near the
  /// thread that writes them. Throws Error with the size when the memory cannot be allocated.
  explicit Tensor(const Shape& shape);
  Tensor(const Tensor& other);
  Tensor& operator=(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor&& other) noexcept;

  const Shape& shape() const { return shape_; }
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  size_t size() const { return values_ ? size_t(shape_.count()) : 0; }

  /// First sample of a row.
  float* row(int64_t n, int64_t c, int64_t y) { return data() + offset(n, c, y); }
  const float* row(int64_t n, int64_t c, int64_t y) const { return data() + offset(n, c, y); }
  float& at(int64_t n, int64_t c, int64_t y, int64_t x) { return row(n, c, y)[x]; }
  float at(int64_t n, int64_t c, int64_t y, int64_t x) const { return row(n, c, y)[x]; }

 private:
  int64_t offset(int64_t n, int64_t c, int64_t y) const {
    return ((n * shape_.c + c) * shape_.h + y) * shape_.w;
  }

  struct Free {
    void operator()(float* values) const { std::free(values); }
  };

  Shape shape_;
  std::unique_ptr<float[], Free> values_;  ///< of calloc
};

}  // namespace hyperconv
