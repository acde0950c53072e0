// Matrix times vector where the matrix lies in the model file, in any precision. Included once for
// every instruction set by kernels.cpp.
#if defined(HYPERCONV_DOT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HYPERCONV_DOT_INL
#undef HYPERCONV_DOT_INL
#else
#define HYPERCONV_DOT_INL
#endif

#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

#include "engine/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How a vector of floats is read from a file's bytes, which are aligned to a value and no more.
template <class Value>
struct Stored {
  static constexpr int64_t size = sizeof(Value);
  static HWY_ATTR hn::Vec<hn::ScalableTag<float>> load(const std::byte* from) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<Value, decltype(d)> stored;
    const auto values = hn::LoadU(stored, reinterpret_cast<const Value*>(from));
    if constexpr (std::is_same_v<Value, float>) {
      return values;
    } else if constexpr (std::is_same_v<Value, int8_t>) {
      const hn::RebindToSigned<decltype(d)> whole;
      return hn::ConvertTo(d, hn::PromoteTo(whole, values));
    } else {
      return hn::PromoteTo(d, values);
    }
  }
};

using StoredF32 = Stored<float>;
using StoredF16 = Stored<hwy::float16_t>;
using StoredBF16 = Stored<hwy::bfloat16_t>;
using StoredI8 = Stored<int8_t>;

// The last values of a row, with zeros behind them.
template <class Kind>
HWY_INLINE hn::Vec<hn::ScalableTag<float>> load_tail(const std::byte* from, int64_t count) {
  alignas(float) std::byte padded[hn::MaxLanes(hn::ScalableTag<float>()) * Kind::size] = {};
  std::memcpy(padded, from, size_t(count * Kind::size));
  return Kind::load(padded);
}

HWY_INLINE hn::Vec<hn::ScalableTag<float>> load_tail(const float* from, int64_t count) {
  return load_tail<StoredF32>(reinterpret_cast<const std::byte*>(from), count);
}

template <class Kind>
HWY_ATTR void convert_all(const std::byte* values, int64_t count, float* out) {
  const hn::ScalableTag<float> d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(Kind::load(values + i * Kind::size), d, out + i);
  if (i >= count) return;
  float tail[lanes];
  hn::StoreU(load_tail<Kind>(values + i * Kind::size, count - i), d, tail);
  std::memcpy(out + i, tail, size_t(count - i) * sizeof(float));
}

// Four accumulators, so that memory is what takes the time and not the sums' latency: rows are as
// long as the hidden layer, tens to a thousand.
template <class Kind>
HWY_ATTR float dot(const std::byte* row, const float* vector, int64_t count) {
  const hn::ScalableTag<float> d;
  constexpr int64_t lanes = hn::MaxLanes(d);
  const auto product = [=](int64_t i, FloatVector sum) HWY_ATTR {
    return hn::MulAdd(Kind::load(row + i * Kind::size), hn::LoadU(d, vector + i), sum);
  };
  auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a = product(i, a);
    b = product(i + lanes, b);
    c = product(i + 2 * lanes, c);
    e = product(i + 3 * lanes, e);
  }
  for (; i + lanes <= count; i += lanes) a = product(i, a);
  if (i < count) {
    const int64_t left = count - i;
    b = hn::MulAdd(load_tail<Kind>(row + i * Kind::size, left), load_tail(vector + i, left), b);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

// How a row's product is multiplied before it is added.
inline float scale_of(const StoredMatrix& matrix, int64_t row) {
  if (matrix.precision != Precision::i8) return 1;
  float scale = 0;
  std::memcpy(&scale, matrix.scales + row * int64_t(sizeof scale), sizeof scale);
  return scale;
}

template <class Kind>
HWY_ATTR void multiply_add_all(const StoredMatrix& matrix, const float* vector, int64_t count,
                               float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const std::byte* row = matrix.values + i * matrix.columns * Kind::size;
    out[i] += scale_of(matrix, i) * dot<Kind>(row, vector, matrix.columns);
  }
}

inline HWY_ATTR void convert(const std::byte* values, Precision precision, int64_t count,
                             float* out) {
  switch (precision) {
    case Precision::f32:
      return convert_all<StoredF32>(values, count, out);
    case Precision::f16:
      return convert_all<StoredF16>(values, count, out);
    case Precision::bf16:
      return convert_all<StoredBF16>(values, count, out);
    case Precision::i8:
      return convert_all<StoredI8>(values, count, out);
  }
}

inline HWY_ATTR void multiply_add(const StoredMatrix& matrix, const float* vector, int64_t count,
                                  float* out) {
  switch (matrix.precision) {
    case Precision::f32:
      return multiply_add_all<StoredF32>(matrix, vector, count, out);
    case Precision::f16:
      return multiply_add_all<StoredF16>(matrix, vector, count, out);
    case Precision::bf16:
      return multiply_add_all<StoredBF16>(matrix, vector, count, out);
    case Precision::i8:
      return multiply_add_all<StoredI8>(matrix, vector, count, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#endif
