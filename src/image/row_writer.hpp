// A picture file whose rows come from top to bottom.
#pragma once

#include <filesystem>
#include <memory>

#include "image/image.hpp"

namespace hyperconv {

class JpegRows;
class PendingFile;

/// Whether RowWriter knows the ending: JPEG's, so far.
bool is_writable_by_rows(const std::filesystem::path& path);

/// Writes what write_image would, and the picture is never whole in memory. One call at a time. No
/// file appears unless commit() is reached.
class RowWriter {
 public:
  /// `picture`: size, channels and metadata; its samples are not read. Throws Error as write_image
  /// does.
  RowWriter(const std::filesystem::path& path, const Image& picture, const WriteOptions& options);
  ~RowWriter();

  /// The next rows, any number of them.
  void add(const Image& rows);
  /// Once all rows are there.
  void commit();

 private:
  std::unique_ptr<PendingFile> file_;
  std::unique_ptr<JpegRows> rows_;
};

}  // namespace hyperconv
