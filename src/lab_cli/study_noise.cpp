// hyperconv study noise: how well the noise of a mosaic is estimated on itself.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "lab_cli/study.hpp"
#include "studies/noise_table.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

struct NoiseArguments {
  std::vector<std::string> data;
  NoiseTableOptions options;
  bool json = false;
};

Json to_json(const NoiseTableRow::Ratios& ratios) {
  return {{"low", ratios.low},
          {"middle", ratios.middle},
          {"high", ratios.high},
          {"within_15_percent", ratios.within_15_percent},
          {"within_twofold", ratios.within_twofold}};
}

Json to_json(const NoiseTable& table) {
  Json json = {{"set", table.set},
               {"photos", table.photos},
               {"own_shot", table.own_shot},
               {"seconds", table.seconds},
               {"levels", Json::array()}};
  for (const NoiseTableRow& row : table.rows)
    json["levels"].push_back({{"shot", row.truth.shot},
                              {"read", row.truth.read},
                              {"at_mid_tone", to_json(row.at_mid_tone)},
                              {"with_its_own", to_json(row.with_its_own)},
                              {"dark", row.dark},
                              {"doubt", row.doubt}});
  return json;
}

void noise_command(const NoiseArguments& a) {
  std::vector<NoiseTable> tables;
  if (a.data.empty()) tables.push_back(noise_table(a.options));
  for (const std::string& folder : a.data) {
    NoiseTableOptions options = a.options;
    options.folder = folder;
    tables.push_back(noise_table(options));
  }
  if (!a.json) {
    for (const NoiseTable& table : tables) fmt::print("{}", to_markdown(table));
    return;
  }
  Json json = {{"tables", Json::array()}};
  for (const NoiseTable& table : tables) json["tables"].push_back(to_json(table));
  fmt::print("{}\n", to_line(json));
}

}  // namespace

void add_noise(CLI::App& study) {
  auto* command = study.add_subcommand("noise",
                                       "How well a mosaic's noise is estimated on itself, from "
                                       "base ISO to beyond a phone's highest: "
                                       "docs/noise.md");
  auto a = std::make_shared<NoiseArguments>();
  command->add_option(
      "--data", a->data,
      "Folder of clean photos; may stand several times (default: the painted scene)");
  command
      ->add_option("--shrink", a->options.shrink,
                   "Shrink photos by this in linear light (default 1)")
      ->check(CLI::Range(1, 16));
  command->add_option("--limit", a->options.limit, "Use only so many photos of a folder")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", a->options.seed, "Of cameras and noise (default 1)");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { noise_command(*a); });
}

}  // namespace hyperconv::cli
