#include "base/remembered.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// A file that is larger is not ours.
constexpr uint64_t most_bytes = 1 << 16;

std::optional<fs::path> cache_folder() {
  if (const char* folder = std::getenv("HYPERCONV_CACHE"))
    return *folder == '\0' ? std::nullopt : std::optional<fs::path>(folder);
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "hyperconv";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "hyperconv";
  return std::nullopt;
}

fs::path file_in(const fs::path& folder) { return folder / "measured"; }

std::string text_of(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return {};
  const auto bytes = read_file(file, most_bytes);
  return {bytes.begin(), bytes.end()};
}

/// Calls use(key, value) for each line "key<tab>value"; other lines are nobody's.
template <class Use>
void for_lines(std::string_view text, const Use& use) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const size_t tab = line.find('\t'); tab != std::string_view::npos)
      use(line.substr(0, tab), line.substr(tab + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::optional<std::string> remembered(const std::string& key) {
  try {
    const auto folder = cache_folder();
    if (!folder) return std::nullopt;
    std::optional<std::string> found;
    for_lines(text_of(file_in(*folder)), [&](std::string_view known, std::string_view value) {
      if (known == key) found = value;
    });
    return found;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void remember(const std::string& key, const std::string& value) {
  assert(key.find_first_of("\t\n") == std::string::npos && value.find('\n') == std::string::npos);
  try {
    const auto folder = cache_folder();
    if (!folder) return;
    std::string text;
    for_lines(text_of(file_in(*folder)), [&](std::string_view known, std::string_view kept) {
      if (known != key) text.append(known).append("\t").append(kept).append("\n");
    });
    fs::create_directories(*folder);
    write_file(file_in(*folder), text + key + "\t" + value + "\n");
  } catch (const std::exception&) {
    // It is measured again next time.
  }
}

}  // namespace hyperconv
