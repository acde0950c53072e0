// Text for people, on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace hyperconv {

/// Where say() writes: `stderr`, unless silence_libraries() has taken that away.
inline std::FILE*& people() noexcept {
  static std::FILE* stream = nullptr;
  return stream;
}

/// From here on the process's standard error has say()'s lines alone: what libraries print to
/// `stderr` (Debian's libjxl tells of every error's way through its source) goes nowhere. For a
/// program, which owns its standard error, before it starts threads; not for the library.
/// Assertions would be lost with it, so nothing changes where there are any.
void silence_libraries() noexcept;

/// As fmt::print(stderr, ...), but never throws: work goes on where nobody can read what it says.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) noexcept {
  try {
    fmt::print(people() != nullptr ? people() : stderr, format, std::forward<Args>(args)...);
  } catch (...) {
    // Standard error is full or closed, or memory is short.
  }
}

}  // namespace hyperconv
