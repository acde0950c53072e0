// The safetensors container: an 8-byte little-endian length, a JSON header of that length, and the
// tensors' bytes. https://github.com/huggingface/safetensors (format description). By hand: Debian
// has no library for C++, and the format is this sentence.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/model.hpp"

namespace hyperconv {

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, WeightView> tensors;  ///< look into `storage`
  std::shared_ptr<const void> storage;
};

/// Maps and checks a file: header length, JSON, types (F32, F16, BF16, I8), dims against offsets,
/// offsets against the file, overlaps, gaps and alignment. Throws Error that says what is wrong;
/// only errors of opening the file name it.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes tensors in the order in which they were announced, one at a time.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, std::map<std::string, std::string> metadata);

  /// Before the first write.
  void announce(const std::string& name, Precision precision, const std::vector<int64_t>& dims);
  /// The bytes of the next announced tensor.
  void write(std::span<const uint8_t> bytes);
  void commit();

 private:
  struct Entry {
    std::string name;
    Precision precision;
    std::vector<int64_t> dims;
    size_t begin, end;
  };

  void write_header();

  PendingFile file_;
  std::map<std::string, std::string> metadata_;
  std::vector<Entry> entries_;
  size_t written_ = 0;
  bool header_written_ = false;
};

}  // namespace hyperconv
