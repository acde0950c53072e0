// The page that `hyperconv enhance --report` writes: photos before and after, and what was done.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "image/image.hpp"
#include "report/page.hpp"

namespace hyperconv::cli {

/// One photo, as it is seen: both of one size.
struct ReportPictures {
  Image before, after;
};

/// A Page of photos with before.jpg and after.jpg. May be written to by several threads.
class Report {
 public:
  /// Throws Error as Page does.
  Report(std::filesystem::path folder, bool overwrite);

  /// `rows` without what the pictures themselves tell. Throws Error where it cannot be written.
  void add(const std::string& name, ReportPictures pictures, double seconds,
           std::vector<PageRow> rows);
  /// One line, which names the photo.
  void add_failure(const std::string& line) { page_.add_failure(line); }
  /// Writes the page.
  void finish();

 private:
  Page page_;
  std::atomic<double> seconds_ = 0;
};

/// How far two pictures of one size are apart: the root of the mean square, in units of 255, of
/// luma (BT.709) and of the colours' differences from it.
struct RemovedNoise {
  double luma = 0, colour = 0;
};
RemovedNoise removed_noise(const Image& before, const Image& after);

}  // namespace hyperconv::cli
