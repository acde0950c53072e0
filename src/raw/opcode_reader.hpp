// The numbers in DNG's opcodes, for those who read them; what a file says may be anything.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace hyperconv {

using OpcodeBytes = std::span<const uint8_t>;

/// What a damaged list ends in; caught where opcodes are read.
struct DamagedOpcode : std::runtime_error {
  DamagedOpcode() : std::runtime_error("damaged opcode") {}
};

/// Big-endian numbers one after the other.
class OpcodeReader {
 public:
  explicit OpcodeReader(OpcodeBytes bytes) : bytes_(bytes) {}

  uint32_t u32() { return uint32_t(integer(4)); }
  uint16_t u16() { return uint16_t(integer(2)); }
  double f32() { return double(std::bit_cast<float>(u32())); }
  double f64() { return std::bit_cast<double>(integer(8)); }
  OpcodeBytes bytes(size_t count) {
    if (count > bytes_.size()) throw DamagedOpcode();
    const OpcodeBytes part = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return part;
  }
  size_t left() const { return bytes_.size(); }

 private:
  uint64_t integer(size_t size) {
    uint64_t value = 0;
    for (const uint8_t byte : bytes(size)) value = value << 8 | byte;
    return value;
  }

  OpcodeBytes bytes_;
};

enum OpcodeId : uint32_t {
  id_warp_rectilinear = 1,
  id_warp_fisheye = 2,
  id_fix_vignette_radial = 3,
  id_fix_bad_pixels_constant = 4,
  id_fix_bad_pixels_list = 5,
  id_trim_bounds = 6,
  id_map_table = 7,
  id_map_polynomial = 8,
  id_gain_map = 9,
  id_delta_per_row = 10,
  id_delta_per_column = 11,
  id_scale_per_row = 12,
  id_scale_per_column = 13,
};

/// The samples that an opcode is for, in its coordinates.
struct OpcodeArea {
  int64_t top = 0, left = 0, bottom = 0, right = 0, row_pitch = 1, column_pitch = 1;
  int64_t plane = 0, planes = 1;

  bool has_plane(int64_t number) const { return number >= plane && number - plane < planes; }
  int64_t rows() const { return (bottom - top + row_pitch - 1) / row_pitch; }
  int64_t columns() const { return (right - left + column_pitch - 1) / column_pitch; }
};

inline OpcodeArea read_area(OpcodeReader& reader) {
  OpcodeArea area;
  area.top = reader.u32();
  area.left = reader.u32();
  area.bottom = reader.u32();
  area.right = reader.u32();
  area.plane = reader.u32();
  area.planes = reader.u32();
  area.row_pitch = reader.u32();
  area.column_pitch = reader.u32();
  if (area.bottom < area.top || area.right < area.left || area.row_pitch == 0 ||
      area.column_pitch == 0)
    throw DamagedOpcode();
  return area;
}

struct GainMap {
  int64_t rows = 0, columns = 0, planes = 0;
  double row_step = 0, column_step = 0, row_origin = 0, column_origin = 0;
  std::vector<float> gains;  ///< rows, columns, planes

  /// Between the map's points straight, beyond them the nearest. `v` and `h`: 0..1 over the area;
  /// the last plane is for those that the map has none of.
  double at(double v, double h, int64_t plane) const {
    const auto place = [](double value, double origin, double step, int64_t count) {
      if (count == 1 || !(step > 0)) return 0.0;
      return std::clamp((value - origin) / step, 0.0, double(count - 1));
    };
    const double row = place(v, row_origin, row_step, rows);
    const double column = place(h, column_origin, column_step, columns);
    const auto r = int64_t(row), c = int64_t(column);
    const int64_t r2 = std::min(r + 1, rows - 1), c2 = std::min(c + 1, columns - 1);
    const double fr = row - double(r), fc = column - double(c);
    const auto gain = [&](int64_t i, int64_t j) {
      return double(gains[size_t((i * columns + j) * planes + std::min(plane, planes - 1))]);
    };
    return (1 - fr) * ((1 - fc) * gain(r, c) + fc * gain(r, c2)) +
           fr * ((1 - fc) * gain(r2, c) + fc * gain(r2, c2));
  }
};

inline GainMap read_gain_map(OpcodeReader& reader) {
  GainMap map;
  map.rows = reader.u32();
  map.columns = reader.u32();
  map.row_step = reader.f64();
  map.column_step = reader.f64();
  map.row_origin = reader.f64();
  map.column_origin = reader.f64();
  map.planes = reader.u32();
  const auto left = int64_t(reader.left() / 4);
  if (map.rows < 1 || map.columns < 1 || map.planes < 1 || map.rows > left ||
      map.columns > left / map.rows || map.planes > left / (map.rows * map.columns))
    throw DamagedOpcode();
  for (int64_t i = 0; i < map.rows * map.columns * map.planes; ++i)
    map.gains.push_back(float(reader.f32()));
  return map;
}

}  // namespace hyperconv
