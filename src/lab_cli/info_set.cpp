// hyperconv info FOLDER, and --filters: what the laboratory tells.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/progress.hpp"
#include "base/threads.hpp"
#include "data/pairs.hpp"
#include "data/simzrr.hpp"
#include "hyperconv/error.hpp"
#include "lab_cli/commands.hpp"
#include "lab_cli/info_filters.hpp"
#include "studies/study.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

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
      throw_if_interrupted();
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

Json facts_of_split(const SplitOfSet& part, bool check) {
  const PairSet& set = part.set;
  const auto damage = check ? all_damage(set) : visible_damage(set);
  return {{"part", part.split ? to_string(*part.split) : "all"},
          {"folder", set.folder().string()},
          {"layout", to_string(set.layout())},
          {"input", set.is_mosaic() ? "mosaic" : "photo"},
          {"pairs", set.size()},
          {"size", size_of_first(set)},
          {"checked", check},
          {"damaged", damage.size()},
          {"damage", damage}};
}

/// What two people compare who each made a simulated set: its manifest stands in the folder, or
/// beside the part that the folder is.
void add_facts_of_simzrr(const std::filesystem::path& folder, Json& facts) {
  std::filesystem::path whole = std::filesystem::canonical(folder);
  if (!std::filesystem::exists(whole / "simzrr.json")) whole = whole.parent_path();
  facts["note"] = simzrr_note;
  facts["version"] = fmt::format("{}", simzrr_version(whole));
  facts["fingerprint"] = data_fingerprint(whole);
}

Json facts_of_folder(const std::string& folder, bool check) {
  const auto parts = find_splits(folder);
  const Layout layout = parts.front().set.layout();
  Json facts = {{"folder", folder}, {"layout", to_string(layout)}};
  if (layout == Layout::simzrr) add_facts_of_simzrr(folder, facts);
  facts["parts"] = Json::array();
  for (const SplitOfSet& part : parts) facts["parts"].push_back(facts_of_split(part, check));
  return facts;
}

void print_part(const Json& part) {
  fmt::print("{:<17} {} {} pairs", part["part"].get<std::string>(), to_line(part["pairs"]),
             part["input"].get<std::string>());
  if (const Json& size = part["size"]; !size.is_null())
    fmt::print(", the first of {}x{}", to_line(size[0]), to_line(size[1]));
  fmt::print("; {} damaged{}\n", to_line(part["damaged"]),
             part["checked"].get<bool>() ? "" : " at first sight (--check decodes all)");
  constexpr size_t most_lines = 20;
  const Json& damage = part["damage"];
  for (size_t i = 0; i < std::min(most_lines, damage.size()); ++i)
    fmt::print("  {}\n", damage[i].get<std::string>());
  if (damage.size() > most_lines) fmt::print("  and {} more\n", damage.size() - most_lines);
}

void print_text(const Json& facts) {
  for (const auto& [key, value] : facts.items())
    if (key != "parts") fmt::print("{:<17} {}\n", key, value.get<std::string>());
  for (const Json& part : facts["parts"]) print_part(part);
}

}  // namespace

void laboratory_info(const InfoArguments& a) {
  if (!a.filters.photos.empty()) return show_filters(a.file, a.filters, a.json);
  const Json found = facts_of_folder(a.file, a.check);
  if (a.json)
    fmt::print("{}\n", to_line(found));
  else
    print_text(found);
}

}  // namespace hyperconv::cli
