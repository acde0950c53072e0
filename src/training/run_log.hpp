// What a run leaves to be watched by: a table, TensorBoard events, a picture of its curves.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>

#include "training/event_file.hpp"

namespace hyperconv {

/// A line of the table: the run after `step` steps.
struct LogRow {
  int64_t step = 0;
  double loss = 0;  ///< mean over the steps since the row before
  double learning_rate = 0;
  double gradient_norm = 0;  ///< of the last step, before clipping
  double patches_per_second = 0;
  std::optional<double> validation_psnr;  ///< dB, where this step was validated
};

/// FOLDER/log.csv, a row a LogRow; FOLDER/tensorboard/events.out.tfevents.*, one file a session.
/// Both are on disk after every row.
class RunLog {
 public:
  /// A run that goes on at `first_step` keeps the table's rows up to it; TensorBoard is told to
  /// forget later ones. Throws Error when the folder cannot be written.
  RunLog(const std::filesystem::path& folder, int64_t first_step);

  void add(const LogRow& row);

  /// FOLDER/log.svg and .png: loss and validation over the steps, drawn from the table (`gnuplot
  /// log.gnuplot` there draws them again); nothing for less than two rows. Without gnuplot nothing
  /// but a line on stderr.
  void draw_curves() const;

 private:
  std::filesystem::path table_path_;
  std::ofstream table_;
  EventFile events_;
};

}  // namespace hyperconv
