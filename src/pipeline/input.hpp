// A file that a user names as a photo: its kind, and the mosaic or the picture in it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/image.hpp"
#include "raw/mosaic.hpp"

namespace hyperconv {

enum class FileKind {
  mosaic,  ///< what a sensor saw: to be developed
  photo    ///< a picture: to be denoised
};

/// A file that was read once, and is identified and decoded from memory.
class InputFile {
 public:
  /// Reads it. Throws Error naming the file when it is missing, no regular file, or unreadable.
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// By its content: a JPEG, JPEG XL, AVIF or HEIF is a photo; so is a PNG of several channels or
  /// of grey in 8 bits, and a TIFF that no camera calls its RAW file. A grey PNG of 16 bits is a
  /// mosaic, as Zurich RAW-to-DSLR stores them, where its samples fill 14 bits at most: a photo's
  /// use all 16. Everything else is what its ending says, a mosaic where that says nothing. Throws
  /// Error where a grey PNG has to be decoded and is damaged.
  FileKind kind() const;

  /// Whether the file can be that at all: a grey PNG can be both.
  bool may_be(FileKind kind) const;

  /// A grey PNG is a mosaic, a file called .raw or .bin is headerless where `format` has a size,
  /// everything else a camera file. Throws Error naming the file; a photo (JPEG, colour PNG) is
  /// refused as one.
  RawFrame raw(const MosaicFormat& format);

  /// Throws Error as read_image() does.
  Image photo();

 private:
  bool is_grey_png() const;
  const Image& decoded() const;

  std::filesystem::path path_;
  std::vector<uint8_t> bytes_;
  mutable std::optional<Image> picture_;  ///< of a PNG that had to be decoded to be known
};

/// As InputFile::kind() says; a file that cannot be read is taken for what its ending says.
FileKind file_kind(const std::filesystem::path& path);

/// As InputFile::raw(), but frames that are no mosaic are refused too, with their kind.
Mosaic read_mosaic(const std::filesystem::path& path, const MosaicFormat& format);

/// True for the endings of cameras' own formats, and of samples without a header.
bool has_raw_ending(const std::filesystem::path& path);

/// True for endings that read_mosaic may take: what a folder is searched for.
bool may_be_mosaic(const std::filesystem::path& path);

}  // namespace hyperconv
