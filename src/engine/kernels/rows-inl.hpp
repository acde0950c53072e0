// Element-wise work, pooling and sums on one row. Included once for every instruction set by
// kernels.cpp.
#if defined(HYPERCONV_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef HYPERCONV_ROWS_INL
#undef HYPERCONV_ROWS_INL
#else
#define HYPERCONV_ROWS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.hpp"
#include "engine/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <Rectifier rectifier>
HWY_INLINE float rectified(float value) {
  if constexpr (rectifier == Rectifier::relu) return std::max(0.0f, value);
  if constexpr (rectifier == Rectifier::leaky_relu) return std::max(value, leaky_slope * value);
  return value;
}

// Calls body<rectifier>(), so that no loop branches on it for each value.
template <class Body>
HWY_INLINE void with_rectifier(Rectifier rectifier, const Body& body) {
  switch (rectifier) {
    case Rectifier::none:
      return body.template operator()<Rectifier::none>();
    case Rectifier::relu:
      return body.template operator()<Rectifier::relu>();
    case Rectifier::leaky_relu:
      return body.template operator()<Rectifier::leaky_relu>();
  }
}

// These are bound by memory: the compiler's vectorisation is enough.
inline HWY_ATTR void rectify_row(PixelRun a, MutablePixelRun out, int64_t channels, int64_t width,
                                 Rectifier rectifier) {
  with_rectifier(rectifier, [&]<Rectifier kind>() HWY_ATTR {
    for (int64_t x = 0; x < width; ++x) {
      const float* HWY_RESTRICT from = a.data + x * a.pixel;
      float* HWY_RESTRICT to = out.data + x * out.pixel;
      for (int64_t c = 0; c < channels; ++c) to[c] = rectified<kind>(from[c]);
    }
  });
}

template <Rectifier kind>
HWY_INLINE float slope_at(float output) {
  if constexpr (kind == Rectifier::none) return 1;
  constexpr float below = kind == Rectifier::relu ? 0.0f : leaky_slope;
  return output > 0 ? 1.0f : below;
}

inline HWY_ATTR void unrectify_row(const float* HWY_RESTRICT output,
                                   const float* HWY_RESTRICT gradient, int64_t count,
                                   Rectifier rectifier, float* HWY_RESTRICT out) {
  with_rectifier(rectifier, [&]<Rectifier kind>() HWY_ATTR {
    for (int64_t i = 0; i < count; ++i) out[i] = slope_at<kind>(output[i]) * gradient[i];
  });
}

inline HWY_ATTR void add_row(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels,
                             int64_t width, Rectifier rectifier) {
  with_rectifier(rectifier, [&]<Rectifier kind>() HWY_ATTR {
    for (int64_t x = 0; x < width; ++x) {
      const float* HWY_RESTRICT left = a.data + x * a.pixel;
      const float* HWY_RESTRICT right = b.data + x * b.pixel;
      float* HWY_RESTRICT to = out.data + x * out.pixel;
      for (int64_t c = 0; c < channels; ++c) to[c] = rectified<kind>(left[c] + right[c]);
    }
  });
}

inline HWY_ATTR void multiply_row(PixelRun a, PixelRun b, MutablePixelRun out, int64_t channels,
                                  int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const float* HWY_RESTRICT left = a.data + x * a.pixel;
    const float* HWY_RESTRICT right = b.data + x * b.pixel;
    float* HWY_RESTRICT to = out.data + x * out.pixel;
    for (int64_t c = 0; c < channels; ++c) to[c] = left[c] * right[c];
  }
}

inline HWY_ATTR void norm2d_row(PixelRun in, MutablePixelRun out, int64_t channels, int64_t width,
                                const ChannelScale& scale, Rectifier rectifier) {
  with_rectifier(rectifier, [&]<Rectifier kind>() HWY_ATTR {
    const float* HWY_RESTRICT mean = scale.mean;
    const float* HWY_RESTRICT factor = scale.factor;
    const float* HWY_RESTRICT bias = scale.bias;
    for (int64_t x = 0; x < width; ++x) {
      const float* HWY_RESTRICT from = in.data + x * in.pixel;
      float* HWY_RESTRICT to = out.data + x * out.pixel;
      for (int64_t c = 0; c < channels; ++c) {
        to[c] = rectified<kind>((from[c] - mean[c]) * factor[c] + bias[c]);
      }
    }
  });
}

inline HWY_ATTR void max_pool2d_row(PixelRun top, PixelRun bottom, MutablePixelRun out,
                                    int64_t channels, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const float* HWY_RESTRICT a = top.data + 2 * x * top.pixel;
    const float* HWY_RESTRICT b = bottom.data + 2 * x * bottom.pixel;
    float* HWY_RESTRICT to = out.data + x * out.pixel;
    for (int64_t c = 0; c < channels; ++c) {
      to[c] = std::max(std::max(a[c], a[top.pixel + c]), std::max(b[c], b[bottom.pixel + c]));
    }
  }
}

inline HWY_ATTR void average_pool2d_row(PixelRun top, PixelRun bottom, MutablePixelRun out,
                                        int64_t channels, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const float* HWY_RESTRICT a = top.data + 2 * x * top.pixel;
    const float* HWY_RESTRICT b = bottom.data + 2 * x * bottom.pixel;
    float* HWY_RESTRICT to = out.data + x * out.pixel;
    for (int64_t c = 0; c < channels; ++c) {
      to[c] = 0.25f * ((a[c] + a[top.pixel + c]) + (b[c] + b[bottom.pixel + c]));
    }
  }
}

inline HWY_ATTR void upsample2d_row(PixelRun in, MutablePixelRun out, int64_t channels,
                                    int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const float* HWY_RESTRICT from = in.data + x * in.pixel;
    float* HWY_RESTRICT to = out.data + 2 * x * out.pixel;
    for (int64_t c = 0; c < channels; ++c) to[c] = to[out.pixel + c] = from[c];
  }
}

// float_to_bf16() for numbers: without a look at NaN the compiler does a vector of them at once.
HWY_INLINE uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline HWY_ATTR void narrow(const float* HWY_RESTRICT values, int64_t count, std::byte* out) {
  auto* HWY_RESTRICT to = reinterpret_cast<uint16_t*>(out);
  for (int64_t i = 0; i < count; ++i) to[i] = to_bf16(values[i]);
}

// `some`: the channels where the compiler is to know them, or 0.
template <int64_t some>
HWY_ATTR void hi_lo_pixels(PixelRun in, int64_t channels, int64_t width,
                           uint16_t* HWY_RESTRICT to) {
  const int64_t count = some > 0 ? some : channels;
  for (int64_t x = 0; x < width; ++x) {
    const float* HWY_RESTRICT from = in.data + x * in.pixel;
    for (int64_t c = 0; c < count; ++c) {
      const uint16_t hi = to_bf16(from[c]);
      to[c] = to[2 * count + c] = hi;
      to[count + c] = to_bf16(from[c] - bf16_to_float(hi));
    }
    to += 3 * count;
  }
}

inline HWY_ATTR void to_hi_lo(PixelRun in, int64_t channels, int64_t width, std::byte* out) {
  auto* to = reinterpret_cast<uint16_t*>(out);
  if (channels == 4) return hi_lo_pixels<4>(in, channels, width, to);
  if (channels == 3) return hi_lo_pixels<3>(in, channels, width, to);
  hi_lo_pixels<0>(in, channels, width, to);
}

inline HWY_ATTR void add_bf16_row(const std::byte* a, const std::byte* b, int64_t count,
                                  Rectifier rectifier, std::byte* out) {
  const auto* HWY_RESTRICT left = reinterpret_cast<const uint16_t*>(a);
  const auto* HWY_RESTRICT right = reinterpret_cast<const uint16_t*>(b);
  auto* HWY_RESTRICT to = reinterpret_cast<uint16_t*>(out);
  with_rectifier(rectifier, [&]<Rectifier kind>() HWY_ATTR {
    for (int64_t i = 0; i < count; ++i)
      to[i] = to_bf16(rectified<kind>(bf16_to_float(left[i]) + bf16_to_float(right[i])));
  });
}

// In floats over a few pixels, one after the other, and those sums in double: again the same for
// every instruction set, and of numbers of eight bits nearly always exact.
template <int channels>
HWY_INLINE void sum_bf16_channels(const uint16_t* HWY_RESTRICT in, int64_t pixel, int64_t width,
                                  double* sums) {
  constexpr int64_t few = 32;
  for (int64_t first = 0; first < width; first += few) {
    float partial[channels] = {};
    const int64_t end = std::min(width, first + few);
    for (int64_t x = first; x < end; ++x)
      for (int c = 0; c < channels; ++c) partial[c] += bf16_to_float(in[x * pixel + c]);
    for (int c = 0; c < channels; ++c) sums[c] += double(partial[c]);
  }
}

inline HWY_ATTR void sum_bf16_row(const std::byte* in, int64_t channels, int64_t width,
                                  double* sums) {
  const auto* values = reinterpret_cast<const uint16_t*>(in);
  int64_t c = 0;
  for (; c + 16 <= channels; c += 16) sum_bf16_channels<16>(values + c, channels, width, sums + c);
  for (; c + 4 <= channels; c += 4) sum_bf16_channels<4>(values + c, channels, width, sums + c);
  for (; c < channels; ++c) sum_bf16_channels<1>(values + c, channels, width, sums + c);
}

inline HWY_ATTR void average_pool2d_bf16_row(const std::byte* top, const std::byte* bottom,
                                             int64_t channels, int64_t width, std::byte* out) {
  for (int64_t x = 0; x < width; ++x) {
    const auto* HWY_RESTRICT a = reinterpret_cast<const uint16_t*>(top) + 2 * x * channels;
    const auto* HWY_RESTRICT b = reinterpret_cast<const uint16_t*>(bottom) + 2 * x * channels;
    auto* HWY_RESTRICT to = reinterpret_cast<uint16_t*>(out) + x * channels;
    for (int64_t c = 0; c < channels; ++c)
      to[c] = to_bf16(0.25f * ((bf16_to_float(a[c]) + bf16_to_float(a[channels + c])) +
                               (bf16_to_float(b[c]) + bf16_to_float(b[channels + c]))));
  }
}

template <int64_t group>
HWY_INLINE void planes_of_groups(const float* HWY_RESTRICT in, int64_t pixel, int64_t width,
                                 float* HWY_RESTRICT out) {
  for (int64_t x = 0; x < width; ++x)
    std::memcpy(out + group * x, in + x * pixel, size_t(group) * sizeof(float));
}

inline HWY_ATTR void planes_row(const float* in, int64_t pixel, int64_t group, int64_t width,
                                float* out) {
  if (group == 1) return planes_of_groups<1>(in, pixel, width, out);
  if (group == 2) return planes_of_groups<2>(in, pixel, width, out);
  for (int64_t x = 0; x < width; ++x)
    std::memcpy(out + group * x, in + x * pixel, size_t(group) * sizeof(float));
}

// Sums run over the pixels one after the other in double: they do not depend on the instruction
// set, and their error stays below a float's last bit. Groups of four channels side by side.
constexpr int group = 4;

inline HWY_ATTR void sum_row(PixelRun in, int64_t channels, int64_t width, double* sums) {
  for (int64_t first = 0; first < channels; first += group) {
    const auto count = std::min<int64_t>(group, channels - first);
    double partial[group] = {};
    for (int64_t x = 0; x < width; ++x) {
      const float* HWY_RESTRICT from = in.data + x * in.pixel + first;
      // A feature map has room for a whole group behind its last pixel.
      for (int i = 0; i < group; ++i) partial[i] += double(from[i]);
    }
    for (int i = 0; i < count; ++i) sums[first + i] += partial[i];
  }
}

inline HWY_ATTR void describe_row(PixelRun in, int64_t channels, int64_t width, const float* shift,
                                  double* sums) {
  for (int64_t first = 0; first < channels; first += group) {
    const auto count = std::min<int64_t>(group, channels - first);
    double sum[group] = {}, squares[group] = {}, steps[group] = {}, zero[group] = {};
    for (int i = 0; i < count; ++i) zero[i] = double(shift[first + i]);
    for (int64_t x = 0; x < width; ++x) {
      const float* HWY_RESTRICT here = in.data + x * in.pixel + first;
      const float* HWY_RESTRICT left = x > 0 ? here - in.pixel : here;
      for (int i = 0; i < group; ++i) {
        const double value = double(here[i]) - zero[i];
        sum[i] += value;
        squares[i] += value * value;
        steps[i] += std::fabs(double(here[i]) - double(left[i]));
      }
    }
    for (int i = 0; i < count; ++i) {
      sums[first + i] += sum[i];
      sums[channels + first + i] += squares[i];
      sums[2 * channels + first + i] += steps[i];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#endif
