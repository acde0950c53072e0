// A photo's noise level at each brightness, and how it limits what a network removes.
//
// Noise depends on brightness, not on content. Where a network removes more than at other places of
// the same brightness, it removes detail. The lower envelope of local deviations over brightness is
// the noise level function of C. Liu, W. T. Freeman, R. Szeliski, S. B. Kang, "Noise Estimation
// from a Single Image" (CVPR 2006); they take the deviations of the photo, we those of what the
// network would remove.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "image/samples.hpp"

namespace hyperconv {

/// Standard deviations of the noise of luma, blue - luma and red - luma.
class NoiseLevel {
 public:
  /// Brightnesses (lumas in [0,1]) that it is known for: the middles of as many equal ranges;
  /// between them it is linear, beyond them constant.
  static constexpr int brightnesses = 8;
  static constexpr int components = 3;
  using Deviations = std::array<std::array<float, brightnesses>, components>;

  explicit NoiseLevel(const Deviations& deviations) : deviations_(deviations) {}

  float at(int component, float luma) const;
  /// The level times a factor.
  NoiseLevel times(double factor) const;
  const Deviations& deviations() const { return deviations_; }

 private:
  Deviations deviations_;
};

/// Pixels to each side that a local deviation is taken of: 9x9.
inline constexpr int64_t local_reach = 4;

/// A photo and what a network would add to it, place by place. Both are [1,C,h,w] with RGB first,
/// and stay where they are as long as this is used.
class LocalNoise {
 public:
  /// Pixel [y, x] of `added` belongs to pixel [y + down, x + right] of `photo`. Places below are
  /// those of `added`.
  LocalNoise(const Tensor& photo, const Tensor& added, int64_t down = 0, int64_t right = 0)
      : photo_(photo), added_(added), down_(down), right_(right) {}

  /// Of `count` pixels from [y, left] on, over 9x9 pixels around each: the photo's mean luma, and
  /// the root of the mean square of what is added to luma, blue - luma and red - luma. All those
  /// pixels must be there. `row` keeps its memory from call to call.
  struct Row {
    std::vector<float> luma;
    std::array<std::vector<float>, NoiseLevel::components> deviation;
    std::vector<float> sums;  ///< scratch memory
  };
  void measure(int64_t y, int64_t left, int64_t count, Row& row) const;

  /// What is added to those pixels, into three rows (R, G, B), with each component shortened where
  /// its local deviation is more than `limit`: to that.
  void limited(int64_t y, int64_t left, int64_t count, const NoiseLevel& limit, Row& row,
               const std::array<float*, 3>& rgb) const;

  /// Standard deviation of the photo's own luma over the 9x9 pixels around one: of all that varies
  /// there, noise and detail.
  float photo_deviation(int64_t y, int64_t x) const;
  /// Whether the photo's pixel there has no colour.
  bool is_grey(int64_t y, int64_t x) const;

 private:
  const Tensor& photo_;
  const Tensor& added_;
  int64_t down_, right_;
};

/// Collects local deviations of a photo.
class NoiseLevelEstimate {
 public:
  /// Every fourth pixel of rows [top, top + height) and columns [left, left + width), which must be
  /// local_reach or more away from the edges.
  void add(const LocalNoise& noise, int64_t top, int64_t left, int64_t height, int64_t width);

  /// In every range of brightness that enough of the photo lies in, the deviation that a tenth of
  /// the places stay below; others take it from their neighbours. Nothing where too little of the
  /// photo has been seen to tell.
  ///
  /// Texture from edge to edge (gravel, sand) has no places without detail. So where more would be
  /// taken from luma than from both colours, which a sensor's noise does not do, and even the
  /// flattest places are full of what would stay, that range of brightness says nothing of luma's
  /// noise either: it takes it from its neighbours, and at least as much as colours have. A grey
  /// photo has no colours to compare with, so its luma is used as it is.
  std::optional<NoiseLevel> level() const;

 private:
  using Values = std::array<std::vector<float>, NoiseLevel::brightnesses>;
  std::array<Values, NoiseLevel::components> values_;
  Values photo_;  ///< the photo's own deviations at the same places
  bool has_colour_ = false;
  LocalNoise::Row row_;
};

}  // namespace hyperconv
