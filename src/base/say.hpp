// Text for people, on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace hyperconv {

/// As fmt::print(stderr, ...), but never throws: work goes on where nobody can read what it says.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) noexcept {
  try {
    fmt::print(stderr, format, std::forward<Args>(args)...);
  } catch (...) {
    // Standard error is full or closed, or memory is short.
  }
}

}  // namespace hyperconv
