#include "mutate.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace hyperconv::fuzz {
namespace {

class Mutation {
 public:
  Mutation(Bytes& bytes, const Bytes& other, const std::vector<std::string>& words, Random& random)
      : bytes_(bytes), other_(other), words_(words), random_(random) {}

  void once() {
    if (bytes_.empty()) bytes_.push_back(uint8_t(random_.bits()));
    switch (random_.below(10)) {
      case 0:
        return flip_bit();
      case 1:
        bytes_[place()] = uint8_t(random_.bits());
        return;
      case 2:
      case 3:
        return set_number();
      case 4:
        return erase();
      case 5:
        return insert(bytes_);
      case 6:
        return insert(other_);
      case 7:
        return overwrite_with_word();
      case 8:
        return replace_digits();
      default:
        return cut_end();
    }
  }

 private:
  size_t place() { return size_t(random_.below(int64_t(bytes_.size()))); }
  /// Short pieces more often than long ones.
  size_t piece(size_t most) {
    const auto bound = size_t(1) << random_.below(12);
    return 1 + size_t(random_.below(int64_t(std::min(bound, std::max<size_t>(most, 1)))));
  }

  void flip_bit() { bytes_[place()] ^= uint8_t(1u << random_.below(8)); }

  void set_number() {
    constexpr std::array<uint64_t, 12> edges = {
        0,      1,          0x7f,       0x80,       0xff,           0x7fff,
        0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffff, ~uint64_t(0)};
    uint64_t value =
        edges[size_t(random_.below(int64_t(edges.size())))] + uint64_t(random_.below(3)) - 1;
    const auto width = size_t(1) << random_.below(4);
    if (random_.below(2) == 0) value = __builtin_bswap64(value) >> (64 - 8 * width);
    const size_t start = place();
    std::memcpy(&bytes_[start], &value, std::min(width, bytes_.size() - start));
  }

  void erase() {
    const size_t start = place(), count = std::min(piece(bytes_.size()), bytes_.size() - start);
    bytes_.erase(bytes_.begin() + std::ptrdiff_t(start),
                 bytes_.begin() + std::ptrdiff_t(start + count));
  }

  void insert(const Bytes& from) {
    if (from.empty()) return;
    const auto start = size_t(random_.below(int64_t(from.size())));
    const size_t count = std::min(piece(from.size()), from.size() - start);
    const Bytes copy(from.begin() + std::ptrdiff_t(start),
                     from.begin() + std::ptrdiff_t(start + count));
    bytes_.insert(bytes_.begin() + std::ptrdiff_t(place()), copy.begin(), copy.end());
  }

  void overwrite_with_word() {
    if (words_.empty()) return flip_bit();
    const std::string& word = words_[size_t(random_.below(int64_t(words_.size())))];
    const size_t start = place();
    std::memcpy(&bytes_[start], word.data(), std::min(word.size(), bytes_.size() - start));
  }

  void replace_digits() {
    const auto begins_at = [&](size_t i) {
      return std::isdigit(bytes_[i]) && (i == 0 || !std::isdigit(bytes_[i - 1]));
    };
    size_t start = place();
    for (size_t tries = 0; tries < bytes_.size() && !begins_at(start); ++tries)
      start = (start + 1) % bytes_.size();
    if (!begins_at(start)) return flip_bit();
    size_t end = start;
    while (end < bytes_.size() && std::isdigit(bytes_[end])) ++end;
    constexpr std::array<const char*, 12> numbers = {
        "0",     "1",      "-1",  "2",  "255", "65536", "2147483648", "99999999999999999999",
        "1e308", "1e-320", "0.5", "nan"};
    const std::string number = numbers[size_t(random_.below(int64_t(numbers.size())))];
    bytes_.erase(bytes_.begin() + std::ptrdiff_t(start), bytes_.begin() + std::ptrdiff_t(end));
    bytes_.insert(bytes_.begin() + std::ptrdiff_t(start), number.begin(), number.end());
  }

  void cut_end() {
    if (random_.below(4) == 0) bytes_.resize(place());
  }

  Bytes& bytes_;
  const Bytes& other_;
  const std::vector<std::string>& words_;
  Random& random_;
};

}  // namespace

Bytes mutated(Bytes bytes, const Bytes& other, const std::vector<std::string>& words,
              Random& random, size_t longest) {
  Mutation mutation(bytes, other, words, random);
  for (int64_t i = 0, count = 1 + random.below(8); i < count; ++i) mutation.once();
  if (bytes.size() > longest) bytes.resize(longest);
  return bytes;
}

}  // namespace hyperconv::fuzz
