#include "training/event_file.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> table{};
  constexpr uint32_t polynomial = 0x82f63b78;  // reversed
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    table[byte] = value;
  }
  return table;
}();

// ---- Protobuf's wire format: a field is (number << 3 | type), then its value.

enum class WireType { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}

void put_key(std::string& out, int field, WireType type) {
  put_varint(out, uint64_t(field) << 3 | uint64_t(type));
}

template <class Value>
std::string little_endian(Value value) {
  std::string bytes(sizeof value, '\0');
  for (size_t i = 0; i < sizeof value; ++i) bytes[i] = char(value >> (8 * i));
  return bytes;
}

void put_int(std::string& out, int field, int64_t value) {
  put_key(out, field, WireType::varint);
  put_varint(out, uint64_t(value));
}

void put_double(std::string& out, int field, double value) {
  put_key(out, field, WireType::fixed64);
  out += little_endian(std::bit_cast<uint64_t>(value));
}

void put_float(std::string& out, int field, float value) {
  put_key(out, field, WireType::fixed32);
  out += little_endian(std::bit_cast<uint32_t>(value));
}

void put_bytes(std::string& out, int field, const std::string& value) {
  put_key(out, field, WireType::bytes);
  put_varint(out, value.size());
  out += value;
}

// ---- TensorBoard's messages, by their field numbers

/// Event: wall_time = 1, step = 2.
std::string event_at(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string event;
  put_double(event, 1, std::chrono::duration<double>(now).count());
  put_int(event, 2, step);
  return event;
}

/// Event.summary = 5 of Summary.value = 1 of tag = 1 and simple_value = 2.
std::string scalar_event(int64_t step, const std::string& tag, double value) {
  std::string point, summary, event = event_at(step);
  put_bytes(point, 1, tag);
  put_float(point, 2, float(value));
  put_bytes(summary, 1, point);
  put_bytes(event, 5, summary);
  return event;
}

/// Event.file_version = 3.
std::string version_event() {
  std::string event = event_at(0);
  put_bytes(event, 3, "brain.Event:2");
  return event;
}

/// Event.session_log = 7 of status = 1, START = 1: what came at this step or later is void.
std::string start_event(int64_t step) {
  std::string log, event = event_at(step);
  put_int(log, 1, 1);
  put_bytes(event, 7, log);
  return event;
}

/// TFRecord's: a checksum of data that hold checksums is turned, lest it fit by accident.
uint32_t masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  return std::rotr(crc, 15) + 0xa282ead8;
}

fs::path file_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("events.out.tfevents.{:010}.{}.{}",
                     std::chrono::duration_cast<std::chrono::seconds>(now).count(), host.data(),
                     ::getpid());
}

}  // namespace

uint32_t crc32c(std::span<const uint8_t> bytes) {
  uint32_t crc = ~uint32_t(0);
  for (const uint8_t byte : bytes) crc = crc_table[(crc ^ byte) & 0xff] ^ (crc >> 8);
  return ~crc;
}

EventFile::EventFile(const fs::path& folder, int64_t first_step) : path_(folder / file_name()) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be made ({})", folder.string(), error.message());
  file_.open(path_, std::ios::binary | std::ios::app);
  write(version_event());
  if (first_step > 0) write(start_event(first_step + 1));
  flush();
}

void EventFile::add(int64_t step, const std::string& tag, double value) {
  write(scalar_event(step, tag, value));
}

void EventFile::flush() {
  file_.flush();
  if (!file_) fail("{}: cannot be written", path_.string());
}

void EventFile::write(const std::string& event) {
  const std::string length = little_endian(uint64_t(event.size()));
  file_ << length << little_endian(masked_crc(length)) << event << little_endian(masked_crc(event));
}

}  // namespace hyperconv
