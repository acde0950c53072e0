// Throws Error with a formatted line.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "hyperconv/error.hpp"

namespace hyperconv {

template <class... Args>
[[noreturn]] void fail_as(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...), code);
}

/// As ErrorCode::bad_argument. Where the error comes from reading a file, the library's public
/// functions turn it into bad_file.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hyperconv
