// How a training went, as a value of a study's results.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hyperconv {

struct CurvePoint {
  int64_t step = 0;
  double loss = 0;             ///< mean over the steps since the point before
  double validation_psnr = 0;  ///< dB
  bool operator==(const CurvePoint&) const = default;
};
using LearningCurve = std::vector<CurvePoint>;

/// The validated steps of a training's table, FOLDER/log.csv (training/run_log.hpp). Throws Error
/// that names the file where it is no such table or no step was validated.
LearningCurve read_curve(const std::filesystem::path& log);

/// "250:0.0312:21.348;500:0.0287:22.104", which stands in one cell of a CSV; and back. Reading
/// throws Error where it is no curve.
std::string to_text(const LearningCurve& curve);
LearningCurve curve_from_string(const std::string& text);

}  // namespace hyperconv
