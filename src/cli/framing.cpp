#include "cli/framing.hpp"

#include <charconv>
#include <map>
#include <string_view>

#include "cli/size.hpp"

namespace hyperconv::cli {
namespace {

/// All of the text as a number.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 2048, 50% or 1920x1080; nothing where it is none of them.
std::optional<WantedSize> size_of(const std::string& text) {
  constexpr int longest = 65535;
  const auto is_side = [](int side) { return side >= 1 && side <= longest; };
  if (text.ends_with('%')) {
    const auto percent = number_of<double>(std::string_view(text).substr(0, text.size() - 1));
    if (!percent || !(*percent >= 0.1 && *percent <= 400)) return std::nullopt;
    return ShareOfSize{*percent / 100};
  }
  if (const auto side = number_of<int>(text)) {
    if (!is_side(*side)) return std::nullopt;
    return LongestSide{*side};
  }
  const auto [width, height] = parse_size(text);
  if (!is_side(width) || !is_side(height)) return std::nullopt;
  return WithinSize{width, height};
}

CLI::Validator resize_validator() {
  return {[](const std::string& text) -> std::string {
            return size_of(text) ? std::string()
                                 : "a size is the longer side in pixels, like 2048, a share, like "
                                   "50%, or what to fit into, like 1920x1080, not " +
                                       text;
          },
          "SIDE|P%|WxH"};
}

}  // namespace

std::optional<int> FramingArguments::orientation() const {
  static const std::map<std::string, int> orientations = {
      {"0", 1}, {"90", 6}, {"180", 3}, {"270", 8}};
  const auto found = orientations.find(rotate);
  return found == orientations.end() ? std::nullopt : std::optional(found->second);
}

std::optional<WantedSize> FramingArguments::size() const {
  return resize.empty() ? std::nullopt : size_of(resize);
}

void add_framing_options(CLI::App& command, FramingArguments& a) {
  const char* group = "Framing";
  command
      .add_option("--rotate", a.rotate,
                  "Degrees clockwise from how the photo is stored, whatever it says of which way "
                  "up it is (default auto: as it says)")
      ->check(CLI::IsMember({"auto", "0", "90", "180", "270"}))
      ->option_text("auto|0|90|180|270")
      ->group(group);
  auto* crop = command
                   .add_option("--crop", a.crop,
                               "Of camera files: camera, the part that the camera's own pictures "
                               "show, or active, all that its sensor saw (default active)")
                   ->transform(CLI::CheckedTransformer(std::map<std::string, Crop>{
                       {"active", Crop::active}, {"camera", Crop::camera}}))
                   ->option_text("camera|active")
                   ->group(group);
  auto* resize = command
                     .add_option("--resize", a.resize,
                                 "The longer side at most so long, a share of the size (to 400%), "
                                 "or to fit into a size; in linear light, by Lanczos' filter")
                     ->check(resize_validator())
                     ->group(group);
  // A preview is of the photo's own pixels, wherever they lie.
  auto* preview = command.get_option("--preview");
  preview->excludes(crop)->excludes(resize);
}

}  // namespace hyperconv::cli
