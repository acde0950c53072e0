#include "raw/dng_opcodes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "raw/opcode_reader.hpp"

namespace hyperconv {
namespace {

/// A sample as a number that opcodes work on, and back.
class Scale {
 public:
  Scale(const OpcodeStage& stage, const Mosaic& mosaic) : mosaic_(mosaic), linear_(stage.linear) {}

  double unit(uint16_t sample, int y, int x) const {
    return linear_ ? (sample - black(y, x)) / (mosaic_.white - black(y, x)) : sample / 65535.0;
  }
  uint16_t sample(double unit, int y, int x) const {
    // DNG has values cut at 1 after each opcode; noise below black keeps its mean.
    const double value = std::min(unit, 1.0);
    const double wanted =
        linear_ ? black(y, x) + value * (mosaic_.white - black(y, x)) : value * 65535;
    return uint16_t(std::lround(std::clamp(wanted, 0.0, 65535.0)));
  }

 private:
  double black(int y, int x) const { return mosaic_.black[size_t(2 * (y % 2) + x % 2)]; }

  const Mosaic& mosaic_;
  bool linear_;
};

/// change(value, row of the area, column of the area, y, x) for every sample of the area that the
/// mosaic has.
template <class Change>
void for_area(const OpcodeArea& area, const OpcodeStage& stage, Mosaic& mosaic,
              const Change& change) {
  if (!area.has_plane(stage.plane)) return;
  const Scale scale(stage, mosaic);
  const auto first = [](int64_t from, int64_t offset, int64_t pitch) {
    return from >= offset ? from : from + (offset - from + pitch - 1) / pitch * pitch;
  };
  const int64_t bottom = std::min<int64_t>(area.bottom, int64_t(stage.top) + mosaic.height);
  const int64_t right = std::min<int64_t>(area.right, int64_t(stage.left) + mosaic.width);
  for (int64_t row = first(area.top, stage.top, area.row_pitch); row < bottom;
       row += area.row_pitch)
    for (int64_t column = first(area.left, stage.left, area.column_pitch); column < right;
         column += area.column_pitch) {
      const int y = int(row - stage.top), x = int(column - stage.left);
      uint16_t& sample = mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
      const double changed =
          change(scale.unit(sample, y, x), (row - area.top) / area.row_pitch,
                 (column - area.left) / area.column_pitch, double(row), double(column));
      if (std::isfinite(changed)) sample = scale.sample(changed, y, x);
    }
}

// ---- Gain maps

void apply_gain_map(OpcodeReader& reader, const OpcodeStage& stage, Mosaic& mosaic) {
  const OpcodeArea area = read_area(reader);
  const GainMap map = read_gain_map(reader);
  for_area(area, stage, mosaic, [&](double value, int64_t, int64_t, double y, double x) {
    return value *
           map.at((y + 0.5) / stage.height, (x + 0.5) / stage.width, stage.plane - area.plane);
  });
}

/// A gain of 1 + k0 r^2 + ... + k4 r^10, r from 0 at the centre to 1 at the farthest corner.
void fix_vignette_radial(OpcodeReader& reader, const OpcodeStage& stage, Mosaic& mosaic) {
  std::array<double, 5> k{};
  for (double& value : k) value = reader.f64();
  const double centre_x = reader.f64() * stage.width, centre_y = reader.f64() * stage.height;
  const double farthest = std::hypot(std::max(centre_x, stage.width - centre_x),
                                     std::max(centre_y, stage.height - centre_y));
  const OpcodeArea all = {.bottom = stage.height, .right = stage.width, .plane = stage.plane};
  for_area(all, stage, mosaic, [&](double value, int64_t, int64_t, double y, double x) {
    const double r = std::hypot(x + 0.5 - centre_x, y + 0.5 - centre_y) / farthest;
    double gain = 0;
    for (size_t i = k.size(); i-- > 0;) gain = (gain + k[i]) * r * r;
    return value * (1 + gain);
  });
}

// ---- Dead pixels

/// The mean of those of the sample's colour two samples away that are sound; the sample where none
/// is.
template <class IsBad>
uint16_t repaired(const Mosaic& mosaic, int y, int x, const IsBad& is_bad) {
  constexpr std::array<std::array<int, 2>, 4> ways = {{{-2, 0}, {2, 0}, {0, -2}, {0, 2}}};
  int sum = 0, count = 0;
  for (const auto& [dy, dx] : ways) {
    const int row = y + dy, column = x + dx;
    if (row < 0 || column < 0 || row >= mosaic.height || column >= mosaic.width) continue;
    if (is_bad(row, column)) continue;
    sum += mosaic.samples[size_t(row) * size_t(mosaic.width) + size_t(column)];
    ++count;
  }
  if (count == 0) return mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)];
  return uint16_t((sum + count / 2) / count);
}

void fix_bad_pixels_constant(OpcodeReader& reader, Mosaic& mosaic) {
  const uint32_t constant = reader.u32();
  const std::vector<uint16_t> before = mosaic.samples;
  const auto is_bad = [&](int y, int x) {
    return before[size_t(y) * size_t(mosaic.width) + size_t(x)] == constant;
  };
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x)
      if (is_bad(y, x))
        mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)] =
            repaired(mosaic, y, x, is_bad);
}

void fix_bad_pixels_list(OpcodeReader& reader, const OpcodeStage& stage, Mosaic& mosaic) {
  reader.u32();  // Bayer phase: the mosaic's own is known
  const uint32_t points = reader.u32(), rectangles = reader.u32();
  if (points > reader.left() / 8 || rectangles > (reader.left() - points * size_t(8)) / 16)
    throw DamagedOpcode();
  std::vector<bool> bad(mosaic.samples.size());
  const auto mark = [&](int64_t row, int64_t column) {
    const int64_t y = row - stage.top, x = column - stage.left;
    if (y >= 0 && x >= 0 && y < mosaic.height && x < mosaic.width)
      bad[size_t(y) * size_t(mosaic.width) + size_t(x)] = true;
  };
  for (uint32_t i = 0; i < points; ++i) {
    const int64_t row = reader.u32(), column = reader.u32();
    mark(row, column);
  }
  // Rectangles may lie over one another, but not so that a file keeps us busy for hours.
  int64_t work = 4 * int64_t(bad.size());
  for (uint32_t i = 0; i < rectangles; ++i) {
    const int64_t top = reader.u32(), left = reader.u32();
    const int64_t bottom = std::min<int64_t>(reader.u32(), int64_t(stage.top) + mosaic.height);
    const int64_t right = std::min<int64_t>(reader.u32(), int64_t(stage.left) + mosaic.width);
    work -= std::max<int64_t>(bottom - std::max<int64_t>(top, stage.top), 0) *
            std::max<int64_t>(right - std::max<int64_t>(left, stage.left), 0);
    if (work < 0) throw DamagedOpcode();
    for (int64_t row = std::max<int64_t>(top, stage.top); row < bottom; ++row)
      for (int64_t column = std::max<int64_t>(left, stage.left); column < right; ++column)
        mark(row, column);
  }
  const auto is_bad = [&](int y, int x) {
    return bool(bad[size_t(y) * size_t(mosaic.width) + size_t(x)]);
  };
  for (int y = 0; y < mosaic.height; ++y)
    for (int x = 0; x < mosaic.width; ++x)
      if (is_bad(y, x))
        mosaic.samples[size_t(y) * size_t(mosaic.width) + size_t(x)] =
            repaired(mosaic, y, x, is_bad);
}

// ---- Tables, polynomials, rows and columns

void map_table(OpcodeReader& reader, const OpcodeStage& stage, Mosaic& mosaic) {
  const OpcodeArea area = read_area(reader);
  const uint32_t count = reader.u32();
  if (count == 0 || count > reader.left() / 2) throw DamagedOpcode();
  std::vector<uint16_t> table(count);
  for (uint16_t& value : table) value = reader.u16();
  for_area(area, stage, mosaic, [&](double value, int64_t, int64_t, double, double) {
    const auto index = size_t(std::lround(std::clamp(value, 0.0, 1.0) * 65535));
    return table[std::min(index, table.size() - 1)] / 65535.0;
  });
}

void map_polynomial(OpcodeReader& reader, const OpcodeStage& stage, Mosaic& mosaic) {
  constexpr uint32_t highest_degree = 8;
  const OpcodeArea area = read_area(reader);
  const uint32_t degree = reader.u32();
  if (degree > highest_degree) throw DamagedOpcode();
  std::vector<double> coefficients;
  for (uint32_t i = 0; i <= degree; ++i) coefficients.push_back(reader.f64());
  for_area(area, stage, mosaic, [&](double value, int64_t, int64_t, double, double) {
    double sum = 0;
    for (size_t i = coefficients.size(); i-- > 0;) sum = sum * value + coefficients[i];
    return sum;
  });
}

void change_lines(OpcodeReader& reader, uint32_t id, const OpcodeStage& stage, Mosaic& mosaic) {
  const OpcodeArea area = read_area(reader);
  const bool of_rows = id == id_delta_per_row || id == id_scale_per_row;
  const bool scales = id == id_scale_per_row || id == id_scale_per_column;
  const uint32_t count = reader.u32();
  if (count > reader.left() / 4 || int64_t(count) < (of_rows ? area.rows() : area.columns()))
    throw DamagedOpcode();
  std::vector<double> numbers;
  for (uint32_t i = 0; i < count; ++i) numbers.push_back(reader.f32());
  for_area(area, stage, mosaic, [&](double value, int64_t row, int64_t column, double, double) {
    const double number = numbers[size_t(of_rows ? row : column)];
    return scales ? value * number : value + number;
  });
}

/// False where the opcode is none that acts on a mosaic's samples.
bool apply(const Opcode& opcode, const OpcodeStage& stage, Mosaic& mosaic) {
  OpcodeReader reader(opcode.parameters);
  switch (opcode.id) {
    case id_fix_vignette_radial:
      fix_vignette_radial(reader, stage, mosaic);
      return true;
    case id_fix_bad_pixels_constant:
      fix_bad_pixels_constant(reader, mosaic);
      return true;
    case id_fix_bad_pixels_list:
      fix_bad_pixels_list(reader, stage, mosaic);
      return true;
    case id_map_table:
      map_table(reader, stage, mosaic);
      return true;
    case id_map_polynomial:
      map_polynomial(reader, stage, mosaic);
      return true;
    case id_gain_map:
      apply_gain_map(reader, stage, mosaic);
      return true;
    case id_delta_per_row:
    case id_delta_per_column:
    case id_scale_per_row:
    case id_scale_per_column:
      change_lines(reader, opcode.id, stage, mosaic);
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<std::vector<Opcode>> parse_opcodes(OpcodeBytes list) {
  try {
    OpcodeReader reader(list);
    std::vector<Opcode> opcodes;
    constexpr uint32_t most = 64;  // cameras write up to a dozen
    const uint32_t count = reader.u32();
    if (count > most) return std::nullopt;
    for (uint32_t i = 0; i < count; ++i) {
      Opcode opcode;
      opcode.id = reader.u32();
      reader.u32();  // the DNG version that brought it
      opcode.optional = (reader.u32() & 1) != 0;
      opcode.parameters = reader.bytes(reader.u32());
      opcodes.push_back(opcode);
    }
    return opcodes;
  } catch (const DamagedOpcode&) {
    return std::nullopt;
  }
}

std::string opcode_name(uint32_t id) {
  constexpr std::array<const char*, 15> names = {"",
                                                 "WarpRectilinear",
                                                 "WarpFisheye",
                                                 "FixVignetteRadial",
                                                 "FixBadPixelsConstant",
                                                 "FixBadPixelsList",
                                                 "TrimBounds",
                                                 "MapTable",
                                                 "MapPolynomial",
                                                 "GainMap",
                                                 "DeltaPerRow",
                                                 "DeltaPerColumn",
                                                 "ScalePerRow",
                                                 "ScalePerColumn",
                                                 "WarpRectilinear2"};
  return id > 0 && id < names.size() ? names[id] : fmt::format("opcode {}", id);
}

std::string opcode_names(OpcodeBytes list) {
  const auto opcodes = parse_opcodes(list);
  if (!opcodes) return "a damaged list";
  std::string names;
  for (const Opcode& opcode : *opcodes)
    names += (names.empty() ? "" : ", ") + opcode_name(opcode.id);
  return names;
}

void apply_opcodes(OpcodeBytes list, const OpcodeStage& stage, Mosaic& mosaic) {
  if (list.empty()) return;
  const auto opcodes = parse_opcodes(list);
  if (!opcodes) {
    mosaic.warnings.push_back("its list of DNG opcodes is damaged; none of them is applied");
    return;
  }
  for (const Opcode& opcode : *opcodes) {
    try {
      const bool applied = apply(opcode, stage, mosaic);
      if (applied) mosaic.opcodes.push_back(opcode_name(opcode.id));
      if (!applied)
        mosaic.warnings.push_back(fmt::format("the DNG opcode {}{} is not applied",
                                              opcode_name(opcode.id),
                                              opcode.optional ? ", which is optional," : ""));
    } catch (const DamagedOpcode&) {
      mosaic.warnings.push_back(
          fmt::format("the DNG opcode {} is damaged and not applied", opcode_name(opcode.id)));
    }
  }
}

}  // namespace hyperconv
