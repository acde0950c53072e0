// What a sensor still tells where one of its colours is clipped already.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "raw/mosaic.hpp"

namespace hyperconv {

std::string to_string(HighlightMode mode);

/// White-balanced light that is white in the picture, where 1 is the level at which the first
/// colour is clipped: 1 for `clip`, the mean of the three levels for `blend`, the greatest for
/// `rebuild`.
double white_of(HighlightMode mode, const std::array<double, 3>& white_balance);

/// Gives a developed photo back what was cut from its mosaic (pack_part). What is above the cut has
/// hardly any noise for its light, so it is interpolated straight from the samples and added.
class Highlights {
 public:
  /// The mosaic stays where it is while this lives; `mode` is blend or rebuild.
  Highlights(const Mosaic& mosaic, HighlightMode mode);

  /// Pixels of row y of the photo, from column `left` on, in linear white-balanced camera RGB, in
  /// place. All spans are of one length.
  void restore(int64_t y, int64_t left, std::span<float> red, std::span<float> green,
               std::span<float> blue) const;

 private:
  using Colours = std::array<float, 3>;
  float light(int64_t y, int64_t x) const;
  /// Of each colour: the light that was cut, and the share of its samples that are clipped.
  struct Place {
    Colours excess{}, clipped{};
  };
  Place place(int64_t y, int64_t x) const;
  Colours mean_of_cell(int64_t top, int64_t left, int side) const;
  void find_bright_blocks();
  void measure_ratios();
  void spread_ratios();
  Colours ratios_at(int64_t y, int64_t x) const;
  Colours rebuilt(const Colours& pixel, const Colours& clipped, int64_t y, int64_t x) const;

  const Mosaic& mosaic_;
  HighlightMode mode_;
  std::array<float, 4> black_{};    ///< by place in the cell of 2x2
  Colours scale_{};                 ///< of each colour
  Colours clipped_{};               ///< light at which each colour is
  float cut_ = 1;                   ///< light above which all were cut
  size_t last_ = 0;                 ///< the colour that is clipped last
  int rows_ = 0, columns_ = 0;      ///< of blocks
  std::vector<uint8_t> is_bright_;  ///< of each block: something in it or beside it is cut
  std::vector<Colours> ratios_;     ///< to the last colour, of each block; 0: not known
};

}  // namespace hyperconv
