// What samples stand for.
#pragma once

#include <array>
#include <limits>
#include <type_traits>

namespace hyperconv {

/// The sample that stands for 1.
template <class Sample>
constexpr float white_of() {
  return std::is_same_v<Sample, float> ? 1.0f : float(std::numeric_limits<Sample>::max());
}

/// Luma is the weighted sum of BT.709 on the encoded samples.
inline constexpr std::array<float, 3> luma_weights = {0.2126f, 0.7152f, 0.0722f};

}  // namespace hyperconv
