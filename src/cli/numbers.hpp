// Texts of options that hold numbers.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace hyperconv::cli {

/// Numbers with commas between them; nothing where it is anything else.
template <class Number>
std::optional<std::vector<Number>> numbers_of(const std::string& text) {
  std::vector<Number> values;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    Number value{};
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return std::nullopt;
    values.push_back(value);
    if (next == end) return values;
    if (*next != ',') return std::nullopt;
    at = next + 1;
  }
}

}  // namespace hyperconv::cli
