#include "studies/study.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr const char* manifest = "simzrr.json";

/// Names and sizes of all files below a folder, sorted.
std::string listing(const fs::path& folder) {
  std::vector<std::string> lines;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::follow_directory_symlink,
                                           error);
  if (error) fail("{}: no such folder", folder.string());
  for (const auto& entry : entries)
    if (entry.is_regular_file(error))
      lines.push_back(fmt::format("{} {}\n", entry.path().lexically_relative(folder).string(),
                                  entry.file_size(error)));
  std::ranges::sort(lines);
  std::string all;
  for (const auto& line : lines) all += line;
  return all;
}

}  // namespace

Facts cost_facts(const StudyNet& net) {
  const Graph graph = net.graph();
  const Cost cost = total_cost(graph, network_input(net.name, graph, paper_flops_size));
  return {{"parameters", fmt::format("{}", cost.parameters)},
          {"flops_12mp", fmt::format("{}", cost.flops)},
          {"flops_total_12mp", fmt::format("{}", cost.flops_total)}};
}

std::string fingerprint(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
  for (const char c : text) hash = (hash ^ uint8_t(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

std::string data_fingerprint(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) fail("{}: no such folder", folder.string());
  if (!fs::exists(folder / manifest, ignored)) return fingerprint(listing(folder));
  const auto bytes = read_file(folder / manifest);
  return fingerprint({bytes.begin(), bytes.end()});
}

}  // namespace hyperconv
