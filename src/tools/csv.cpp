#include "tools/csv.hpp"

#include <algorithm>
#include <string_view>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

constexpr uint64_t largest_file = uint64_t(1) << 28;

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  size_t start = 0;
  for (size_t end; (end = line.find(',', start)) != std::string_view::npos; start = end + 1)
    cells.emplace_back(line.substr(start, end - start));
  cells.emplace_back(line.substr(start));
  return cells;
}

}  // namespace

CsvTable read_csv(const std::filesystem::path& path, LastLine last) {
  const auto bytes = read_file(path, largest_file);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (last == LastLine::may_be_cut) text = text.substr(0, text.rfind('\n') + 1);
  CsvTable table;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells = cells_of(line);
    if (table.columns.empty()) {
      table.columns = std::move(cells);
      continue;
    }
    if (cells.size() != table.columns.size())
      fail("{}: line {} has {} values, must have {}", path.string(), number, cells.size(),
           table.columns.size());
    table.rows.push_back({number, std::move(cells)});
  }
  return table;
}

}  // namespace hyperconv
