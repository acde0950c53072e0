#include "network/safetensors.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"

namespace hyperconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t length_size = 8;
// The reference implementation's own limit.
constexpr uint64_t longest_header = 100'000'000;
constexpr size_t most_dims = 8;

constexpr std::pair<Precision, const char*> type_names[] = {{Precision::f32, "F32"},
                                                            {Precision::f16, "F16"},
                                                            {Precision::bf16, "BF16"},
                                                            {Precision::i8, "I8"}};

Precision precision_from(const std::string& tensor, const Json& type) {
  for (const auto& [precision, name] : type_names)
    if (type.is_string() && type.get<std::string>() == name) return precision;
  fail("the tensor '{}' has the type {}; F32, F16, BF16 and I8 are read", tensor, excerpt(type));
}

std::string type_name(Precision precision) {
  for (const auto& [candidate, name] : type_names)
    if (candidate == precision) return name;
  return {};
}

/// A list of non-negative whole numbers.
std::vector<int64_t> whole_numbers(const std::string& tensor, const Json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array() || found->size() > most_dims)
    fail("the tensor '{}' has no list '{}'", tensor, key);
  std::vector<int64_t> numbers;
  for (const Json& value : *found) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t(INT64_MAX))
      fail("the tensor '{}': '{}' holds {}, not a whole number", tensor, key, excerpt(value));
    numbers.push_back(value.get<int64_t>());
  }
  return numbers;
}

/// Bytes that dims need; fails where that overflows.
uint64_t bytes_needed(const std::string& tensor, const std::vector<int64_t>& dims,
                      Precision precision) {
  auto bytes = uint64_t(bytes_per_value(precision));
  for (const int64_t extent : dims)
    if (__builtin_mul_overflow(bytes, uint64_t(extent), &bytes))
      fail("the tensor '{}' is larger than any file", tensor);
  return bytes;
}

WeightView view_of(const std::string& name, const Json& entry, std::span<const std::byte> data) {
  if (!entry.is_object() || !entry.contains("dtype")) fail("the tensor '{}' has no type", name);
  WeightView view;
  view.precision = precision_from(name, entry["dtype"]);
  view.dims = whole_numbers(name, entry, "shape");
  const auto offsets = whole_numbers(name, entry, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1] || uint64_t(offsets[1]) > data.size())
    fail("the tensor '{}' reaches beyond the {} bytes of data", name, data.size());
  const auto size = uint64_t(offsets[1] - offsets[0]);
  if (size != bytes_needed(name, view.dims, view.precision))
    fail("the tensor '{}' has {} bytes, its shape needs {}", name, size,
         bytes_needed(name, view.dims, view.precision));
  if (offsets[0] % bytes_per_value(view.precision) != 0)
    fail("the tensor '{}' does not start at a whole value", name);
  view.bytes = data.subspan(size_t(offsets[0]), size);
  return view;
}

/// The tensors must tile the data: no byte twice, none unused (the format demands it).
void check_tiling(const std::map<std::string, WeightView>& tensors,
                  std::span<const std::byte> data) {
  std::vector<std::span<const std::byte>> parts;
  for (const auto& [name, view] : tensors) parts.push_back(view.bytes);
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return a.data() != b.data() ? a.data() < b.data() : a.size() < b.size();
  });
  const std::byte* next = data.data();
  for (const auto& part : parts) {
    if (part.data() != next) fail("its tensors overlap or leave gaps");
    next += part.size();
  }
  if (next != data.data() + data.size()) fail("its tensors leave gaps");
}

Json parsed_header(std::span<const std::byte> bytes) {
  uint64_t length = 0;
  if (bytes.size() < length_size) fail("it has {} bytes, too few for a header", bytes.size());
  std::memcpy(&length, bytes.data(), length_size);
  if (length > longest_header || length > bytes.size() - length_size)
    fail("its header of {} bytes is longer than the file or the limit of {}", length,
         longest_header);
  if (length % length_size != 0) fail("its data are not aligned to {} bytes", length_size);
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + length_size;
  Json header = parse_json({text, length});
  if (!header.is_object()) fail("its header is not a JSON object");
  return header;
}

std::map<std::string, std::string> texts(const Json& entry) {
  if (!entry.is_object()) fail("its metadata are not a JSON object");
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) fail("its metadata '{}' are not text", key);
    all[key] = value.get<std::string>();
  }
  return all;
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  const auto mapped = std::make_shared<MappedFile>(path);
  const auto bytes = mapped->bytes();
  const Json header = parsed_header(bytes);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_size);
  const auto data = bytes.subspan(length_size + length);
  Safetensors file;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__")
      file.metadata = texts(entry);
    else
      file.tensors[name] = view_of(name, entry, data);
  }
  check_tiling(file.tensors, data);
  file.storage = mapped;
  return file;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::map<std::string, std::string> metadata)
    : file_(path), metadata_(std::move(metadata)) {}

void SafetensorsWriter::announce(const std::string& name, Precision precision,
                                 const std::vector<int64_t>& dims) {
  assert(!header_written_);
  const size_t begin = entries_.empty() ? 0 : entries_.back().end;
  const size_t size = bytes_needed(name, dims, precision);
  entries_.push_back({name, precision, dims, begin, begin + size});
}

void SafetensorsWriter::write_header() {
  Json header = {{"__metadata__", metadata_}};
  for (const Entry& entry : entries_)
    header[entry.name] = {{"dtype", type_name(entry.precision)},
                          {"shape", entry.dims},
                          {"data_offsets", {entry.begin, entry.end}}};
  std::string text = to_line(header);
  // Spaces up to a whole number of words, so that the values are aligned in a mapped file.
  text.resize((text.size() + length_size - 1) / length_size * length_size, ' ');
  const uint64_t length = text.size();
  file_.write({reinterpret_cast<const uint8_t*>(&length), length_size});
  file_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  header_written_ = true;
}

void SafetensorsWriter::write(std::span<const uint8_t> bytes) {
  if (!header_written_) write_header();
  assert(bytes.size() == entries_[written_].end - entries_[written_].begin);
  file_.write(bytes);
  ++written_;
}

void SafetensorsWriter::commit() {
  if (!header_written_) write_header();
  assert(written_ == entries_.size());
  file_.commit();
}

}  // namespace hyperconv
