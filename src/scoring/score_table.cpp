// Scores of pairs as a CSV file, whole or in shares.
#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "scoring/evaluate_pairs.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* facts = "index,name,width,height";
constexpr size_t fact_count = 4;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line)
    if (c == ',')
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}

template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<PairScore> parsed_score(const std::vector<std::string>& cells) {
  if (cells.size() != fact_count + score_columns().size()) return std::nullopt;
  const auto index = parsed<int64_t>(cells[0]);
  const auto width = parsed<int>(cells[2]), height = parsed<int>(cells[3]);
  const auto psnr = parsed<double>(cells[4]), psnr_8bit = parsed<double>(cells[5]);
  const auto ssim = parsed<double>(cells[6]), ssim_volume = parsed<double>(cells[7]);
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
                   parsed<double>(cells[8]),
                   parsed<double>(cells[9]),
                   parsed<double>(cells[10]),
                   parsed<double>(cells[11]),
                   parsed<double>(cells[12]),
                   parsed<double>(cells[13])};
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
  std::istringstream text(text_of(path));
  const std::string header = first_line(scores_to_csv({}));
  std::vector<PairScore> scores;
  std::string line;
  bool has_header = false;
  for (int64_t number = 1; std::getline(text, line); ++number) {
    if (line.starts_with('#')) continue;
    if (!has_header) {
      if (line != header) fail("{}: is no table of scores of ours", path.string());
      has_header = true;
      continue;
    }
    const auto score = parsed_score(split(line));
    if (!score) fail("{}: line {} is no row of scores", path.string(), number);
    scores.push_back(*score);
  }
  if (!has_header) fail("{}: is no table of scores of ours", path.string());
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
