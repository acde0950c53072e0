#include "image/row_writer.hpp"

#include "base/fail.hpp"
#include "base/file.hpp"
#include "image/codec.hpp"
#include "image/jpeg.hpp"

namespace hyperconv {

bool is_writable_by_rows(const std::filesystem::path& path) {
  const Codec* codec = codec_by_ending(path);
  return codec != nullptr && codec->decode == decode_jpeg;
}

RowWriter::RowWriter(const std::filesystem::path& path, const Image& picture,
                     const WriteOptions& options) {
  check_writable(path, options);
  if (!is_writable_by_rows(path)) fail("{}: is not written row by row", path.string());
  if (picture.count() == 0) fail("{}: cannot be written, the picture has no pixels", path.string());
  file_ = std::make_unique<PendingFile>(path);
  rows_ = std::make_unique<JpegRows>(path.string(), picture, options);
}

RowWriter::~RowWriter() = default;

void RowWriter::add(const Image& rows) { rows_->add(rows); }

void RowWriter::commit() {
  file_->write(rows_->finish());
  file_->commit();
}

}  // namespace hyperconv
