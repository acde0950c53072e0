// Our own tables as CSV: the first line names the columns, no value holds a comma, a quote or a
// line's end (whoever writes one sees to that), and lines that begin with # are remarks.
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hyperconv {

struct CsvRow {
  int64_t line = 0;  ///< in the file, from 1
  std::vector<std::string> cells;
};

struct CsvTable {
  std::vector<std::string> columns;  ///< empty where the file has none
  std::vector<CsvRow> rows;          ///< each with as many cells as there are columns
};

/// What a last line without an end is.
enum class LastLine {
  complete,   ///< a row
  may_be_cut  ///< what a crash has left of one: left out
};

/// Empty lines are left out too. Throws Error that names the file where it cannot be read or is
/// larger than 256 MiB, and file and line where a line has more or fewer values than there are
/// columns.
CsvTable read_csv(const std::filesystem::path& path, LastLine last);

/// The whole text as a number; nothing where it is none.
template <class Number>
std::optional<Number> parsed_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace hyperconv
