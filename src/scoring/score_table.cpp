// Scores of pairs as a CSV file, whole or in shares.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "scoring/evaluate_pairs.hpp"
#include "tools/csv.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* facts = "index,name,width,height";

std::optional<PairScore> parsed_score(const std::vector<std::string>& cells) {
  const auto index = parsed_number<int64_t>(cells[0]);
  const auto width = parsed_number<int>(cells[2]), height = parsed_number<int>(cells[3]);
  const auto psnr = parsed_number<double>(cells[4]), psnr_8bit = parsed_number<double>(cells[5]);
  const auto ssim = parsed_number<double>(cells[6]), ssim_volume = parsed_number<double>(cells[7]);
  if (!index || !width || !height || !psnr || !psnr_8bit || !ssim || !ssim_volume)
    return std::nullopt;
  return PairScore{*index,
                   cells[1],
                   *width,
                   *height,
                   *psnr,
                   *psnr_8bit,
                   *ssim,
                   *ssim_volume,
                   parsed_number<double>(cells[8]),
                   parsed_number<double>(cells[9]),
                   parsed_number<double>(cells[10]),
                   parsed_number<double>(cells[11]),
                   parsed_number<double>(cells[12]),
                   parsed_number<double>(cells[13]),
                   parsed_number<double>(cells[14])};
}

/// A name must not break the row.
std::string cell(std::string name) {
  std::ranges::replace_if(
      name, [](char c) { return c == ',' || c == '\n' || c == '\r'; }, '_');
  return name;
}

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path, uint64_t(1) << 28);
  return {bytes.begin(), bytes.end()};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string scores_to_csv(const std::vector<PairScore>& scores) {
  std::string csv = facts;
  for (const ScoreColumn& column : score_columns()) csv += fmt::format(",{}", column.name);
  csv += "\n";
  for (const PairScore& score : scores) {
    csv += fmt::format("{},{},{},{}", score.index, cell(score.name), score.width, score.height);
    for (const ScoreColumn& column : score_columns()) {
      const auto value = column.of(score);
      csv += value ? fmt::format(",{}", *value) : ",";
    }
    csv += "\n";
  }
  return csv;
}

std::vector<PairScore> scores_from_csv(const fs::path& path) {
  const CsvTable table = read_csv(path, LastLine::complete);
  if (fmt::format("{}", fmt::join(table.columns, ",")) != first_line(scores_to_csv({})))
    fail("{}: is no table of scores of ours", path.string());
  std::vector<PairScore> scores;
  for (const CsvRow& row : table.rows) {
    const auto score = parsed_score(row.cells);
    if (!score) fail("{}: line {} is no row of scores", path.string(), row.line);
    scores.push_back(*score);
  }
  return scores;
}

fs::path part_path(const fs::path& csv, const Shard& shard) {
  return csv.string() + fmt::format(".part-{}-of-{}", shard.index + 1, shard.count);
}

void write_part(const fs::path& csv, const Shard& shard, const std::string& identity,
                const std::vector<PairScore>& scores) {
  write_file(part_path(csv, shard), "# " + identity + "\n" + scores_to_csv(scores));
}

std::optional<std::vector<PairScore>> merge_parts(const fs::path& csv, int64_t count,
                                                  fs::path& missing) {
  std::vector<PairScore> all;
  std::string identity;
  for (int64_t index = 0; index < count; ++index) {
    const fs::path part = part_path(csv, {index, count});
    if (!fs::exists(part)) {
      missing = part;
      return std::nullopt;
    }
    const std::string line = first_line(text_of(part));
    if (index == 0) identity = line;
    if (line != identity)
      fail("{}: scores '{}', the share before it '{}'; remove what is of an earlier run",
           part.string(), line, identity);
    const auto scores = scores_from_csv(part);
    all.insert(all.end(), scores.begin(), scores.end());
  }
  std::ranges::stable_sort(all, {}, &PairScore::index);
  write_file(csv, identity + "\n" + scores_to_csv(all));
  std::error_code ignored;
  for (int64_t index = 0; index < count; ++index)
    fs::remove(part_path(csv, {index, count}), ignored);
  return all;
}

}  // namespace hyperconv
