#include "cli/framing.hpp"

#include <charconv>
#include <map>
#include <string_view>

#include "cli/size.hpp"
#include "pipeline/finished.hpp"

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
  std::optional<WantedSize> wanted;
  if (text.ends_with('%')) {
    if (const auto percent = number_of<double>(std::string_view(text).substr(0, text.size() - 1)))
      wanted = ShareOfSize{*percent / 100};
  } else if (const auto side = number_of<int>(text)) {
    wanted = LongestSide{*side};
  } else {
    const auto [width, height] = parse_size(text);
    wanted = WithinSize{width, height};
  }
  return wanted && can_be_wanted(*wanted) ? wanted : std::nullopt;
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
  const auto degrees = number_of<int>(rotate);
  return degrees ? orientation_of_turn(*degrees) : std::nullopt;
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
