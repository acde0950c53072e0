// A page to look at, of what is scored: photos' most detailed squares, as everyone made them,
// sample for sample.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hyperconv/types.hpp"
#include "image/image.hpp"
#include "report/page.hpp"

namespace hyperconv {

/// Of a whole picture, beside the clean one.
struct PictureScore {
  double psnr = 0;  ///< dB
  double ssim = 0;
};

/// "none", or "variance 0.004 x + 2e-05".
std::string noise_note(const NoiseProfile& noise);

/// One photo on the way to the page: of every picture the square where the clean one has most
/// detail.
class ComparedPhoto {
 public:
  static constexpr int side = 384;  ///< of the square

  /// `name` and `note` as PagePhoto has them. Of any size; nothing of it is kept but the square.
  ComparedPhoto(std::string name, std::string note, const Image& clean);

  /// A picture of the clean one's size. Throws Error that names it where it is of another.
  void add(const std::string& name, const Image& picture, const PictureScore& score);

 private:
  friend class ComparisonPage;
  PagePhoto photo_;
  int width_, height_;
  Region place_;
  Image clean_;
};

/// The page. First what there was, then who was asked, then the clean picture.
class ComparisonPage {
 public:
  /// Of a set of photos so many are shown.
  static constexpr int64_t photos_of_a_set = 6;

  /// Throws Error as Page does.
  ComparisonPage(const std::filesystem::path& folder, bool overwrite);

  /// Nothing is shown of a photo to which nothing was added. Throws Error where it cannot be
  /// written.
  void add(ComparedPhoto photo);
  void add_failure(const std::string& line) { page_.add_failure(line); }
  /// `what`: who was asked about what, for the line below the title.
  void finish(const std::string& what);

 private:
  Page page_;
};

}  // namespace hyperconv
