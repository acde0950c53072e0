// What the tests of this room need. Not part of the library.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/testing.hpp"
#include "image/tiff_writer.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

/// Samples that all differ from their neighbours, within [least, most].
inline std::vector<uint16_t> noise_samples(size_t count, int least, int most) {
  Random random(7);
  std::vector<uint16_t> samples(count);
  for (auto& sample : samples)
    sample = uint16_t(least + int(random.bits() % uint64_t(most - least + 1)));
  return samples;
}

/// A mosaic that knows everything.
inline Mosaic full_mosaic(int width, int height, const ColourFilters& cfa) {
  Mosaic mosaic;
  mosaic.width = width;
  mosaic.height = height;
  mosaic.samples = noise_samples(size_t(width) * size_t(height), 0, 15000);
  mosaic.cfa = cfa;
  mosaic.black = {512.25, 513, 511.5, 514};
  mosaic.white = 15000;
  mosaic.white_balance = {2.1234567, 1, 1.4567891};
  mosaic.xyz_to_camera = {{{0.6461, -0.1164, -0.0857},  //
                           {-0.3825, 1.1597, 0.2534},
                           {-0.0416, 0.1540, 0.6039}}};
  mosaic.orientation = 6;
  mosaic.noise = NoiseProfile{1.2345e-4, 6.789e-7};
  mosaic.shot = {"Hyper", "Conv One", "50mm F1.8", "2024:02:29 23:59:58", 1600, 1.0 / 250, 1.8, 50};
  return mosaic;
}

/// A DNG as other programs might write it, right or wrong.
struct CraftedDng {
  int width = 40, height = 30;
  std::vector<uint16_t> samples = noise_samples(size_t(40) * 30, 1000, 4000);
  std::vector<uint16_t> bits = {16};  // one for each sample of a pixel
  uint16_t photometric = 32803;
  uint16_t sample_format = 1;
  std::vector<uint16_t> filter_repeat = {2, 2};
  std::vector<uint8_t> filters = {0, 1, 1, 2};
  std::vector<uint8_t> planes = {0, 1, 2};
  std::vector<uint32_t> active_area;           // top, left, bottom, right
  std::vector<double> crop_origin, crop_size;  // across, down
  std::vector<uint16_t> black_repeat;
  std::vector<double> black;
  uint32_t white = 4095;
  std::vector<double> neutral = {0.5, 1, 0.625};
  std::vector<double> matrix = {0.6461, -0.1164, -0.0857, -0.3825, 1.1597,
                                0.2534, -0.0416, 0.1540,  0.6039};
  std::vector<double> second_matrix, noise;
  std::vector<double> white_xy;
  double baseline_exposure = 0;
  std::vector<uint16_t> linearisation;
  std::vector<uint8_t> opcodes1, opcodes2, opcodes3;
  uint16_t compression = 1;

  std::vector<uint8_t> encode() const {
    TiffDirectory tags;
    tags.longs(254, {0});
    tags.longs(256, {uint32_t(width)});
    tags.longs(257, {uint32_t(height)});
    tags.shorts(258, bits);
    tags.shorts(259, {compression});
    tags.shorts(262, {photometric});
    tags.shorts(277, {uint16_t(bits.size())});
    tags.longs(278, {uint32_t(height)});
    tags.longs(279, {uint32_t(samples.size() * 2)});
    tags.shorts(339, std::vector<uint16_t>(bits.size(), sample_format));
    if (!filters.empty()) {
      tags.shorts(33421, filter_repeat);
      tags.bytes(33422, filters);
      tags.bytes(50710, planes);
    }
    tags.bytes(50706, {1, 4, 0, 0});
    tags.ascii(50708, "Crafted");
    if (!black_repeat.empty()) tags.shorts(50713, black_repeat);
    if (!black.empty()) tags.rationals(50714, black);
    tags.longs(50717, {white});
    if (!matrix.empty()) tags.signed_rationals(50721, matrix);
    if (!second_matrix.empty()) {
      tags.signed_rationals(50722, second_matrix);
      tags.shorts(50778, {21});
      tags.shorts(50779, {17});
    }
    if (!neutral.empty()) tags.rationals(50728, neutral);
    if (!active_area.empty()) tags.longs(50829, active_area);
    if (!crop_origin.empty()) tags.rationals(50719, crop_origin);
    if (!crop_size.empty()) tags.rationals(50720, crop_size);
    if (!noise.empty()) tags.doubles(51041, noise);
    if (!white_xy.empty()) tags.rationals(50729, white_xy);
    if (baseline_exposure != 0) tags.signed_rationals(50730, std::array{baseline_exposure});
    if (!linearisation.empty()) tags.shorts(50712, linearisation);
    const auto opcodes = [&tags](uint16_t tag, const std::vector<uint8_t>& list) {
      if (!list.empty()) tags.verbatim(tag, 7, uint32_t(list.size()), list);
    };
    opcodes(51008, opcodes1);
    opcodes(51009, opcodes2);
    opcodes(51022, opcodes3);
    tags.longs(273, {8 + tags.size() + 12});
    std::vector<uint8_t> out = {'I', 'I', 42, 0, 8, 0, 0, 0};
    tags.append_to(out);
    for (const uint16_t sample : samples) {
      out.push_back(uint8_t(sample));
      out.push_back(uint8_t(sample >> 8));
    }
    return out;
  }
};

/// A list of DNG opcodes, which is big-endian whatever the file is.
class OpcodeList {
 public:
  /// Begins an opcode; its parameters follow.
  OpcodeList& opcode(uint32_t id, bool optional = false) {
    finish();
    ++count_;
    u32(id).u32(0x01030000).u32(optional ? 1 : 0).u32(0);
    length_at_ = bytes_.size() - 4;
    return *this;
  }
  OpcodeList& u32(uint32_t value) { return put(value, 4); }
  OpcodeList& u16(uint16_t value) { return put(value, 2); }
  OpcodeList& f32(float value) { return put(std::bit_cast<uint32_t>(value), 4); }
  OpcodeList& f64(double value) { return put(std::bit_cast<uint64_t>(value), 8); }
  /// The whole of a mosaic of this size, every sample.
  OpcodeList& area(uint32_t height, uint32_t width) {
    return u32(0).u32(0).u32(height).u32(width).u32(0).u32(1).u32(1).u32(1);
  }

  std::vector<uint8_t> bytes() {
    finish();
    std::vector<uint8_t> list(4 + bytes_.size());
    for (size_t i = 0; i < 4; ++i) list[i] = uint8_t(count_ >> (24 - 8 * i));
    std::copy(bytes_.begin(), bytes_.end(), list.begin() + 4);
    return list;
  }

 private:
  OpcodeList& put(uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      bytes_.push_back(uint8_t(value >> shift));
    return *this;
  }
  void finish() {
    if (count_ == 0) return;
    const size_t length = bytes_.size() - length_at_ - 4;
    for (size_t i = 0; i < 4; ++i) bytes_[length_at_ + i] = uint8_t(length >> (8 * (3 - i)));
  }

  std::vector<uint8_t> bytes_;
  uint32_t count_ = 0;
  size_t length_at_ = 0;
};

}  // namespace hyperconv
