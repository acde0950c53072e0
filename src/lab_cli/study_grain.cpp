// hyperconv study grain: what noise is like, real and simulated.
#include <fmt/format.h>

#include <memory>

#include "base/fail.hpp"
#include "base/say.hpp"
#include "lab_cli/study.hpp"
#include "studies/grain_table.hpp"

namespace hyperconv::cli {
namespace {

struct GrainArguments {
  std::vector<std::string> pairs, photos, noises = {"camera", "phone"};
  int64_t limit = 0;
  uint64_t seed = 1;
  std::string figure;
};

void grain_command(const GrainArguments& a) {
  std::vector<PictureSet> sets;
  for (const std::string& folder : a.pairs) sets.push_back(set_of_pairs(folder, 0));
  for (const std::string& folder : a.photos)
    for (const std::string& noise : a.noises)
      sets.push_back(set_of_photos(folder, synthetic_noise_from_string(noise), a.seed));
  if (sets.empty()) fail("nothing to look at: give --pairs, --data or both");
  const GrainTable table = grain_table(sets, a.limit);
  for (const auto& line : table.skipped) say("hyperconv: skipped: {}\n", line);
  if (!a.figure.empty()) draw(table, a.figure);
  fmt::print("{}", to_markdown(table));
}

}  // namespace

void add_grain(CLI::App& study) {
  auto* command = study.add_subcommand(
      "grain",
      "What noise is like: real pairs beside photos that get simulated noise: docs/denoise.md");
  auto a = std::make_shared<GrainArguments>();
  command->add_option("--pairs", a->pairs,
                      "Folder of pairs with real noise; may stand several times");
  command->add_option("--data", a->photos, "Folder of clean photos; may stand several times");
  command
      ->add_option("--noise", a->noises,
                   "Noise that clean photos get: camera, phone or a deviation of 255 (default "
                   "camera,phone)")
      ->delimiter(',');
  command->add_option("--limit", a->limit, "Use only so many pairs or photos of a folder")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", a->seed, "Of cameras and noise (default 1)");
  command->add_option("--figure", a->figure,
                      "Draw it too: FIGURE-luma, -colour and -deviation, each .csv, .svg, .png");
  command->callback([a] { grain_command(*a); });
}

}  // namespace hyperconv::cli
