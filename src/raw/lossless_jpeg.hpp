// Lossless JPEG (ITU-T T.81, process 14 with Huffman coding, SOF3): the compression of DNGs that
// every raw converter reads.
//
// By hand, because Debian 12's libjpeg (turbo 2.1) knows only the lossy processes, and Adobe's DNG
// SDK is no Debian package.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hyperconv {

/// Samples of 16 bits, row by row, those of a pixel beside one another: 1 to 4 components of 1 to
/// 65535 pixels a side. Every sample is predicted by its left neighbour (predictor 1, the only one
/// that all readers know), each component's differences have a Huffman code made for them. Safe to
/// call from several threads.
std::vector<uint8_t> encode_lossless_jpeg(std::span<const uint16_t> samples, int width, int height,
                                          int components);

}  // namespace hyperconv
