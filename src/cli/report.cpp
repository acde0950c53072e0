#include "cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/report_page.hpp"
#include "image/resize.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

constexpr int thumbnail_side = 480;
constexpr WriteOptions as_jpeg = {.quality = 93, .strip_metadata = true};

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

std::string sized(int width, int height) {
  return fmt::format("{} x {} ({:.1f} MP)", width, height, width * double(height) / 1e6);
}

}  // namespace

RemovedNoise removed_noise(const Image& before, const Image& after) {
  const std::vector<float> a = to_float(before), b = to_float(after);
  if (a.size() != b.size() || a.empty()) return {};
  const auto channels = size_t(before.channels);
  const bool has_colours = channels >= 3;
  double luma_sum = 0, colour_sum = 0;
  for (size_t i = 0; i < a.size(); i += channels) {
    const auto off = [&](size_t c) { return double(a[i + c] - b[i + c]); };
    const double luma = has_colours ? 0.2126 * off(0) + 0.7152 * off(1) + 0.0722 * off(2) : off(0);
    luma_sum += luma * luma;
    if (!has_colours) continue;
    const double red = off(0) - luma, blue = off(2) - luma;
    colour_sum += (red * red + blue * blue) / 2;
  }
  const double count = double(a.size() / channels);
  return {255 * std::sqrt(luma_sum / count), 255 * std::sqrt(colour_sum / count)};
}

Report::Report(fs::path folder, bool overwrite) : folder_(std::move(folder)) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error || !fs::is_directory(folder_))
    fail("{}: the report's folder cannot be made{}", folder_.string(),
         error ? " (" + error.message() + ")" : ", as a file is called so");
  if (!fs::is_empty(folder_, error) && !overwrite)
    fail("{}: holds something already; name a new folder for the report, or say --overwrite",
         folder_.string());
}

void Report::add(const std::string& name, const ReportPictures& pictures, double seconds,
                 std::vector<ReportRow> rows) {
  Photo photo;
  {
    const std::scoped_lock lock(mutex_);
    photo.id = fmt::format("{:04}", ++begun_);
  }
  const fs::path folder = folder_ / photo.id;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("{}: cannot be made ({})", folder.string(), error.message());
  const Image before = for_page(pictures.before), after = for_page(pictures.after);
  write_image(folder / "before.jpg", before, as_jpeg);
  write_image(folder / "after.jpg", after, as_jpeg);
  const auto [width, height] =
      size_as_wanted(after.width, after.height, LongestSide{thumbnail_side});
  write_image(folder / "thumbnail.jpg", resized(after, width, height), as_jpeg);
  photo.name = name;
  photo.note = fmt::format("{} x {}, {:.2f} s", after.width, after.height, seconds);
  photo.width = after.width;
  photo.height = after.height;
  photo.rows = std::move(rows);
  photo.rows.emplace_back("Size", sized(after.width, after.height));
  const RemovedNoise removed = removed_noise(pictures.before, pictures.after);
  photo.rows.emplace_back(
      "Removed", fmt::format("{:.2f} of 255 in luma, {:.2f} in colour (root of the mean square of "
                             "after less before)",
                             removed.luma, removed.colour));
  const std::scoped_lock lock(mutex_);
  seconds_ += seconds;
  photos_.push_back(std::move(photo));
}

void Report::add_failure(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  failures_.push_back(line);
}

void Report::finish() {
  const std::scoped_lock lock(mutex_);
  std::ranges::sort(photos_, {}, &Photo::id);
  nlohmann::ordered_json photos = nlohmann::ordered_json::array();
  for (const Photo& photo : photos_) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const auto& [label, text] : photo.rows) rows.push_back({label, text});
    photos.push_back({{"id", photo.id},
                      {"name", photo.name},
                      {"note", photo.note},
                      {"width", photo.width},
                      {"height", photo.height},
                      {"rows", rows}});
  }
  std::string summary = fmt::format("{} photo{}, {:.1f} s, hyperconv " HYPERCONV_VERSION,
                                    photos_.size(), photos_.size() == 1 ? "" : "s", seconds_);
  if (!failures_.empty()) summary += fmt::format("; {} failed", failures_.size());
  std::string data = to_line(
      nlohmann::ordered_json{{"summary", summary}, {"photos", photos}, {"failures", failures_}});
  // So that no name ends the script.
  for (size_t at = 0; (at = data.find('<', at)) != std::string::npos;)
    data.replace(at, 1, "\\u003c");
  std::string page = report_page;
  constexpr std::string_view place = "@DATA@";
  page.replace(page.find(place), place.size(), data);
  PendingFile file(folder_ / "index.html");
  file.write({reinterpret_cast<const uint8_t*>(page.data()), page.size()});
  file.commit();
}

}  // namespace hyperconv::cli
