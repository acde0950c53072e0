// DNG 1.7, chapter 7: the opcodes of the third list, which act after demosaicing, as one
// correction: from a pixel of the corrected photo they are walked back to where its light is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "raw/dng_opcodes.hpp"
#include "raw/lens.hpp"
#include "raw/opcode_reader.hpp"

namespace hyperconv {
namespace {

/// Coordinates relative to the active area, and back to samples.
struct Frame {
  double top = 0, left = 0, height = 0, width = 0;  ///< from the first sample's corner

  /// The distance of the farthest corner from a place in the area.
  double farthest(double x, double y) const {
    return std::hypot(std::max(x, width - x), std::max(y, height - y));
  }
};

/// The centre of a lens, and what distances from it are counted in.
struct Centre {
  double x = 0, y = 0, unit = 1;
};

Centre read_centre(OpcodeReader& reader, const Frame& frame) {
  const double x = reader.f64() * frame.width, y = reader.f64() * frame.height;
  const double unit = frame.farthest(x, y);
  if (!std::isfinite(x) || !std::isfinite(y) || !(unit > 0)) throw DamagedOpcode();
  return {frame.left + x, frame.top + y, unit};
}

/// Sums of even powers of the distance, and what a lens that is not quite centred adds.
struct Rectilinear {
  std::array<std::array<double, 6>, 3> planes{};  ///< kr0..kr3, kt0, kt1
  Centre centre;

  void walk_back(size_t plane, double& x, double& y) const {
    const auto& k = planes[plane];
    const double dx = (x - centre.x) / centre.unit, dy = (y - centre.y) / centre.unit;
    const double r2 = dx * dx + dy * dy;
    const double f = k[0] + r2 * (k[1] + r2 * (k[2] + r2 * k[3]));
    x = centre.x + centre.unit * (f * dx + k[4] * 2 * dx * dy + k[5] * (r2 + 2 * dx * dx));
    y = centre.y + centre.unit * (f * dy + k[5] * 2 * dx * dy + k[4] * (r2 + 2 * dy * dy));
  }
};

/// Odd powers of the angle, of which the distance is the tangent.
struct Fisheye {
  std::array<std::array<double, 4>, 3> planes{};
  Centre centre;

  void walk_back(size_t plane, double& x, double& y) const {
    const auto& k = planes[plane];
    const double dx = (x - centre.x) / centre.unit, dy = (y - centre.y) / centre.unit;
    const double r = std::hypot(dx, dy), t = std::atan(r), t2 = t * t;
    const double f = r < 1e-9 ? k[0] : t * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))) / r;
    x = centre.x + centre.unit * f * dx;
    y = centre.y + centre.unit * f * dy;
  }
};

struct RadialGain {
  std::array<double, 5> k{};
  Centre centre;

  double at(double x, double y) const {
    const double dx = (x - centre.x) / centre.unit, dy = (y - centre.y) / centre.unit;
    const double r2 = dx * dx + dy * dy;
    double gain = 0;
    for (size_t i = k.size(); i-- > 0;) gain = (gain + k[i]) * r2;
    return 1 + gain;
  }
};

struct MappedGain {
  OpcodeArea area;
  GainMap map;
  Frame frame;

  double at(size_t plane, double x, double y) const {
    const double row = std::floor(y - frame.top), column = std::floor(x - frame.left);
    const bool acts = area.has_plane(int64_t(plane)) && row >= double(area.top) &&
                      row < double(area.bottom) && column >= double(area.left) &&
                      column < double(area.right) && area.row_pitch == 1 && area.column_pitch == 1;
    if (!acts) return 1;
    return map.at((y - frame.top) / frame.height, (x - frame.left) / frame.width,
                  int64_t(plane) - area.plane);
  }
};

using Stage = std::variant<Rectilinear, Fisheye, RadialGain, MappedGain>;

/// One set of numbers for all three planes, or one for each.
template <size_t count>
std::array<std::array<double, count>, 3> read_planes(OpcodeReader& reader) {
  const uint32_t planes = reader.u32();
  if (planes != 1 && planes != 3) throw DamagedOpcode();
  std::array<std::array<double, count>, 3> all{};
  for (uint32_t plane = 0; plane < 3; ++plane) {
    if (plane >= planes) {
      all[plane] = all[0];
      continue;
    }
    for (double& value : all[plane]) {
      value = reader.f64();
      if (!std::isfinite(value)) throw DamagedOpcode();
    }
  }
  return all;
}

/// Nothing where the opcode is no such.
std::optional<Stage> stage_of(const Opcode& opcode, const Frame& frame) {
  OpcodeReader reader(opcode.parameters);
  switch (opcode.id) {
    case id_warp_rectilinear: {
      Rectilinear warp;
      warp.planes = read_planes<6>(reader);
      warp.centre = read_centre(reader, frame);
      return warp;
    }
    case id_warp_fisheye: {
      Fisheye warp;
      warp.planes = read_planes<4>(reader);
      warp.centre = read_centre(reader, frame);
      return warp;
    }
    case id_fix_vignette_radial: {
      RadialGain gain;
      for (double& value : gain.k) {
        value = reader.f64();
        if (!std::isfinite(value)) throw DamagedOpcode();
      }
      gain.centre = read_centre(reader, frame);
      return gain;
    }
    case id_gain_map: {
      MappedGain gain;
      gain.area = read_area(reader);
      gain.map = read_gain_map(reader);
      gain.frame = frame;
      return gain;
    }
    default:
      return std::nullopt;
  }
}

class OpcodeCorrection : public LensCorrection {
 public:
  void add(const Opcode& opcode, Stage stage) {
    report_.source = "DNG";
    report_.name += (report_.name.empty() ? "" : ", ") + opcode_name(opcode.id);
    if (const auto* warp = std::get_if<Rectilinear>(&stage)) note(warp->planes);
    if (const auto* warp = std::get_if<Fisheye>(&stage)) note(warp->planes);
    report_.vignetting |=
        std::holds_alternative<RadialGain>(stage) || std::holds_alternative<MappedGain>(stage);
    stages_.push_back(std::move(stage));
  }
  bool is_empty() const { return stages_.empty(); }

  void places(int64_t y, int64_t x, std::span<LensPixel> pixels) const override {
    for (size_t i = 0; i < pixels.size(); ++i)
      for (size_t plane = 0; plane < 3; ++plane)
        pixels[i][plane] = place(plane, double(x + int64_t(i)) + 0.5, double(y) + 0.5);
  }
  const LensReport& report() const override { return report_; }

 private:
  template <class Planes>
  void note(const Planes& planes) {
    report_.distortion = true;
    report_.lateral_colour |= planes[0] != planes[1] || planes[1] != planes[2];
  }

  LensPlace place(size_t plane, double x, double y) const {
    double gain = 1;
    for (size_t i = stages_.size(); i-- > 0;) {
      if (const auto* warp = std::get_if<Rectilinear>(&stages_[i])) warp->walk_back(plane, x, y);
      if (const auto* warp = std::get_if<Fisheye>(&stages_[i])) warp->walk_back(plane, x, y);
      if (const auto* radial = std::get_if<RadialGain>(&stages_[i])) gain *= radial->at(x, y);
      if (const auto* map = std::get_if<MappedGain>(&stages_[i])) gain *= map->at(plane, x, y);
    }
    // What a damaged file makes of them still has to be a float.
    const auto bounded = [](double value) { return float(std::clamp(value, -1e9, 1e9)); };
    return {bounded(x - 0.5), bounded(y - 0.5), std::isfinite(gain) ? bounded(gain) : 1.f};
  }

  std::vector<Stage> stages_;
  LensReport report_;
};

}  // namespace

std::unique_ptr<LensCorrection> lens_of_opcodes(Mosaic& facts) {
  if (facts.later_opcodes.empty()) return nullptr;
  const auto opcodes = parse_opcodes(facts.later_opcodes);
  if (!opcodes) return nullptr;
  const Region area =
      facts.opcode_area.value_or(Region{0, 0, int64_t(facts.height), int64_t(facts.width)});
  const Frame frame{double(area.top), double(area.left), double(area.height), double(area.width)};
  auto lens = std::make_unique<OpcodeCorrection>();
  for (const Opcode& opcode : *opcodes) {
    const auto left_out = [&](const char* why) {
      facts.warnings.push_back(fmt::format("the DNG opcode {} {}", opcode_name(opcode.id), why));
    };
    try {
      if (auto stage = stage_of(opcode, frame))
        lens->add(opcode, std::move(*stage));
      else
        left_out("is none of a lens, and not applied");
    } catch (const DamagedOpcode&) {
      left_out("is damaged and not applied");
    }
  }
  if (lens->is_empty()) return nullptr;
  return lens;
}

}  // namespace hyperconv
