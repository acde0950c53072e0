// hyperconv study large-image: what a pixel costs as photos and hypernetworks grow.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "lab_cli/study.hpp"
#include "studies/large_image.hpp"

namespace hyperconv::cli {
namespace {

struct LargeImageArguments {
  std::string network = "hyper-iii";
  std::string output;
  bool json = false;
};

nlohmann::ordered_json to_json(const LargeImagePoint& p) {
  return {{"hidden", p.hidden},
          {"size", to_string(p.size)},
          {"parameters", p.cost.parameters},
          {"flops", p.cost.flops},
          {"flops_total", p.cost.flops_total},
          {"flops_total_per_pixel", p.flops_per_pixel()}};
}

void print_tenfold(const std::vector<LargeImagePoint>& points) {
  fmt::print("a photo of {} samples\n", to_string(points[0].size));
  fmt::print("{:>8} {:>14} {:>12} {:>16} {:>24}\n", "hidden", "parameters, M", "FLOPs, T",
             "FLOPs, total, T", "total, against the first");
  for (const auto& p : points)
    fmt::print("{:>8} {:>14.3f} {:>12.4f} {:>16.4f} {:>22.2f} %\n", p.hidden,
               double(p.cost.parameters) / 1e6, double(p.cost.flops) / 1e12,
               double(p.cost.flops_total) / 1e12,
               100 * (double(p.cost.flops_total) / double(points[0].cost.flops_total) - 1));
}

void large_image_command(const LargeImageArguments& a) {
  const auto points = large_image(a.network);
  const auto tenfold = tenfold_hidden(a.network);
  if (!a.output.empty()) {
    if (!std::filesystem::is_directory(a.output)) fail("{}: no such folder", a.output);
    write_large_image(a.output, a.network, points);
  }
  if (!a.json) {
    print_tenfold(tenfold);
    if (!a.output.empty()) fmt::print("{}/large-image.csv, .svg, .png\n", a.output);
    return;
  }
  nlohmann::ordered_json json = {{"network", a.network},
                                 {"tenfold", nlohmann::ordered_json::array()},
                                 {"points", nlohmann::ordered_json::array()}};
  for (const auto& p : tenfold) json["tenfold"].push_back(to_json(p));
  for (const auto& p : points) json["points"].push_back(to_json(p));
  fmt::print("{}\n", to_line(json));
}

}  // namespace

void add_large_image(CLI::App& study) {
  auto* command = study.add_subcommand(
      "large-image",
      "\"Fixed FLOPs in the large image limit\": what a pixel costs, hypernetworks included, over "
      "the photo's size and the hidden width");
  auto a = std::make_shared<LargeImageArguments>();
  command->add_option("--network", a->network, "One with HyperConvolutions (default hyper-iii)");
  command->add_option("-o,--output", a->output,
                      "Folder for large-image.csv and the figure (.svg, .png)");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { large_image_command(*a); });
}

}  // namespace hyperconv::cli
