// DNG's opcodes: small programs that a camera leaves for the raw converter (DNG 1.7, chapter 7).
// By hand: LibRaw leaves them out, and Adobe's DNG SDK is no Debian package.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "raw/mosaic.hpp"

namespace hyperconv {

struct Opcode {
  uint32_t id = 0;
  bool optional = false;
  std::span<const uint8_t> parameters;
};

/// The opcodes of a list as the tag holds it (big-endian, whatever the file is); nothing where it
/// is damaged.
std::optional<std::vector<Opcode>> parse_opcodes(std::span<const uint8_t> list);

/// "GainMap" of 9; "opcode 77" of one that there is no name for.
std::string opcode_name(uint32_t id);

/// The names in a list, with commas; "a damaged list" where it cannot be read.
std::string opcode_names(std::span<const uint8_t> list);

/// Which place in the file an opcode's coordinates and values are of.
struct OpcodeStage {
  bool linear = false;        ///< list 2: values from black to white; list 1: from 0 to 65535
  int top = 0, left = 0;      ///< of the mosaic's first sample in the opcodes' coordinates
  int height = 0, width = 0;  ///< of the area that relative coordinates are of
  int plane = 0;              ///< of the picture, which the mosaic is one plane of
};

/// What an opcode does to samples is done to the mosaic's, or to one plane of a picture: gain maps,
/// vignetting,
/// dead pixels, tables, polynomials, offsets and factors of rows and columns. Of what is not known
/// or damaged a warning is left in the mosaic.
void apply_opcodes(std::span<const uint8_t> list, const OpcodeStage& stage, Mosaic& mosaic);

}  // namespace hyperconv
