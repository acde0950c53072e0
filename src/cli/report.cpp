#include "cli/report.hpp"

#include <fmt/format.h>

#include <cmath>

namespace hyperconv::cli {

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

Report::Report(std::filesystem::path folder, bool overwrite)
    : page_(std::move(folder), {.title = "Before and after", .overwrite = overwrite}) {}

void Report::add(const std::string& name, ReportPictures pictures, double seconds,
                 std::vector<PageRow> rows) {
  const Image& after = pictures.after;
  const bool lies = after.metadata.orientation >= 5;
  const int width = lies ? after.height : after.width, height = lies ? after.width : after.height;
  rows.emplace_back(
      "Size", fmt::format("{} x {} ({:.1f} MP)", width, height, width * double(height) / 1e6));
  const RemovedNoise removed = removed_noise(pictures.before, after);
  rows.emplace_back("Removed",
                    fmt::format("{:.2f} of 255 in luma, {:.2f} in colour (root of the mean square "
                                "of after less before)",
                                removed.luma, removed.colour));
  PagePhoto photo{.name = name,
                  .note = fmt::format("{} x {}, {:.2f} s", width, height, seconds),
                  .rows = std::move(rows)};
  photo.pictures.push_back({"before", std::move(pictures.before), {}});
  photo.pictures.push_back({"after", std::move(pictures.after), {}});
  page_.add(photo);
  seconds_ += seconds;
}

void Report::finish() {
  const size_t photos = page_.photos(), failures = page_.failures();
  std::string summary = fmt::format("{} photo{}, {:.1f} s, hyperconv " HYPERCONV_VERSION, photos,
                                    photos == 1 ? "" : "s", seconds_.load());
  if (failures > 0) summary += fmt::format("; {} failed", failures);
  page_.finish(summary);
}

}  // namespace hyperconv::cli
