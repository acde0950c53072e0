#include "lab_cli/info_filters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "cli/size.hpp"
#include "image/codec.hpp"
#include "image/folder.hpp"
#include "pipeline/input.hpp"
#include "studies/filter_view.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

/// A folder's photos, of the kind that the model takes.
std::vector<fs::path> photos_in(const fs::path& folder, Task task) {
  if (task != Task::develop) return pictures_in(folder);
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && may_be_mosaic(entry.path())) found.push_back(entry.path());
  if (found.empty()) fail("{}: holds no camera file", folder.string());
  std::ranges::sort(found);
  return found;
}

std::vector<fs::path> all_photos(const std::vector<std::string>& names, Task task) {
  std::vector<fs::path> photos;
  std::error_code ignored;
  for (const fs::path name : names) {
    if (!fs::is_directory(name, ignored)) {
      photos.push_back(name);
      continue;
    }
    const auto found = photos_in(name, task);
    photos.insert(photos.end(), found.begin(), found.end());
  }
  return photos;
}

nlohmann::ordered_json to_json(const FilterView& view) {
  nlohmann::ordered_json json = {{"layer", view.layer},
                                 {"output_channels", view.out},
                                 {"input_channels", view.channels},
                                 {"kernel", view.kernel},
                                 {"explained", view.explained}};
  const char* names[] = {"first_component", "second_component"};
  for (size_t i = 0; i < 2; ++i)
    json[names[i]] = {{"correlation_light", view.correlation[i][0]},
                      {"correlation_noise", view.correlation[i][1]},
                      {"correlation_colour", view.correlation[i][2]}};
  json["photos"] = nlohmann::ordered_json::array();
  for (const PhotoView& p : view.photos)
    json["photos"].push_back({{"photo", p.name},
                              {"place", p.place},
                              {"light", p.facts.light},
                              {"noise", p.facts.noise},
                              {"colour", p.facts.colour}});
  return json;
}

void print_text(const FilterView& view, const fs::path& file) {
  fmt::print("{}: {} filters of {}x{}x{}, {} photos\n", view.layer, view.out, view.channels,
             view.kernel, view.kernel, view.photos.size());
  if (view.photos.size() > 2) {
    fmt::print("{:>12} {:>12} {:>28} {:>8} {:>8}\n", "component", "of variance",
               "correlation with log light", "noise", "colour");
    for (size_t i = 0; i < 2; ++i)
      fmt::print("{:>12} {:>10.1f} % {:>28.2f} {:>8.2f} {:>8.2f}\n", i + 1, 100 * view.explained[i],
                 view.correlation[i][0], view.correlation[i][1], view.correlation[i][2]);
    fmt::print("{}-photos.csv, .svg, .png\n", file.string());
  }
  fmt::print("{}.csv, .svg, .png\n", file.string());
}

}  // namespace

void show_filters(const std::string& model_path, const FilterArguments& a, bool json) {
  if (lower_ending(a.output) != ".png")
    fail("{}: the figure's name ends in .png", a.output.empty() ? "-o" : a.output);
  const auto model = std::make_shared<const Model>(Model::load(model_path));
  const FilterView view = view_filters(model, a.layer, all_photos(a.photos, model->info().task));
  const fs::path file = fs::path(a.output).replace_extension();
  draw_filters(view, file);
  if (json)
    fmt::print("{}\n", to_line(to_json(view)));
  else
    print_text(view, file);
}

}  // namespace hyperconv::cli
