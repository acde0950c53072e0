// The page that `hyperconv enhance --report` writes: photos before and after, and what was done.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "image/image.hpp"

namespace hyperconv::cli {

/// One photo, as it is seen: both of one size.
struct ReportPictures {
  Image before, after;
};

/// What stands beside the pictures: a label and a text.
using ReportRow = std::pair<std::string, std::string>;

/// A folder with index.html, which needs nothing from elsewhere, and a folder of pictures for each
/// photo: before.jpg, after.jpg, thumbnail.jpg. May be written to by several threads.
class Report {
 public:
  /// Throws Error where the folder cannot be made, or holds something and is not to be overwritten.
  Report(std::filesystem::path folder, bool overwrite);

  /// `rows` without what the pictures themselves tell. Throws Error where it cannot be written.
  void add(const std::string& name, const ReportPictures& pictures, double seconds,
           std::vector<ReportRow> rows);
  /// One line, which names the photo.
  void add_failure(const std::string& line);
  /// Writes the page.
  void finish();

 private:
  struct Photo {
    std::string id, name, note;
    int width = 0, height = 0;
    std::vector<ReportRow> rows;
  };

  std::filesystem::path folder_;
  std::mutex mutex_;
  int begun_ = 0;
  double seconds_ = 0;
  std::vector<Photo> photos_;
  std::vector<std::string> failures_;
};

/// How far two pictures of one size are apart: the root of the mean square, in units of 255, of
/// luma (BT.709) and of the colours' differences from it.
struct RemovedNoise {
  double luma = 0, colour = 0;
};
RemovedNoise removed_noise(const Image& before, const Image& after);

}  // namespace hyperconv::cli
