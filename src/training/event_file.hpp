// TensorBoard's event files: records of the TFRecord format (length, payload and a CRC of each),
// whose payloads are protobuf messages `Event` (event.proto). The CRC-32C is ours: the format
// prescribes it, and no library that we link has it; it is ten lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace hyperconv {

class EventFile {
 public:
  /// Makes FOLDER/events.out.tfevents.SECONDS.HOST.PID. TensorBoard drops what other files of the
  /// folder hold at or after `first_step`. Throws Error when it cannot be written.
  EventFile(const std::filesystem::path& folder, int64_t first_step);

  /// A point of the curve `tag`.
  void add(int64_t step, const std::string& tag, double value);
  void flush();

 private:
  void write(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

/// CRC-32C (Castagnoli, RFC 3720) of the bytes.
uint32_t crc32c(std::span<const uint8_t> bytes);

}  // namespace hyperconv
