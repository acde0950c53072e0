// Text for people, on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <iterator>
#include <new>
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

/// As fmt::print(stderr, ...), but never throws: work goes on where standard error is full or
/// closed. Where memory is too short for the line, it is said with its {} not filled in.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) noexcept {
  std::FILE* stream = people() != nullptr ? people() : stderr;
  const auto write = [stream](fmt::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
  };
  try {
    fmt::memory_buffer line;
    fmt::format_to(std::back_inserter(line), format, std::forward<Args>(args)...);
    write({line.data(), line.size()});
  } catch (const std::bad_alloc&) {
    write(format);
  }
}

}  // namespace hyperconv
