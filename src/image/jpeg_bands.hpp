// One JPEG from bands that were compressed apart, so that several threads compress one picture. By
// hand, because libjpeg compresses a picture on one thread from its first row to its last.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hyperconv {

/// Rows of a band, but for the last: eight rows of MCUs (of 8 or 16 pixels) or a multiple of it, so
/// that each band's restart markers, which count modulo 8, follow the ones before.
inline constexpr int jpeg_band_rows = 256;

/// Puts baseline JPEGs of one width below one another. Each holds jpeg_band_rows rows, the last one
/// what is left of `height`, with the same tables and a restart marker between all rows of MCUs
/// (ITU-T T.81, E.1.4: a marker sets the predictions back, so nothing of a band depends on
/// another). Markers before the scan are the first band's.
std::vector<uint8_t> join_jpeg_bands(std::span<const std::vector<uint8_t>> bands, int height);

}  // namespace hyperconv
