#include "training/event_file.hpp"

#include <event.pb.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include "base/fail.hpp"
#include "base/folder.hpp"

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

template <class Value>
std::string little_endian(Value value) {
  std::string bytes(sizeof value, '\0');
  for (size_t i = 0; i < sizeof value; ++i) bytes[i] = char(value >> (8 * i));
  return bytes;
}

tensorboard::Event event_at(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  tensorboard::Event event;
  event.set_wall_time(std::chrono::duration<double>(now).count());
  event.set_step(step);
  return event;
}

std::string scalar_event(int64_t step, const std::string& tag, double value) {
  tensorboard::Event event = event_at(step);
  tensorboard::Summary::Value& point = *event.mutable_summary()->add_value();
  point.set_tag(tag);
  point.set_simple_value(float(value));
  return event.SerializeAsString();
}

std::string version_event() {
  tensorboard::Event event = event_at(0);
  event.set_file_version("brain.Event:2");
  return event.SerializeAsString();
}

std::string start_event(int64_t step) {
  tensorboard::Event event = event_at(step);
  event.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  return event.SerializeAsString();
}

/// TFRecord's masked CRC: a CRC over data that contain their own CRC would be a constant, so it is
/// rotated and an offset added.
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
  make_folder(folder);
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
