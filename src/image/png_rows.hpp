// PNG's filtered and deflated rows, by several threads. By hand, because libpng filters and
// deflates a picture on one thread from its first row to its last.
#pragma once

#include <cstdint>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

/// What a PNG's IDAT chunks hold one behind the other, for a picture of 8 or 16 bits that is not
/// interlaced: a zlib stream (RFC 1950) of rows with the filter that libpng's own heuristic finds
/// for each. Bands of rows are deflated apart and end on whole bytes (Z_SYNC_FLUSH), so that the
/// bytes do not depend on the number of threads (0: all cores). `level` is zlib's. Throws Error
/// without a file's name when memory is short.
std::vector<std::vector<uint8_t>> deflated_rows(const Image& image, int level, int threads);

/// One row as PNG has it: the filter's number (PNG 3, 9.2), then the row's bytes, of which those of
/// 16 bits are big-endian, filtered. `above` is the row before, or zeros before the first.
std::vector<uint8_t> filtered_row(const std::vector<uint8_t>& row,
                                  const std::vector<uint8_t>& above, size_t bytes_per_pixel);

}  // namespace hyperconv
