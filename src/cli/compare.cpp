// hyperconv compare: how close a picture is to its reference.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "cli/commands.hpp"
#include "image/image.hpp"
#include "metrics/metrics.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

struct CompareOptions {
  fs::path reference, image;
  bool json = false;
};

/// A figure, or why there is none.
struct Score {
  std::optional<double> value;
  std::string reason;
};

struct Scores {
  Score psnr, ssim, ms_ssim;
  bool identical = false;
};

/// The picture as it is seen: upright, without alpha, float.
Image seen(const fs::path& path) {
  Image image = upright(read_image(path));
  const int colours = image.channels >= 3 ? 3 : 1;
  const std::vector<float> from = to_float(image);
  std::vector<float> samples;
  samples.reserve(size_t(image.width) * size_t(image.height) * size_t(colours));
  for (size_t i = 0; i < from.size(); i += size_t(image.channels))
    samples.insert(samples.end(), from.begin() + i, from.begin() + i + colours);
  image.channels = colours;
  image.samples = std::move(samples);
  return image;
}

/// Grey stands beside colour as R = G = B.
void spread_grey(Image& image) {
  const auto grey = std::get<std::vector<float>>(image.samples);
  std::vector<float> samples;
  samples.reserve(grey.size() * 3);
  for (float value : grey) samples.insert(samples.end(), 3, value);
  image.channels = 3;
  image.samples = std::move(samples);
}

Score score_from(int smallest_side, const Image& a, const Image& b,
                 double (*metric)(const Image&, const Image&)) {
  if (std::min(a.width, a.height) >= smallest_side) return {metric(a, b), {}};
  return {{}, fmt::format("needs {0}x{0} pixels", smallest_side)};
}

Scores compare(const CompareOptions& options) {
  Image a = seen(options.reference);
  Image b = seen(options.image);
  if (a.width != b.width || a.height != b.height)
    fail("{}: is {}x{} pixels and {} {}x{}; pictures of equal size can be compared",
         options.image.string(), b.width, b.height, options.reference.string(), a.width, a.height);
  if (a.channels < b.channels) spread_grey(a);
  if (b.channels < a.channels) spread_grey(b);

  Scores scores;
  scores.psnr.value = psnr(a, b);
  scores.identical = std::isinf(*scores.psnr.value);
  scores.ssim = score_from(ssim_smallest_side, a, b, ssim);
  scores.ms_ssim = score_from(ms_ssim_smallest_side, a, b,
                              [](const Image& x, const Image& y) { return ms_ssim(x, y); });
  return scores;
}

void print_json(const Scores& scores) {
  const auto number = [](const Score& score) {
    // JSON has no infinity.
    const bool there = score.value && std::isfinite(*score.value);
    return there ? nlohmann::ordered_json(*score.value) : nlohmann::ordered_json(nullptr);
  };
  const nlohmann::ordered_json object = {{"psnr", number(scores.psnr)},
                                         {"ssim", number(scores.ssim)},
                                         {"ms_ssim", number(scores.ms_ssim)},
                                         {"identical", scores.identical}};
  fmt::print("{}\n", to_line(object));
}

void print_text(const Scores& scores) {
  const auto line = [](const char* name, const Score& score) {
    if (score.value)
      fmt::print("{:<8} {:.6f}\n", name, *score.value);
    else
      fmt::print("{:<8} - ({})\n", name, score.reason);
  };
  if (scores.identical)
    fmt::print("{:<8} infinite: the pictures are identical\n", "PSNR");
  else
    fmt::print("{:<8} {:.4f} dB\n", "PSNR", *scores.psnr.value);
  line("SSIM", scores.ssim);
  line("MS-SSIM", scores.ms_ssim);
}

}  // namespace

void add_compare(CLI::App& program) {
  auto* command = program.add_subcommand("compare", "PSNR, SSIM and MS-SSIM of two pictures");
  auto options = std::make_shared<CompareOptions>();
  command->add_option("REF", options->reference, "The reference picture")->required();
  command->add_option("IMAGE", options->image, "The picture to measure")->required();
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([options] {
    const Scores scores = compare(*options);
    if (options->json)
      print_json(scores);
    else
      print_text(scores);
  });
}

}  // namespace hyperconv::cli
