#include "image/grain.hpp"

#include <algorithm>
#include <cmath>

#include "image/samples.hpp"

namespace hyperconv {
namespace {

constexpr int side = GrainMeter::side;
constexpr size_t pixels = size_t(side) * side;
using Values = std::array<float, pixels>;

/// Adds the mean square of each octave's details to `energies`; destroys the values.
void add_haar(Values& values, double factor, GrainMeter::Energies& energies) {
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

double total(const GrainMeter::Energies& energies) {
  double sum = 0;
  for (const double energy : energies) sum += energy;
  return sum / double(energies.size());
}

size_t range_of(double brightness) {
  return size_t(std::clamp(int(brightness * Grain::brightnesses), 0, Grain::brightnesses - 1));
}

template <class Count, class Energies>
Grain::Component component(const Count& count, const Energies& energies, size_t enough) {
  constexpr int ranges = Grain::brightnesses;
  Grain::Component result;
  std::array<bool, ranges> known{};
  GrainMeter::Energies octaves{};
  double sum = 0;
  for (int i = 0; i < ranges; ++i) {
    known[size_t(i)] = count(i) > 0 && count(i) >= enough;
    if (!known[size_t(i)]) continue;
    const double mean = total(energies(i)) / double(count(i));
    result.level[size_t(i)] = float(std::sqrt(mean));
    // Relative, so that a bright range has no more to say of the noise's grain than a dark one.
    const double weight = mean > 0 ? double(count(i)) / total(energies(i)) : 0;
    for (size_t o = 0; o < octaves.size(); ++o) octaves[o] += energies(i)[o] * weight;
    sum += mean > 0 ? double(count(i)) : 0;
  }
  for (size_t o = 0; o < octaves.size() && sum > 0; ++o)
    result.octave[o] = float(std::sqrt(octaves[o] / sum));
  for (int i = 0; i < ranges; ++i) {
    for (int away = 1; !known[size_t(i)] && away < ranges; ++away)
      for (const int neighbour : {i - away, i + away})
        if (neighbour >= 0 && neighbour < ranges && known[size_t(neighbour)]) {
          result.level[size_t(i)] = result.level[size_t(neighbour)];
          away = ranges;
          break;
        }
  }
  return result;
}

constexpr int area_side = EvenPlaces::side;
/// Share of the level that the tenth with the least energy has where all are alike.
constexpr float of_the_tenth = 0.88f;

/// Four blocks, each filled by `fill(top, left, block)`, counted within the area.
template <class Fill>
EvenPlaces::Area area_of(const Fill& fill) {
  EvenPlaces::Area area;
  for (int part = 0; part < 4; ++part) {
    std::array<Values, 3> rgb;
    fill(part / 2 * side, part % 2 * side, rgb);
    const GrainMeter::Block block = GrainMeter::block(rgb);
    area.brightness += block.brightness / 4;
    for (size_t o = 0; o < area.luma.size(); ++o) {
      area.luma[o] += block.luma[o] / 4;
      area.colour[o] += block.colour[o] / 4;
    }
  }
  return area;
}

/// Of an area's samples so many are black or white, which hide noise.
bool hides_noise(int cut) { return 8 * cut >= 3 * area_side * area_side; }

/// Nothing where noise is hidden.
template <class Sample>
std::optional<EvenPlaces::Area> area_at(const std::vector<Sample>& samples, const Image& photo,
                                        int top, int left) {
  const bool is_grey = photo.channels < 3;
  constexpr float white = white_of<Sample>();
  int cut = 0;
  const auto area = area_of([&](int down, int right, std::array<Values, 3>& rgb) {
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

/// Of the areas of each brightness the tenth with the least energy in one component.
template <class Energy>
Grain::Component even_places(const std::vector<EvenPlaces::Area>& areas, size_t enough,
                             const Energy& energy) {
  using Area = EvenPlaces::Area;
  struct Sums {
    size_t count = 0;
    GrainMeter::Energies energies{};
  };
  std::array<Sums, Grain::brightnesses> sums;
  std::array<std::vector<const Area*>, Grain::brightnesses> ranges;
  for (const Area& area : areas) ranges[range_of(area.brightness)].push_back(&area);
  for (size_t i = 0; i < ranges.size(); ++i) {
    auto& range = ranges[i];
    if (range.size() < enough) continue;
    const auto tenth = range.begin() + std::ptrdiff_t(std::max<size_t>(range.size() / 10, 3));
    std::nth_element(range.begin(), tenth - 1, range.end(), [&](const Area* a, const Area* b) {
      return total(energy(*a)) < total(energy(*b));
    });
    for (auto area = range.begin(); area != tenth; ++area) {
      ++sums[i].count;
      for (size_t o = 0; o < sums[i].energies.size(); ++o) sums[i].energies[o] += energy(**area)[o];
    }
  }
  Grain::Component found =
      component([&](int i) { return sums[size_t(i)].count; },
                [&](int i) -> const auto& { return sums[size_t(i)].energies; }, 1);
  for (float& level : found.level) level /= of_the_tenth;
  return found;
}

/// Areas of one brightness in a patch.
constexpr size_t enough_of_a_patch = 4;

template <class Use>
void for_areas(const Shape& shape, const Use& use) {
  for (int64_t top = 0; top + area_side <= shape.h; top += area_side)
    for (int64_t left = 0; left + area_side <= shape.w; left += area_side) use(top, left);
}

/// Of a residue's 8x8 pixels, with the brightness of the clean picture there.
GrainMeter::Block block_at(const Tensor& residue, const Tensor& clean, int64_t top, int64_t left) {
  std::array<Values, 3> values;
  double brightness = 0;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < side; ++y) {
      std::copy_n(residue.row(0, c, top + y) + left, side, values[size_t(c)].begin() + y * side);
      const float* row = clean.row(0, c, top + y) + left;
      for (int64_t x = 0; x < side; ++x)
        brightness += double(luma_weights[size_t(c)] * row[x]) / double(pixels);
    }
  GrainMeter::Block block = GrainMeter::block(values);
  block.brightness = brightness;
  return block;
}

}  // namespace

GrainMeter::Block GrainMeter::block(const std::array<Values, 3>& rgb) {
  Block block;
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

void GrainMeter::add(const Block& block) {
  Sums& sums = sums_[range_of(block.brightness)];
  ++sums.count;
  for (size_t o = 0; o < sums.luma.size(); ++o) {
    sums.luma[o] += block.luma[o];
    sums.colour[o] += block.colour[o];
  }
}

Grain GrainMeter::grain() const {
  const auto count = [&](int i) { return sums_[size_t(i)].count; };
  return Grain{component(
                   count, [&](int i) -> const auto& { return sums_[size_t(i)].luma; }, 1),
               component(
                   count, [&](int i) -> const auto& { return sums_[size_t(i)].colour; }, 1)};
}

EvenPlaces::Area EvenPlaces::area(const Tensor& rgb, int64_t top, int64_t left) {
  return area_of([&](int down, int right, std::array<Values, 3>& values) {
    for (int64_t c = 0; c < 3; ++c)
      for (int y = 0; y < GrainMeter::side; ++y)
        std::copy_n(rgb.row(0, c, top + down + y) + left + right, GrainMeter::side,
                    values[size_t(c)].begin() + y * GrainMeter::side);
  });
}

bool EvenPlaces::has(size_t enough) const {
  std::array<size_t, Grain::brightnesses> counts{};
  for (const Area& area : areas_) ++counts[range_of(area.brightness)];
  return std::ranges::max(counts) >= enough;
}

Grain EvenPlaces::grain(size_t enough) const {
  return {even_places(
              areas_, enough, [](const Area& area) -> const auto& { return area.luma; }),
          even_places(
              areas_, enough, [](const Area& area) -> const auto& { return area.colour; })};
}

Grain estimate_grain(const Image& photo) {
  // So many tell as much as all of a large photo.
  constexpr int64_t most = 40'000;
  const int64_t all = int64_t(photo.width / area_side) * (photo.height / area_side);
  if (all == 0) return {};
  const int step = area_side * int(std::ceil(std::sqrt(double(all) / double(most))));
  EvenPlaces places;
  std::visit(
      [&](const auto& samples) {
        for (int top = 0; top + area_side <= photo.height; top += step)
          for (int left = 0; left + area_side <= photo.width; left += step)
            if (const auto area = area_at(samples, photo, top, left)) places.add(*area);
      },
      photo.samples);
  return places.grain();
}

Grain estimate_grain(const Tensor& patch) {
  EvenPlaces places;
  for_areas(patch.shape(), [&](int64_t top, int64_t left) {
    if (!hides_noise(patch, top, left)) places.add(EvenPlaces::area(patch, top, left));
  });
  return places.grain(enough_of_a_patch);
}

Grain grain_between(const Tensor& noisy, const Tensor& clean) {
  Tensor residue(clean.shape());
  for (size_t i = 0; i < residue.size(); ++i) residue.data()[i] = noisy.data()[i] - clean.data()[i];
  EvenPlaces places;
  for_areas(clean.shape(), [&](int64_t top, int64_t left) {
    EvenPlaces::Area area = EvenPlaces::area(residue, top, left);
    area.brightness = EvenPlaces::area(clean, top, left).brightness;
    places.add(area);
  });
  if (places.has(enough_of_a_patch)) return places.grain(enough_of_a_patch);
  GrainMeter meter;
  for (int64_t top = 0; top + side <= clean.shape().h; top += side)
    for (int64_t left = 0; left + side <= clean.shape().w; left += side)
      meter.add(block_at(residue, clean, top, left));
  return meter.grain();
}

Grain corrected(const Grain& told, const Grain& removed) {
  struct Shares {
    float of_weak, of_strong;
  };
  constexpr Shares of_luma = {0.35f, 0.55f}, of_colour = {0.5f, 0.7f};
  constexpr float weak = 0.01f, strong = 0.03f;  // levels
  const auto correct = [&](const Grain::Component& seen, const Shares& shares,
                           Grain::Component& component) {
    for (size_t i = 0; i < component.level.size(); ++i) {
      float& level = component.level[i];
      const float strength =
          std::log(std::clamp(level, weak, strong) / weak) / std::log(strong / weak);
      const float share = std::lerp(shares.of_weak, shares.of_strong, strength);
      // EvenPlaces makes good what the tenth lacks; here it is a bound as it is.
      level = std::min(level, seen.level[i] * of_the_tenth / share);
    }
  };
  Grain result = told;
  correct(removed.luma, of_luma, result.luma);
  correct(removed.colour, of_colour, result.colour);
  return result;
}

std::array<float, grain_condition_size> grain_condition(const Grain& grain) {
  std::array<float, grain_condition_size> condition{};
  size_t i = 0;
  for (const Grain::Component* component : {&grain.luma, &grain.colour}) {
    for (const float level : component->level)
      condition[i++] = (std::log(std::clamp(level, 1.0f / 1024, 0.3f)) + 4) / 1.5f;
    for (const float octave : component->octave)
      condition[i++] = std::log(std::clamp(octave, 0.05f, 1.73f)) + 0.3f;
  }
  return condition;
}

}  // namespace hyperconv
