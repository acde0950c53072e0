#include "cli/rendering.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "base/fail.hpp"
#include "cli/numbers.hpp"

namespace hyperconv::cli {
namespace {

std::optional<WantedBalance> if_can_be(const WantedBalance& wanted) {
  return can_be_wanted(wanted) ? std::optional(wanted) : std::nullopt;
}

/// as-shot, auto, KELVIN[,TINT] or grey:X,Y; nothing where it is none of them.
std::optional<WantedBalance> balance_of(const std::string& text) {
  constexpr std::string_view grey = "grey:";
  if (text == "as-shot") return AsShot{};
  if (text == "auto") return Automatic{};
  if (text.starts_with(grey)) {
    const auto place = numbers_of<int>(text.substr(grey.size()));
    if (!place || place->size() != 2) return std::nullopt;
    return if_can_be(GreyPlace{place->front(), place->back()});
  }
  const auto light = numbers_of<double>(text);
  if (!light || light->size() > 2) return std::nullopt;
  const double kelvin = light->front(), tint = light->size() == 2 ? light->back() : 0;
  return if_can_be(LightColour{kelvin, tint});
}

CLI::Validator balance_validator() {
  return {[](const std::string& text) -> std::string {
            return balance_of(text) ? std::string()
                                    : "a white balance is as-shot, auto, KELVIN[,TINT] (2000 to "
                                      "15000, -150 to 150) or grey:X,Y, not " +
                                          text;
          },
          "as-shot|auto|KELVIN[,TINT]|grey:X,Y"};
}

/// Values by their names, as to_string has them.
template <class Choice>
std::map<std::string, Choice> choices(std::initializer_list<Choice> all) {
  std::map<std::string, Choice> names;
  for (const Choice choice : all) names.emplace(to_string(choice), choice);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

}  // namespace

Rendering RenderingArguments::rendering() const {
  return {.stops = exposure.value_or(0),
          .highlights = highlights.value_or(HighlightMode::clip),
          .space = space.value_or(OutputSpace::srgb)};
}

WantedBalance RenderingArguments::wanted_balance() const {
  return white_balance.empty() ? AsShot{} : *balance_of(white_balance);
}

std::string RenderingArguments::named() const {
  std::vector<std::string> names;
  if (!white_balance.empty()) names.emplace_back("--white-balance");
  if (exposure) names.emplace_back("--exposure");
  if (highlights) names.emplace_back("--highlights");
  if (space) names.emplace_back("--colour-space");
  return listed(names);
}

std::string RenderingArguments::named_of_rendering() const {
  RenderingArguments others = *this;
  others.white_balance.clear();
  return others.named();
}

void add_rendering_options(CLI::App& command, RenderingArguments& a) {
  const char* group = "Pictures of camera files";
  command
      .add_option("--white-balance", a.white_balance,
                  "The light that is grey: the camera's choice, found in the photo, of a colour "
                  "temperature and tint by the camera's own matrix, or a grey place's, in pixels "
                  "of the picture (default as-shot)")
      ->check(balance_validator())
      ->group(group);
  command
      .add_option("--exposure", a.exposure,
                  "Stops by which the picture is brighter, in linear light (default 0)")
      ->check(CLI::Range(-10.0, 10.0))
      ->group(group);
  command
      .add_option("--highlights", a.highlights,
                  "Where a colour is clipped: clip all there; blend to white what the others tell; "
                  "or rebuild it from them. The latter two darken the picture, as they show more "
                  "(default clip)")
      ->transform(CLI::CheckedTransformer(
          choices({HighlightMode::clip, HighlightMode::blend, HighlightMode::rebuild})))
      ->option_text("clip|blend|rebuild")
      ->group(group);
  command
      .add_option("--colour-space", a.space,
                  "Of the picture; its profile is written into the file (default srgb)")
      ->transform(CLI::CheckedTransformer(
          choices({OutputSpace::srgb, OutputSpace::display_p3, OutputSpace::adobe_rgb,
                   OutputSpace::prophoto, OutputSpace::rec2020})))
      ->option_text("srgb|display-p3|adobe-rgb|prophoto|rec2020")
      ->group(group);
}

nlohmann::ordered_json rendering_json(const Rendering& rendering) {
  nlohmann::ordered_json json = {{"exposure", rendering.stops},
                                 {"highlights", to_string(rendering.highlights)},
                                 {"colour_space", to_string(rendering.space)}};
  if (rendering.linear) json["linear"] = true;
  return json;
}

}  // namespace hyperconv::cli
