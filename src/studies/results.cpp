#include "studies/results.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/fail.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t largest_file = uint64_t(1) << 28;

/// No value may break the table.
std::string plain(std::string value) {
  std::ranges::replace_if(
      value, [](char c) { return c == ',' || c == '\n' || c == '"'; }, ' ');
  return value;
}

std::string joined(const Facts& row, bool names) {
  std::vector<std::string> cells;
  for (const auto& [name, value] : row) cells.push_back(names ? name : plain(value));
  return fmt::format("{}", fmt::join(cells, ","));
}

/// An open file that nobody else appends to.
class LockedFile {
 public:
  explicit LockedFile(const fs::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (!file_.is_open()) give_up();
    while (::flock(file_.get(), LOCK_EX) != 0)
      if (errno != EINTR) give_up();
  }

  std::string read() const {
    const off_t size = ::lseek(file_.get(), 0, SEEK_END);
    if (size < 0) give_up();
    if (uint64_t(size) > largest_file) fail("{}: is too large for results", path_.string());
    std::string text(size_t(size), '\0');
    for (size_t done = 0; done < text.size();) {
      const ssize_t got = ::pread(file_.get(), text.data() + done, text.size() - done, off_t(done));
      if (got <= 0) give_up();
      done += size_t(got);
    }
    return text;
  }

  /// In place of all that stands behind `keep`; what cannot be written whole is taken back.
  void write_behind(size_t keep, const std::string& text) const {
    if (::ftruncate(file_.get(), off_t(keep)) != 0) give_up();
    const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), off_t(keep));
    const int why = errno;
    if (written == ssize_t(text.size()) && ::fsync(file_.get()) == 0) return;
    [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), off_t(keep));
    errno = written < 0 ? why : ENOSPC;
    give_up();
  }

 private:
  [[noreturn]] void give_up() const {
    fail("{}: results cannot be written there ({})", path_.string(), std::strerror(errno));
  }

  fs::path path_;
  FileDescriptor file_;
};

/// The first line that is no remark.
std::string header_of(const std::string& text) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    if (!line.empty() && line[0] != '#') return line;
    if (end == std::string::npos) break;
    start = end + 1;
  }
  return {};
}

}  // namespace

size_t Results::place(const std::string& column) const {
  const auto found = std::ranges::find(columns_, column);
  if (found == columns_.end()) fail("the results have no column '{}'", column);
  return size_t(found - columns_.begin());
}

const std::string& Results::text(size_t row, const std::string& column) const {
  return rows_[row].cells[place(column)];
}

double Results::number(size_t row, const std::string& column) const {
  const std::string& value = text(row, column);
  const auto number = parsed_number<double>(value);
  if (!number) fail("the results' column '{}' holds '{}', which is no number", column, value);
  return *number;
}

std::vector<std::string> Results::distinct(const std::string& column) const {
  std::vector<std::string> values;
  for (size_t row = 0; row < size(); ++row)
    if (std::ranges::find(values, text(row, column)) == values.end())
      values.push_back(text(row, column));
  return values;
}

Results read_results(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  CsvTable table = read_csv(path, LastLine::may_be_cut);
  return {std::move(table.columns), std::move(table.rows)};
}

void append_result(const fs::path& path, const Facts& row) {
  const LockedFile file(path);
  const std::string text = file.read();
  const size_t keep = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  const std::string header = header_of(text.substr(0, keep)), ours = joined(row, true);
  if (!header.empty() && header != ours)
    fail("{}: has other columns than this study's ({})", path.string(), ours);
  file.write_behind(keep, (header.empty() ? ours + "\n" : "") + joined(row, false) + "\n");
}

std::string short_name(const fs::path& folder) {
  const fs::path clean = fs::absolute(folder).lexically_normal();
  const fs::path last = clean.has_filename() ? clean : clean.parent_path();
  return (last.parent_path().filename() / last.filename()).generic_string();
}

Mean mean_of(const std::vector<double>& values) {
  // Student's t, two-sided 95 %, for 1 to 15 degrees of freedom.
  constexpr double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                          2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131};
  Mean result{.count = values.size()};
  if (values.empty()) return result;
  const auto n = double(values.size());
  for (const double v : values) result.mean += v / n;
  if (values.size() == 1) return result;
  double squares = 0;
  for (const double v : values) squares += (v - result.mean) * (v - result.mean);
  const size_t freedom = values.size() - 1;
  const double quantile = freedom <= std::size(t) ? t[freedom - 1] : 1.96 + 2.6 / double(freedom);
  result.interval = quantile * std::sqrt(squares / double(freedom) / n);
  return result;
}

std::string to_text(const Mean& mean, int digits) {
  if (mean.count == 0) return "-";
  const std::string value = fmt::format("{:.{}f}", mean.mean, digits);
  return mean.count < 2 ? value : value + fmt::format(" ± {:.{}f}", mean.interval, digits);
}

}  // namespace hyperconv
