#include "studies/cost_table.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/random.hpp"
#include "engine/parts.hpp"
#include "tools/process.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

struct Published {
  std::string network;
  PublishedCost poster, definition;
};

// The poster's table, rounded as it is; and what its comparators' public code adds up to.
const std::vector<Published>& published() {
  static const std::vector<Published> all = {
      {"pynet", {43, 47, 29.7, 120}, {42.91, 47.555, 29.72, {}}},
      {"pynet-ca", {45, 51, 32.8, 131}, {44.91, 51.304, 32.82, {}}},
      {"awnet", {9.4, 52, 27.8, 55}, {9.398, 52.205, 27.84, {}}},
      {"plain-1.3t", {1.3, .4, 3.8, 11}, {}},
      {"plain-0.6t", {.6, .2, 2.6, 7}, {}},
      {"hyper-i", {.7, 276, 3.4, 12}, {}},
      {"hyper-ii", {.3, 95, 2.2, 6}, {}},
      {"hyper-iii", {.2, 90, 1.8, 5}, {}},
      {"vdn", {}, {{}, 7.701, {}, {}}},
  };
  return all;
}

Published published_of(const std::string& network) {
  for (const Published& p : published())
    if (p.network == network) return p;
  return {network, {}, {}};
}

std::optional<int> hidden_of(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (const auto* hyper = std::get_if<HyperConv2d>(&node.op)) return hyper->hidden;
  return std::nullopt;
}

CostRow counted(const std::string& network, const CostTableOptions& options) {
  const Graph graph = make_network(network);
  const Published published = published_of(network);
  CostRow row;
  row.network = network;
  row.poster = published.poster;
  row.definition = published.definition;
  row.hidden = hidden_of(graph);
  row.memory_size = options.size.value_or(paper_memory_size(network));
  const Shape memory_input = network_input(network, graph, row.memory_size);
  row.cost = total_cost(graph, network_input(network, graph, paper_flops_size));
  row.cost.conv_memory_bytes = total_cost(graph, memory_input).conv_memory_bytes;
  row.peak_memory_bytes = activation_bytes(graph, memory_input);
  return row;
}

Tensor any_photo(const Shape& shape) {
  Random random(1);
  Tensor photo(shape);
  for (size_t i = 0; i < photo.size(); ++i) photo.data()[i] = float(random.uniform());
  return photo;
}

// A run that takes longer than this is measured once.
constexpr double long_run_seconds = 20;
constexpr int further_runs = 5;

int64_t allowed_memory(const CostTableOptions& options, const Tensor& input) {
  if (options.memory_bytes) return *options.memory_bytes;
  // The frame's own pages are not touched yet, or not all.
  return available_memory_bytes() - int64_t(input.size() * sizeof(float));
}

/// One photo of the table's size through an untrained network: what the child process does.
PhotoRun run_network(const CostRow& row, const CostTableOptions& options) {
  const Graph graph = make_network(row.network);
  const Shape shape = network_input(row.network, graph, row.memory_size);
  const Tensor input = any_photo(shape);
  // How long parts take does not depend on what they look at.
  PartRunner runner(std::make_shared<const Model>(untrained_network(row.network, {}, {}, 1)),
                    {.threads = options.threads},
                    {.memory = allowed_memory(options, input), .alone = true});
  const WholeInput photo = whole_input(input);
  const SideInputs side = neutral_side_inputs(graph);
  PhotoRun run;
  const auto run_once = [&] {
    const auto start = Clock::now();
    const Conditions conditions = runner.engine().condition(photo, {}, side);
    run.tiles = runner.run(photo, {0, 0, shape.h, shape.w}, conditions, [](const PhotoPart&) {});
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  run.seconds = run.first_seconds = run_once();
  if (run.first_seconds > long_run_seconds) return run;
  std::vector<double> seconds;
  for (int i = 0; i < further_runs; ++i) seconds.push_back(run_once());
  std::ranges::nth_element(seconds, seconds.begin() + further_runs / 2);
  run.seconds = seconds[further_runs / 2];
  return run;
}

PhotoRun measured(const CostRow& row, const CostTableOptions& options) {
  const ChildOutcome outcome = run_in_child([&] {
    const PhotoRun run = run_network(row, options);
    return nlohmann::json{run.first_seconds, run.seconds, run.tiles}.dump();
  });
  const auto json = nlohmann::json::parse(outcome.result);
  return {json[0], json[1], json[2], int64_t(outcome.peak_resident_bytes)};
}

}  // namespace

std::vector<std::string> cost_table_networks() {
  std::vector<std::string> names;
  for (const Published& p : published()) names.push_back(p.network);
  return names;
}

std::vector<CostRow> cost_table(const CostTableOptions& options, const RowProgress& progress) {
  const auto names = options.networks.empty() ? cost_table_networks() : options.networks;
  std::vector<CostRow> rows;
  // An unknown name shows before the first long run.
  for (const auto& name : names) rows.push_back(counted(name, options));
  for (size_t i = 0; options.run && i < rows.size(); ++i) {
    throw_if_interrupted();
    progress(rows[i].network, int64_t(i), int64_t(rows.size()));
    try {
      rows[i].run = measured(rows[i], options);
    } catch (const Error& error) {
      if (interrupted()) throw;
      fail("{}: {}", rows[i].network, error.what());
    }
  }
  return rows;
}

}  // namespace hyperconv
