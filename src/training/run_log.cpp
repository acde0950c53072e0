#include "training/run_log.hpp"

#include <cstdlib>
#include <sstream>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/say.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* header =
    "step,loss,learning_rate,gradient_norm,patches_per_second,validation_psnr\n";

/// The table as far as a run that goes on has got.
std::string kept_rows(const fs::path& path, int64_t first_step) {
  std::string kept = header;
  if (first_step == 0 || !fs::exists(path)) return kept;
  // Not by a stream alone: a table that cannot be read now would be replaced by an empty one.
  const std::vector<uint8_t> bytes = read_file(path);
  std::istringstream old(std::string(bytes.begin(), bytes.end()));
  std::string line;
  std::getline(old, line);
  while (std::getline(old, line))
    if (std::atoll(line.c_str()) <= first_step) kept += line + "\n";
  return kept;
}

/// What can be drawn of a table.
struct Curves {
  int64_t rows = 0;
  bool validation = false;
};

Curves curves_in(const fs::path& path) {
  Curves curves;
  std::ifstream table(path);
  std::string line;
  std::getline(table, line);
  for (; std::getline(table, line); ++curves.rows)
    curves.validation = curves.validation || !line.ends_with(',');
  return curves;
}

std::string figure_of(const Curves& curves) {
  std::string commands =
      "set title 'training'\nset xlabel 'steps'\nset ylabel 'loss'\nset grid\n"
      "set key top center\n";
  if (curves.validation)
    commands += "set ytics nomirror\nset y2tics\nset y2label 'validation PSNR, dB'\n";
  commands += "plot 'log.csv' every ::1 using 1:2 with lines linewidth 2 title 'loss'";
  // A step without a validation has an empty cell: no point, and no gap in the line.
  if (curves.validation)
    commands +=
        ", \\\n  '< grep -v \",$\" log.csv' every ::1 using 1:6 axes x1y2 with linespoints "
        "linewidth 2 pointtype 7 title 'validation'";
  return commands + "\n";
}

}  // namespace

RunLog::RunLog(const fs::path& folder, int64_t first_step)
    : table_path_(folder / "log.csv"), events_(folder / "tensorboard", first_step) {
  write_file(table_path_, kept_rows(table_path_, first_step));
  table_.open(table_path_, std::ios::app);
}

void RunLog::add(const LogRow& row) {
  const std::string psnr = row.validation_psnr ? fmt::format("{:.4f}", *row.validation_psnr) : "";
  table_ << fmt::format("{},{:.6g},{:.3e},{:.4f},{:.1f},{}\n", row.step, row.loss,
                        row.learning_rate, row.gradient_norm, row.patches_per_second, psnr)
         << std::flush;
  if (!table_) fail("{}: cannot be written", table_path_.string());
  events_.add(row.step, "loss", row.loss);
  events_.add(row.step, "learning_rate", row.learning_rate);
  events_.add(row.step, "gradient_norm", row.gradient_norm);
  events_.add(row.step, "patches_per_second", row.patches_per_second);
  if (row.validation_psnr) events_.add(row.step, "validation_psnr", *row.validation_psnr);
  events_.flush();
}

void RunLog::draw_curves() const {
  const Curves curves = curves_in(table_path_);
  if (curves.rows < 2) return;
  try {
    draw_figure(table_path_, figure_of(curves));
  } catch (const Error& error) {
    // A run of days must not fail for want of a picture.
    say("hyperconv: {}\n", error.what());
  }
}

}  // namespace hyperconv
