// JPEG files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/codec.hpp"

namespace hyperconv {

/// Whether a file begins like a JPEG.
bool is_jpeg(Bytes file);

/// Grey or RGB. Throws Error naming the file when libjpeg warns of anything that may have cost
/// samples; what it warns of besides is a note.
Image decode_jpeg(const std::string& name, Bytes file);

/// 8 bits, grey or RGB. Bands of rows go to threads; the bytes do not depend on their number.
std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image,
                                 const WriteOptions& options);
inline std::vector<uint8_t> encode_jpeg(const std::string& name, const Image& image, int quality,
                                        int threads = 0) {
  return encode_jpeg(name, image, {.quality = quality, .threads = threads});
}

/// The same file of a picture whose rows come from top to bottom, so that it is never whole in
/// memory. One call at a time.
class JpegRows {
 public:
  /// `picture`: size, channels and metadata; its samples are not read. Throws Error as encode_jpeg.
  JpegRows(std::string name, const Image& picture, const WriteOptions& options);
  ~JpegRows();

  /// The next rows, any number of them, as wide as the picture; samples of any kind, rounded to 8
  /// bits. Throws Error likewise.
  void add(const Image& rows);
  /// The file, once all rows are there.
  std::vector<uint8_t> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
