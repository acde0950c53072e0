#include "cli/report_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hyperconv::cli {
namespace {

/// Of light at 18 % of white, which is middle grey.
std::string noise_text(const KnownNoise& noise) {
  constexpr double grey = 0.18;
  const double variance = noise.profile.shot * grey + noise.profile.read;
  std::string text = fmt::format("variance {:.3g} x + {:.3g} ({})", noise.profile.shot,
                                 noise.profile.read, to_string(noise.source));
  if (variance > 0)
    text += fmt::format("; at middle grey the light is {:.0f} times its deviation",
                        grey / std::sqrt(variance));
  return text;
}

/// Of 8 bits' 255 steps.
std::string noise_text(const Grain& grain) {
  const auto steps = [](const Grain::Component& component) {
    const auto [least, most] = std::ranges::minmax(component.level);
    return fmt::format("{:.1f} to {:.1f}", 255 * least, 255 * most);
  };
  return fmt::format("deviation of luma {}, of colour {} of 255 (estimated)", steps(grain.luma),
                     steps(grain.colour));
}

std::string times_text(const Outcome& o) {
  std::string text = fmt::format("decoding {:.2f} s, ", o.decode);
  if (o.task == Task::develop && o.develop.network > 0)
    text += fmt::format("network {:.2f} s, colour {:.2f} s, ", o.develop.network, o.develop.colour);
  else
    text += fmt::format("processing {:.2f} s, ", o.process);
  return text + fmt::format("encoding {:.2f} s; {:.2f} s in all", o.encode, o.total);
}

std::string colours_text(const Outcome& o) {
  std::string text;
  if (o.white_balance) {
    const auto& [red, green, blue] = *o.white_balance;
    text += fmt::format("white balance {:.3f}, {:.3f}, {:.3f}; ", red, green, blue);
  }
  const Rendering& rendering = *o.rendering;
  return text + fmt::format("{:+g} stops, highlights {}, {}", rendering.stops,
                            to_string(rendering.highlights), to_string(rendering.space));
}

}  // namespace

std::vector<PageRow> report_rows(const Outcome& o, const EnhanceArguments& a) {
  std::vector<PageRow> rows = {{"Photo", o.job.input.string()}, {"Picture", o.job.output.string()}};
  if (o.noise) rows.emplace_back("Noise found", noise_text(*o.noise));
  if (o.grain) rows.emplace_back("Noise found", noise_text(*o.grain));
  std::string removal =
      o.model == "none" ? "none"
                        : fmt::format("by {}", std::filesystem::path(o.model).filename().string());
  if (a.removal.strength)
    removal += fmt::format(", {:.0f} % of luma's and {:.0f} % of colour's",
                           100 * a.removal.strength->luma, 100 * a.removal.strength->colour);
  rows.emplace_back("Noise removal", removal);
  if (o.rendering) rows.emplace_back("Colours", colours_text(o));
  if (o.lens)
    rows.emplace_back("Lens", fmt::format("{} corrected ({}: {})", o.lens->corrected(),
                                          o.lens->source, o.lens->name));
  if (o.crop)
    rows.emplace_back("Crop", fmt::format("{} x {} from {}, {}: the camera's", o.crop->width,
                                          o.crop->height, o.crop->left, o.crop->top));
  if (!o.rotate.empty()) rows.emplace_back("Turned", o.rotate);
  if (!o.resize.empty()) rows.emplace_back("Resized", o.resize);
  rows.emplace_back("Times", times_text(o));
  return rows;
}

}  // namespace hyperconv::cli
