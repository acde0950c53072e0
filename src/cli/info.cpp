// hyperconv info: what this build and this machine are, or what a model, a camera file or a folder
// of training data holds.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/threads.hpp"
#include "cli/commands.hpp"
#include "cli/info_filters.hpp"
#include "cli/size.hpp"
#include "data/pairs.hpp"
#include "data/simzrr.hpp"
#include "engine/kernel_cases.hpp"
#include "hyperconv/cost.hpp"
#include "hyperconv/error.hpp"
#include "hyperconv/model.hpp"
#include "hyperconv/mosaic.hpp"
#include "raw/mosaic_noise.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

Json facts_of_build() {
  return {{"version", HYPERCONV_VERSION},
          {"training", HYPERCONV_HAS_TRAINING != 0},
          {"instructions", kernels().name},
          {"cores", available_cores()}};
}

/// Every kernel with what it does on each instruction set, on one thread.
Json facts_of_kernels() {
  // A row of the paper's 12 MP photo, packed, in the layers that are most of the work.
  constexpr int64_t channels = 16, width = 1984;
  constexpr double seconds_each = 0.02;
  const auto cases = kernel_cases(channels, width);
  Json list = Json::array();
  Progress progress("timing kernels", int64_t(cases.size()));
  for (const KernelCase& kernel : cases) {
    Json entry = {{"kernel", kernel.kernel},
                  {"form", kernel.form},
                  {"unit", kernel.flops > 0 ? "GFLOP/s" : "GB/s"}};
    for (const std::string& target : kernel_targets()) {
      throw_if_interrupted();
      const double seconds = seconds_of_call(kernel.prepare(kernels(target)), seconds_each);
      entry[target] = (kernel.flops > 0 ? kernel.flops : kernel.bytes) / seconds * 1e-9;
    }
    list.push_back(entry);
    progress.show(int64_t(list.size()));
  }
  return {{"instructions", kernels().name}, {"targets", kernel_targets()}, {"kernels", list}};
}

void print_kernels(const Json& facts) {
  const auto targets = facts["targets"].get<std::vector<std::string>>();
  fmt::print("{:<18} {:<32} {:<7}", "kernel", "form", "");
  for (const std::string& target : targets) fmt::print(" {:>9}", target);
  for (const Json& entry : facts["kernels"]) {
    fmt::print("\n{:<18} {:<32} {:<7}", entry["kernel"].get<std::string>(),
               entry["form"].get<std::string>(), entry["unit"].get<std::string>());
    for (const std::string& target : targets) fmt::print(" {:>9.1f}", entry[target].get<double>());
  }
  fmt::print("\non one thread; {} runs, unless HYPERCONV_TARGET names another\n",
             facts["instructions"].get<std::string>());
}

Json facts_of_model(const std::string& path) {
  const Model model = Model::load(path);
  int64_t count = 0;
  for (const Parameter& p : parameters(model.graph())) count += p.count();
  return {{"model", model.info().name},
          {"task", to_string(model.info().task)},
          {"parameters", count},
          {"nodes", model.graph().nodes().size()},
          {"receptive_field", receptive_field(model.graph())},
          {"size_multiple", size_multiple(model.graph())},
          {"summary", model.info().summary},
          {"data_licence", model.info().data_licence}};
}

Json to_json(const KnownNoise& noise) {
  Json json = {{"source", to_string(noise.source)},
               {"shot", noise.profile.shot},
               {"read", noise.profile.read}};
  if (const auto& e = noise.estimate) {
    json.update(Json{{"row", e->row},
                     {"quantisation", e->quantisation},
                     {"samples", e->samples},
                     {"brightness", {e->darkest, e->brightest}},
                     {"doubt", e->doubt}});
  }
  return json;
}

Json facts_of_camera_file(const std::string& path) {
  const Mosaic m = read_camera_file(path);
  Json facts = {{"file", path},
                {"make", m.shot.make},
                {"model", m.shot.model},
                {"width", m.width},
                {"height", m.height},
                {"cfa", to_string(m.cfa)},
                {"black", m.black},
                {"white", m.white},
                {"white_balance", m.white_balance},
                {"orientation", m.orientation},
                {"iso", m.shot.iso},
                {"exposure_seconds", m.shot.exposure_seconds},
                {"f_number", m.shot.f_number},
                {"focal_length_mm", m.shot.focal_length_mm}};
  facts["xyz_to_camera"] = m.xyz_to_camera ? Json(*m.xyz_to_camera) : Json(nullptr);
  facts["noise"] = to_json(noise_of(m));
  facts["warnings"] = m.warnings;
  return facts;
}

/// One line for each damaged pair, in the order of the set.
std::vector<std::string> visible_damage(const PairSet& set) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < set.size(); ++i)
    if (const auto line = set.visible_damage(i)) lines.push_back(*line);
  return lines;
}

/// The same, by decoding every pair.
std::vector<std::string> all_damage(const PairSet& set) {
  Progress progress("checking pairs", int64_t(set.size()));
  std::mutex mutex;
  std::map<int64_t, std::string> found;
  int64_t done = 0;
  Threads threads;
  threads.parallel_for(int64_t(set.size()), [&](int64_t i) {
    throw_if_interrupted();
    std::optional<std::string> line;
    try {
      set.decode(size_t(i));
    } catch (const Error& error) {
      line = error.what();
    }
    const std::scoped_lock lock(mutex);
    if (line) found.emplace(i, *line);
    progress.show(++done);
  });
  std::vector<std::string> lines;
  for (const auto& [i, line] : found) lines.push_back(line);
  return lines;
}

/// Width and height of the first sound pair; nothing where the first few are damaged.
Json size_of_first(const PairSet& set) {
  constexpr size_t tries = 10;
  for (size_t i = 0; i < std::min(tries, set.size()); ++i) {
    try {
      const Pair pair = set.decode(i);
      return {pair.target.width, pair.target.height};
    } catch (const Error&) {
      // The damage is reported elsewhere.
    }
  }
  return nullptr;
}

Json facts_of_part(const PartOfSet& part, bool check) {
  const PairSet& set = part.set;
  const auto damage = check ? all_damage(set) : visible_damage(set);
  return {{"part", part.part ? to_string(*part.part) : "all"},
          {"folder", set.folder().string()},
          {"layout", to_string(set.layout())},
          {"input", set.is_mosaic() ? "mosaic" : "photo"},
          {"pairs", set.size()},
          {"size", size_of_first(set)},
          {"checked", check},
          {"damaged", damage.size()},
          {"damage", damage}};
}

Json facts_of_folder(const std::string& folder, bool check) {
  const auto parts = find_parts(folder);
  const Layout layout = parts.front().set.layout();
  Json facts = {{"folder", folder}, {"layout", to_string(layout)}};
  if (layout == Layout::simzrr) facts["note"] = simzrr_note;
  facts["parts"] = Json::array();
  for (const PartOfSet& part : parts) facts["parts"].push_back(facts_of_part(part, check));
  return facts;
}

struct InfoArguments {
  std::string file;
  FilterArguments filters;
  bool kernels = false, check = false, json = false;
};

Json facts(const InfoArguments& a) {
  if (a.kernels) return facts_of_kernels();
  if (a.file.empty()) return facts_of_build();
  std::error_code ignored;
  if (a.check || std::filesystem::is_directory(a.file, ignored))
    return facts_of_folder(a.file, a.check);
  return lower_ending(a.file) == ".safetensors" ? facts_of_model(a.file)
                                                : facts_of_camera_file(a.file);
}

void print_part(const Json& part) {
  fmt::print("{:<17} {} {} pairs", part["part"].get<std::string>(), part["pairs"].dump(),
             part["input"].get<std::string>());
  if (const Json& size = part["size"]; !size.is_null())
    fmt::print(", the first of {}x{}", size[0].dump(), size[1].dump());
  fmt::print("; {} damaged{}\n", part["damaged"].dump(),
             part["checked"].get<bool>() ? "" : " at first sight (--check decodes all)");
  constexpr size_t most_lines = 20;
  const Json& damage = part["damage"];
  for (size_t i = 0; i < std::min(most_lines, damage.size()); ++i)
    fmt::print("  {}\n", damage[i].get<std::string>());
  if (damage.size() > most_lines) fmt::print("  and {} more\n", damage.size() - most_lines);
}

void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items()) {
    if (key == "parts") continue;
    fmt::print("{:<17} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (const auto parts = facts.find("parts"); parts != facts.end())
    for (const Json& part : *parts) print_part(part);
}

}  // namespace

void add_info(CLI::App& program) {
  auto* command = program.add_subcommand(
      "info",
      "What this build and this machine are, or what a model, a camera file or a data set holds");
  auto a = std::make_shared<InfoArguments>();
  auto* file = command->add_option("FILE", a->file,
                                   "Model (.safetensors), camera file, or folder of a data set");
  command
      ->add_flag("--kernels", a->kernels,
                 "The engine's inner loops, and how fast each is on the instruction sets of "
                 "this machine")
      ->excludes(file);
  command->add_flag("--check", a->check, "Decode every pair of a data set")->needs(file);
  auto* photos = command->add_option(
      "--filters", a->filters.photos,
      "Photos, or folders of them: draw the filters that a model predicts for the first two side "
      "by side, and where all stand by its hidden activations");
  auto* output = command->add_option("-o,--output", a->filters.output,
                                     "With --filters: the figure, FILE.png (and .svg, .csv)");
  photos->needs(file)->needs(output);
  output->needs(photos);
  command
      ->add_option("--layer", a->filters.layer,
                   "With --filters: the HyperConvolution (default: the first)")
      ->needs(photos);
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] {
    if (!a->filters.photos.empty()) return show_filters(a->file, a->filters, a->json);
    const Json found = facts(*a);
    if (a->json)
      fmt::print("{}\n", found.dump(-1, ' ', false, Json::error_handler_t::replace));
    else if (a->kernels)
      print_kernels(found);
    else
      print_text(found);
  });
}

}  // namespace hyperconv::cli
