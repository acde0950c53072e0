#include "studies/learning_curve.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "base/fail.hpp"
#include "tools/csv.hpp"

namespace hyperconv {
namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

size_t place_of(const CsvTable& table, const char* column, const std::filesystem::path& path) {
  const auto found = std::ranges::find(table.columns, column);
  if (found == table.columns.end())
    fail("{}: is no table of a training, which has a column '{}'", path.string(), column);
  return size_t(found - table.columns.begin());
}

}  // namespace

LearningCurve read_curve(const std::filesystem::path& log) {
  const CsvTable table = read_csv(log, LastLine::complete);
  const size_t step_at = place_of(table, "step", log), loss_at = place_of(table, "loss", log);
  const size_t psnr_at = place_of(table, "validation_psnr", log);
  LearningCurve curve;
  int64_t last = 0, first = 0;
  double sum = 0;
  for (const CsvRow& row : table.rows) {
    const auto step = parsed_number<int64_t>(row.cells[step_at]);
    const auto loss = parsed_number<double>(row.cells[loss_at]);
    if (!step || !loss || *step <= last)
      fail("{}: line {} is no row of a training's table", log.string(), row.line);
    sum += *loss * double(*step - last);
    last = *step;
    if (const auto psnr = parsed_number<double>(row.cells[psnr_at])) {
      curve.push_back({last, sum / double(last - first), *psnr});
      first = last;
      sum = 0;
    }
  }
  if (curve.empty()) fail("{}: no step of this training was validated", log.string());
  return curve;
}

std::string to_text(const LearningCurve& curve) {
  std::vector<std::string> points;
  for (const CurvePoint& p : curve)
    points.push_back(fmt::format("{}:{:.5g}:{:.4f}", p.step, p.loss, p.validation_psnr));
  return fmt::format("{}", fmt::join(points, ";"));
}

LearningCurve curve_from_string(const std::string& text) {
  LearningCurve curve;
  for (const std::string& point : split(text, ';')) {
    const auto values = split(point, ':');
    const auto step = values.size() == 3 ? parsed_number<int64_t>(values[0]) : std::nullopt;
    const auto loss = step ? parsed_number<double>(values[1]) : std::nullopt;
    const auto psnr = loss ? parsed_number<double>(values[2]) : std::nullopt;
    if (!psnr) fail("'{}' is no point STEP:LOSS:PSNR of a learning curve", point);
    curve.push_back({*step, *loss, *psnr});
  }
  if (curve.empty()) fail("a learning curve without points");
  return curve;
}

}  // namespace hyperconv
