#include "image/grain.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "image/samples.hpp"

namespace hyperconv {
namespace {

constexpr int side = 8;  ///< of a block, which has details of 2, 4 and 8 pixels
constexpr size_t pixels = size_t(side) * side;
using Values = std::array<float, pixels>;
/// Mean square of the details of each octave.
using Energies = std::array<double, Grain::octaves>;

/// Adds the mean square of each octave's details to `energies`; destroys the values.
void add_haar(Values& values, double factor, Energies& energies) {
  int extent = side;
  for (double& energy : energies) {
    extent /= 2;
    double sum = 0;
    for (int y = 0; y < extent; ++y)
      for (int x = 0; x < extent; ++x) {
        const float* top = values.data() + size_t(2 * y) * side + size_t(2 * x);
        const float a = top[0], b = top[1], c = top[side], d = top[side + 1];
        const float across = (a - b + c - d) / 2, down = (a + b - c - d) / 2,
                    diagonal = (a - b - c + d) / 2;
        sum += double(across * across + down * down + diagonal * diagonal);
        values[size_t(y) * side + size_t(x)] = (a + b + c + d) / 2;
      }
    energy += factor * sum / (3.0 * extent * extent);
  }
}

double total(const Energies& energies) {
  double sum = 0;
  for (const double energy : energies) sum += energy;
  return sum / double(energies.size());
}

/// What varies in a piece of a picture.
struct Piece {
  double brightness = 0;  ///< mean luma
  Energies luma{}, colour{};

  void add(const Piece& other, double share) {
    brightness += share * other.brightness;
    for (size_t o = 0; o < luma.size(); ++o) {
      luma[o] += share * other.luma[o];
      colour[o] += share * other.colour[o];
    }
  }
};

/// Of R, G and B of a block's pixels, row by row.
Piece block_of(const std::array<Values, 3>& rgb) {
  Piece block;
  Values luma;
  double sum = 0;
  for (size_t i = 0; i < pixels; ++i) {
    luma[i] =
        luma_weights[0] * rgb[0][i] + luma_weights[1] * rgb[1][i] + luma_weights[2] * rgb[2][i];
    sum += double(luma[i]);
  }
  block.brightness = sum / double(pixels);
  for (const size_t c : {size_t(0), size_t(2)}) {
    Values colour;
    for (size_t i = 0; i < pixels; ++i) colour[i] = rgb[c][i] - luma[i];
    add_haar(colour, 0.5, block.colour);
  }
  add_haar(luma, 1, block.luma);
  return block;
}

Piece block_of(const Tensor& rgb, int64_t top, int64_t left) {
  std::array<Values, 3> values;
  for (int64_t c = 0; c < 3; ++c)
    for (int y = 0; y < side; ++y)
      std::copy_n(rgb.row(0, c, top + y) + left, side, values[size_t(c)].begin() + y * side);
  return block_of(values);
}

constexpr int area_side = 2 * side;

/// An area's four blocks; `block(top, left)` counts within the area.
template <class Block>
Piece area_of(const Block& block) {
  Piece area;
  for (int part = 0; part < 4; ++part) area.add(block(part / 2 * side, part % 2 * side), 0.25);
  return area;
}

/// Of an area's samples so many are black or white, which hide noise.
bool hides_noise(int cut) { return 8 * cut >= 3 * area_side * area_side; }

/// Nothing where noise is hidden.
template <class Sample>
std::optional<Piece> area_at(const std::vector<Sample>& samples, const Image& photo, int top,
                             int left) {
  const bool is_grey = photo.channels < 3;
  constexpr float white = white_of<Sample>();
  int cut = 0;
  const Piece area = area_of([&](int down, int right) {
    std::array<Values, 3> rgb;
    for (int y = 0; y < side; ++y) {
      const Sample* pixel =
          samples.data() + (size_t(top + down + y) * size_t(photo.width) + size_t(left + right)) *
                               size_t(photo.channels);
      for (int x = 0; x < side; ++x, pixel += photo.channels)
        for (size_t c = 0; c < 3; ++c) {
          const float value = float(pixel[is_grey ? 0 : c]) / white;
          if (!(value > 0) || !(value < 1)) ++cut;
          rgb[c][size_t(y * side + x)] = std::isfinite(value) ? value : 0;
        }
    }
    return block_of(rgb);
  });
  if (hides_noise(cut)) return std::nullopt;
  return area;
}

bool hides_noise(const Tensor& rgb, int64_t top, int64_t left) {
  int cut = 0;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = top; y < top + area_side; ++y) {
      const float* row = rgb.row(0, c, y) + left;
      cut += int(std::count_if(row, row + area_side, [](float v) { return !(v > 0 && v < 1); }));
    }
  return hides_noise(cut);
}

using Pieces = std::vector<Piece>;
using ByBrightness = std::array<std::vector<const Piece*>, Grain::brightnesses>;

ByBrightness by_brightness(const Pieces& pieces) {
  ByBrightness ranges;
  for (const Piece& piece : pieces)
    ranges[size_t(
               std::clamp(int(piece.brightness * Grain::brightnesses), 0, Grain::brightnesses - 1))]
        .push_back(&piece);
  return ranges;
}

/// The mean energies of each brightness that has pieces; others take the level of their neighbours.
Grain::Component component(const ByBrightness& ranges, Energies Piece::*energies) {
  Grain::Component result;
  Energies octaves{};
  double weights = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].empty()) continue;
    Energies sum{};
    for (const Piece* piece : ranges[i])
      for (size_t o = 0; o < sum.size(); ++o) sum[o] += (piece->*energies)[o];
    const auto count = double(ranges[i].size());
    result.level[i] = float(std::sqrt(total(sum) / count));
    if (!(total(sum) > 0)) continue;
    // Relative, so that a bright range has no more to say of the noise's grain than a dark one.
    for (size_t o = 0; o < sum.size(); ++o) octaves[o] += sum[o] * count / total(sum);
    weights += count;
  }
  for (size_t o = 0; o < octaves.size() && weights > 0; ++o)
    result.octave[o] = float(std::sqrt(octaves[o] / weights));
  const int count = int(ranges.size());
  for (int i = 0; i < count; ++i) {
    for (int away = 1; ranges[size_t(i)].empty() && away < count; ++away)
      for (const int neighbour : {i - away, i + away})
        if (neighbour >= 0 && neighbour < count && !ranges[size_t(neighbour)].empty()) {
          result.level[size_t(i)] = result.level[size_t(neighbour)];
          away = count;
          break;
        }
  }
  return result;
}

/// Share of the level that the tenth with the least energy has where all are alike.
constexpr float of_the_tenth = 0.88f;

/// From the tenth of the areas of each brightness, of those that have at least `enough`, that have
/// the least energy of this component.
Grain::Component of_even_places(ByBrightness ranges, size_t enough, Energies Piece::*energies) {
  for (auto& range : ranges) {
    if (range.size() < enough) range.clear();
    const size_t tenth = std::min(range.size(), std::max<size_t>(range.size() / 10, 3));
    if (tenth > 0)
      std::nth_element(range.begin(), range.begin() + std::ptrdiff_t(tenth - 1), range.end(),
                       [&](const Piece* a, const Piece* b) {
                         return total(a->*energies) < total(b->*energies);
                       });
    range.resize(tenth);
  }
  Grain::Component found = component(ranges, energies);
  for (float& level : found.level) level /= of_the_tenth;
  return found;
}

Grain of_even_places(const Pieces& areas, size_t enough) {
  const ByBrightness ranges = by_brightness(areas);
  return {of_even_places(ranges, enough, &Piece::luma),
          of_even_places(ranges, enough, &Piece::colour)};
}

/// A sensor's noise shows in colours as much as in luma; texture hardly does. Where luma's level is
/// above this, it is no more than twice colours'. A photo without colours says nothing of that.
Grain without_texture(Grain grain) {
  constexpr float doubtful = 5.0f / 255, most = 2, grey = 1e-4f;
  if (std::ranges::max(grain.colour.level) < grey) return grain;
  for (size_t i = 0; i < grain.luma.level.size(); ++i)
    grain.luma.level[i] =
        std::min(grain.luma.level[i], std::max(doubtful, most * grain.colour.level[i]));
  return grain;
}

/// Even places whose finest details are weaker than in any noise (smooth shading in steps of a
/// whole level has none) show the photo there: of coarser details only what goes with the finest
/// counts.
void drop_shading(Grain::Component& component) {
  const float share = component.octave[0] / Grain::least_octave;
  if (share >= 1) return;
  for (float& level : component.level) level *= share;
  if (share == 0) {
    component.octave.fill(1);
    return;
  }
  // The finest keeps its strength, the others share what is left of the new level's.
  const float fine = Grain::least_octave * Grain::least_octave;
  const float coarse = Grain::octaves - component.octave[0] * component.octave[0];
  component.octave[0] = Grain::least_octave;
  for (size_t i = 1; i < component.octave.size(); ++i)
    component.octave[i] *= std::sqrt((Grain::octaves - fine) / coarse);
}

/// Of an estimate, what noise can be.
Grain plausible(Grain grain) {
  drop_shading(grain.luma);
  drop_shading(grain.colour);
  return without_texture(grain);
}

/// Areas of one brightness in a patch.
constexpr size_t enough_of_a_patch = 4;

/// Calls use(top, left) for all pieces that are whole.
template <class Use>
void for_pieces(const Shape& shape, int64_t extent, const Use& use) {
  for (int64_t top = 0; top + extent <= shape.h; top += extent)
    for (int64_t left = 0; left + extent <= shape.w; left += extent) use(top, left);
}

Piece area_at(const Tensor& rgb, int64_t top, int64_t left) {
  return area_of([&](int down, int right) { return block_of(rgb, top + down, left + right); });
}

}  // namespace

Grain estimate_grain(const Image& photo) {
  // So many tell as much as all of a large photo.
  constexpr int64_t most = 40'000;
  const int64_t all = int64_t(photo.width / area_side) * (photo.height / area_side);
  if (all == 0) return {};
  const int step = area_side * int(std::ceil(std::sqrt(double(all) / double(most))));
  Pieces areas;
  std::visit(
      [&](const auto& samples) {
        for (int top = 0; top + area_side <= photo.height; top += step)
          for (int left = 0; left + area_side <= photo.width; left += step)
            if (const auto area = area_at(samples, photo, top, left)) areas.push_back(*area);
      },
      photo.samples);
  return plausible(of_even_places(areas, std::max<size_t>(10, areas.size() / 200)));
}

Grain estimate_grain(const Tensor& patch) {
  Pieces areas;
  for_pieces(patch.shape(), area_side, [&](int64_t top, int64_t left) {
    if (!hides_noise(patch, top, left)) areas.push_back(area_at(patch, top, left));
  });
  return plausible(of_even_places(areas, enough_of_a_patch));
}

Grain grain_between(const Tensor& noisy, const Tensor& clean) {
  Tensor residue(clean.shape());
  for (size_t i = 0; i < residue.size(); ++i) residue.data()[i] = noisy.data()[i] - clean.data()[i];
  Pieces areas;
  for_pieces(clean.shape(), area_side, [&](int64_t top, int64_t left) {
    areas.push_back(area_at(residue, top, left));
    areas.back().brightness = area_at(clean, top, left).brightness;
  });
  const auto tells = [](const auto& range) { return range.size() >= enough_of_a_patch; };
  if (std::ranges::any_of(by_brightness(areas), tells))
    return of_even_places(areas, enough_of_a_patch);
  Pieces blocks;
  for_pieces(clean.shape(), side, [&](int64_t top, int64_t left) {
    blocks.push_back(block_of(residue, top, left));
    blocks.back().brightness = block_of(clean, top, left).brightness;
  });
  const ByBrightness ranges = by_brightness(blocks);
  return {component(ranges, &Piece::luma), component(ranges, &Piece::colour)};
}

std::array<float, grain_condition_size> grain_condition(const Grain& grain) {
  std::array<float, grain_condition_size> condition{};
  size_t i = 0;
  for (const Grain::Component* component : {&grain.luma, &grain.colour}) {
    for (const float level : component->level)
      condition[i++] =
          (std::log(std::clamp(level, Grain::least_level, Grain::most_level)) + 4) / 1.5f;
    for (const float octave : component->octave)
      condition[i++] = std::log(std::clamp(octave, Grain::least_octave, Grain::most_octave)) + 0.3f;
  }
  return condition;
}

}  // namespace hyperconv
