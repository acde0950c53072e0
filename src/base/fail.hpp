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

/// As ErrorCode::bad_argument. Where a file is read, the library's public functions turn that into
/// bad_file: what a reader refuses is the file's fault.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hyperconv
