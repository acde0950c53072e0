// The file that a study's results stand in: CSV, a line a run, appended by whoever finishes one.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tools/csv.hpp"

namespace hyperconv {

/// Columns and their values, in order.
using Facts = std::vector<std::pair<std::string, std::string>>;

class Results {
 public:
  Results() = default;
  Results(std::vector<std::string> columns, std::vector<CsvRow> rows)
      : columns_(std::move(columns)), rows_(std::move(rows)) {}

  const std::vector<std::string>& columns() const { return columns_; }
  size_t size() const { return rows_.size(); }
  /// Throws Error for a column that is not there.
  const std::string& text(size_t row, const std::string& column) const;
  /// Throws Error where it is no number.
  double number(size_t row, const std::string& column) const;
  /// Of a column, each once, in the order in which they first stand.
  std::vector<std::string> distinct(const std::string& column) const;

 private:
  size_t place(const std::string& column) const;

  std::vector<std::string> columns_;
  std::vector<CsvRow> rows_;
};

/// Nothing where the file is not there. Lines that begin with # are left out, and so is a last line
/// without end, which a crash has left. Throws Error that names file and line where a line has more
/// or fewer values than there are columns.
Results read_results(const std::filesystem::path& path);

/// A folder by its last two names, which is the same on other machines.
std::string short_name(const std::filesystem::path& folder);

/// Appends a line, whole or not at all, and before the first one the columns; may be called by many
/// processes at once, also on a shared file system. Throws Error when the file has other columns.
void append_result(const std::filesystem::path& path, const Facts& row);

/// A mean over runs of several seeds, and half of its 95 % interval (Student's t; 0 for one run).
struct Mean {
  double mean = 0, interval = 0;
  size_t count = 0;
};
Mean mean_of(const std::vector<double>& values);
/// "0.0272 ± 0.0012", or "0.0272" for one run, which has no interval; "-" for none.
std::string to_text(const Mean& mean, int digits);

}  // namespace hyperconv
