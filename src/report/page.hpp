// A page to look at: photos, of each several pictures, two of them at a time on either side of a
// line that can be moved.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "image/image.hpp"

namespace hyperconv {

/// What a page is, before there are photos on it.
struct PageTerms {
  std::string title;                     ///< "Before and after"
  std::vector<std::string> scores = {};  ///< columns beside the pictures' names: "PSNR, dB"
  bool lossless = false;                 ///< pictures as PNG, for who counts pixels; else JPEG
  bool at_full_size = false;             ///< a photo is shown 1:1 at first, not as a whole
  bool overwrite = false;                ///< the folder may hold something
};

/// One of a photo's pictures.
struct PagePicture {
  std::string name;  ///< "before"; a second one of that name becomes "before (2)"
  Image image;       ///< of any kind; it is shown upright, in 8 bits, over white
  std::vector<std::string> scores = {};  ///< a text for each of PageTerms::scores, or none at all
};

/// What stands below the pictures: a label and a text.
using PageRow = std::pair<std::string, std::string>;

struct PagePhoto {
  std::string name;
  std::string note = {};  ///< below it on the contact sheet
  /// Two or more, of one size; the first two are shown at first.
  std::vector<PagePicture> pictures = {};
  std::vector<PageRow> rows = {};
};

/// A folder with index.html, which needs nothing from elsewhere, and a folder for each photo with a
/// file for each picture, called as that is ("LibRaw AHD": libraw-ahd.jpg), and thumbnail.jpg. May
/// be written to by several threads.
class Page {
 public:
  /// Throws Error where the folder cannot be made, or holds something and is not to be overwritten.
  Page(std::filesystem::path folder, PageTerms terms);
  /// Removes the folder that it made where nothing came into it.
  ~Page();
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  /// Throws Error where it cannot be written.
  void add(const PagePhoto& photo);
  /// One line, which names the photo.
  void add_failure(const std::string& line);

  size_t photos() const;
  size_t failures() const;

  /// Writes the page. `summary`: one line, below its title.
  void finish(const std::string& summary);

 private:
  struct WrittenPicture {
    std::string name, file;
    std::vector<std::string> scores;
  };
  struct WrittenPhoto {
    std::string id, name, note;
    int width = 0, height = 0;
    std::vector<WrittenPicture> pictures;
    std::vector<PageRow> rows;
  };

  std::string next_id();
  std::string data(const std::string& summary) const;

  std::filesystem::path folder_;
  bool made_folder_ = false;
  PageTerms terms_;
  mutable std::mutex mutex_;
  int begun_ = 0;
  std::vector<WrittenPhoto> photos_;
  std::vector<std::string> failures_;
};

}  // namespace hyperconv
