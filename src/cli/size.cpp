#include "cli/size.hpp"

#include <charconv>
#include <optional>

namespace hyperconv::cli {
namespace {

constexpr int longest_side = 999'999'999;

/// A side from the front of the text, which is taken off; nothing where there is none.
std::optional<int> take_side(std::string_view& text) {
  int side = 0;
  if (text.empty() || text.front() == '0') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (error != std::errc() || side < 1 || side > longest_side) return std::nullopt;
  text.remove_prefix(size_t(end - text.data()));
  return side;
}

std::optional<std::array<int, 2>> size_in(std::string_view text) {
  const auto width = take_side(text);
  if (!width || text.empty() || text.front() != 'x') return std::nullopt;
  text.remove_prefix(1);
  const auto height = take_side(text);
  if (!height || !text.empty()) return std::nullopt;
  return std::array{*width, *height};
}

}  // namespace

std::array<int, 2> parse_size(const std::string& text) {
  return size_in(text).value_or(std::array{0, 0});
}

CLI::Validator size_validator() {
  return {[](const std::string& text) -> std::string {
            return size_in(text) ? std::string()
                                 : "a size is two numbers with an x between them, like 1200x800, "
                                   "not " +
                                       text;
          },
          "SIZE"};
}

}  // namespace hyperconv::cli
