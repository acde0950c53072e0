// JSON of strangers, and for strangers: depth is limited, and text that is not UTF-8 is no error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/fail.hpp"

namespace hyperconv {

/// Deeper than anything of ours; the library works through arrays in arrays by recursion.
constexpr int deepest_json = 64;

/// Parses a stranger's JSON; the discarded value (is_discarded()) where it is none. Throws Error
/// where it is nested deeper than `deepest_json`; the caller puts the file's name before it.
template <class Json = nlohmann::ordered_json>
Json parse_json(std::string_view text) {
  const auto check_depth = [](int depth, typename Json::parse_event_t, Json&) {
    if (depth >= deepest_json) fail("its JSON is nested more than {} deep", deepest_json);
    return true;
  };
  return Json::parse(text, check_depth, false);
}

/// One line. What is not UTF-8, as a file's name may be, is replaced by U+FFFD.
template <class Json>
std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// For messages: the beginning.
template <class Json>
std::string excerpt(const Json& json) {
  constexpr size_t longest = 60;
  const std::string text = to_line(json);
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

}  // namespace hyperconv
