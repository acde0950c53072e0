// What stands on a page that --report wrote.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"

namespace hyperconv {

inline std::string text_of_page(const std::filesystem::path& folder) {
  const auto bytes = read_file(folder / "index.html");
  return {bytes.begin(), bytes.end()};
}

/// Its data; the discarded value where they are no JSON.
inline nlohmann::json data_of_page(const std::filesystem::path& folder) {
  const std::string text = text_of_page(folder), start = "id=\"data\">";
  const size_t at = text.find(start) + start.size();
  return nlohmann::json::parse(text.substr(at, text.find("</script>", at) - at), nullptr, false);
}

}  // namespace hyperconv
