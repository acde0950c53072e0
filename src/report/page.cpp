#include "report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/folder.hpp"
#include "base/json.hpp"
#include "image/resize.hpp"
#include "report/page_html.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int thumbnail_side = 480;
constexpr WriteOptions as_stored = {.quality = 93, .strip_metadata = true};

/// 8 bits, upright and, where it is transparent, over white: what a JPEG can hold.
Image for_page(const Image& picture) {
  Image shown = to_u8(upright(picture));
  if (shown.channels % 2 == 1) return shown;
  const int colours = shown.channels - 1;
  const auto& from = std::get<std::vector<uint8_t>>(shown.samples);
  std::vector<uint8_t> samples;
  samples.reserve(from.size());
  for (size_t i = 0; i < from.size(); i += size_t(shown.channels)) {
    const int alpha = from[i + size_t(colours)];
    for (size_t c = 0; c < size_t(colours); ++c)
      samples.push_back(uint8_t((from[i + c] * alpha + 255 * (255 - alpha) + 127) / 255));
  }
  Image opaque{shown.width, shown.height, colours, std::move(samples), shown.metadata};
  return opaque;
}

/// "LibRaw AHD" -> "libraw-ahd"; of letters and digits that any file system and address takes.
std::string file_stem(const std::string& name) {
  std::string stem;
  for (const char letter : name) {
    const auto c = static_cast<unsigned char>(letter);
    if (c < 128 && std::isalnum(c) != 0)
      stem += char(std::tolower(c));
    else if (!stem.empty() && stem.back() != '-')
      stem += '-';
  }
  while (stem.ends_with('-')) stem.pop_back();
  return stem.empty() ? "picture" : stem;
}

}  // namespace

Page::Page(fs::path folder, PageTerms terms)
    : folder_(std::move(folder)), terms_(std::move(terms)) {
  std::error_code error;
  made_folder_ = fs::create_directories(folder_, error);
  if (error || !fs::is_directory(folder_))
    fail("{}: the report's folder cannot be made{}", folder_.string(),
         error ? " (" + error.message() + ")" : ", as a file is called so");
  if (!fs::is_empty(folder_, error) && !terms_.overwrite)
    fail("{}: holds something already; name a new folder for the report, or say --overwrite",
         folder_.string());
}

Page::~Page() {
  // One that holds something stays.
  std::error_code ignored;
  if (made_folder_) fs::remove(folder_, ignored);
}

std::string Page::next_id() {
  const std::scoped_lock lock(mutex_);
  return fmt::format("{:04}", ++begun_);
}

void Page::add(const PagePhoto& photo) {
  assert(photo.pictures.size() >= 2);
  WrittenPhoto written;
  written.id = next_id();
  written.name = photo.name;
  written.note = photo.note;
  written.rows = photo.rows;
  const fs::path folder = folder_ / written.id;
  make_folder(folder);
  const auto is_taken = [&](const std::string& file) {
    return std::ranges::count(written.pictures, file, &WrittenPicture::file) > 0;
  };
  const auto is_named = [&](const std::string& name) {
    return std::ranges::count(written.pictures, name, &WrittenPicture::name) > 0;
  };
  for (const PagePicture& picture : photo.pictures) {
    const Image shown = for_page(picture.image);
    const std::string stem = file_stem(picture.name), ending = terms_.lossless ? ".png" : ".jpg";
    std::string file = stem + ending, name = picture.name;
    for (int i = 2; is_taken(file); ++i) file = fmt::format("{}-{}{}", stem, i, ending);
    for (int i = 2; is_named(name); ++i) name = fmt::format("{} ({})", picture.name, i);
    write_image(folder / file, shown, as_stored);
    // The second: of before and after, after.
    if (written.pictures.size() == 1) {
      const auto [width, height] =
          size_as_wanted(shown.width, shown.height, LongestSide{thumbnail_side});
      write_image(folder / "thumbnail.jpg", resized(shown, width, height), as_stored);
    }
    written.width = shown.width;
    written.height = shown.height;
    written.pictures.push_back({name, file, picture.scores});
  }
  const std::scoped_lock lock(mutex_);
  photos_.push_back(std::move(written));
}

void Page::add_failure(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  failures_.push_back(line);
}

size_t Page::photos() const {
  const std::scoped_lock lock(mutex_);
  return photos_.size();
}

size_t Page::failures() const {
  const std::scoped_lock lock(mutex_);
  return failures_.size();
}

std::string Page::data(const std::string& summary) const {
  Json photos = Json::array();
  for (const WrittenPhoto& photo : photos_) {
    Json pictures = Json::array(), rows = Json::array();
    for (const auto& [name, file, scores] : photo.pictures)
      pictures.push_back({{"name", name}, {"file", file}, {"scores", scores}});
    for (const auto& [label, text] : photo.rows) rows.push_back({label, text});
    photos.push_back({{"id", photo.id},
                      {"name", photo.name},
                      {"note", photo.note},
                      {"width", photo.width},
                      {"height", photo.height},
                      {"pictures", pictures},
                      {"rows", rows}});
  }
  std::string text = to_line(Json{{"title", terms_.title},
                                  {"summary", summary},
                                  {"zoom", terms_.at_full_size ? "full" : "fit"},
                                  {"scores", terms_.scores},
                                  {"photos", photos},
                                  {"failures", failures_}});
  // So that no name ends the script.
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos;)
    text.replace(at, 1, "\\u003c");
  return text;
}

void Page::finish(const std::string& summary) {
  const std::scoped_lock lock(mutex_);
  std::ranges::sort(photos_, {}, &WrittenPhoto::id);
  std::string page = page_html;
  constexpr std::string_view place = "@DATA@";
  page.replace(page.find(place), place.size(), data(summary));
  PendingFile file(folder_ / "index.html");
  file.write({reinterpret_cast<const uint8_t*>(page.data()), page.size()});
  file.commit();
}

}  // namespace hyperconv
