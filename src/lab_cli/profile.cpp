// hyperconv profile: what a network costs, without running it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "cli/size.hpp"
#include "engine/engine.hpp"
#include "lab_cli/commands.hpp"
#include "network/cost.hpp"
#include "network/zoo.hpp"

namespace hyperconv::cli {
namespace {

struct ProfileArguments {
  std::string network;
  std::string size;
  int width = 0, hidden = -1;
  bool layers = false, json = false;
};

struct Profile {
  std::string network;
  PhotoSize size, memory_size;  ///< at which FLOPs and memory are counted
  Task task = Task::develop;
  std::optional<int> hidden;
  Graph graph;
  Shape input, memory_input;
  Cost cost;
  int64_t peak_memory_bytes = 0;
  int receptive_field = 0;  ///< in samples
};

/// Hidden width of the first HyperConvolution.
std::optional<int> hidden_of(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (const auto* hyper = std::get_if<HyperConv2d>(&node.op)) return hyper->hidden;
  return std::nullopt;
}

/// The paper writes sizes as rows x columns.
Profile profile_of(const ProfileArguments& a) {
  ZooOptions options;
  if (a.width > 0) options.width = a.width;
  if (a.hidden >= 0) options.hidden = a.hidden;
  Profile p;
  p.network = a.network;
  p.graph = make_network(a.network, options);
  p.size = paper_flops_size;
  p.memory_size = paper_memory_size(a.network);
  if (!a.size.empty()) {
    const auto [rows, columns] = parse_size(a.size);
    p.size = p.memory_size = {rows, columns};
  }
  const NetworkUse use = network_use(a.network);
  p.task = use.task;
  p.input = network_input(a.network, p.graph, p.size);
  p.memory_input = network_input(a.network, p.graph, p.memory_size);
  p.hidden = hidden_of(p.graph);
  p.cost = total_cost(p.graph, p.input);
  p.cost.conv_memory_bytes = total_cost(p.graph, p.memory_input).conv_memory_bytes;
  p.peak_memory_bytes = activation_bytes(p.graph, p.memory_input);
  p.receptive_field = use.samples * receptive_field(p.graph);
  return p;
}

std::vector<Cost> layer_costs(const Profile& p) {
  auto costs = node_costs(p.graph, p.input);
  const auto memory = node_costs(p.graph, p.memory_input);
  for (size_t i = 0; i < costs.size(); ++i)
    costs[i].conv_memory_bytes = memory[i].conv_memory_bytes;
  return costs;
}

nlohmann::ordered_json to_json(const Cost& cost) {
  return {{"parameters", cost.parameters},
          {"flops", cost.flops},
          {"flops_total", cost.flops_total},
          {"conv_memory_bytes", cost.conv_memory_bytes}};
}

void print_json(const Profile& p, bool layers) {
  nlohmann::ordered_json json = {{"network", p.network},
                                 {"task", to_string(p.task)},
                                 {"size", to_string(p.size)},
                                 {"memory_size", to_string(p.memory_size)},
                                 {"input", {p.input.n, p.input.c, p.input.h, p.input.w}}};
  json["hidden"] = p.hidden ? nlohmann::ordered_json(*p.hidden) : nlohmann::ordered_json(nullptr);
  json.update(to_json(p.cost));
  json["peak_memory_bytes"] = p.peak_memory_bytes;
  json["receptive_field"] = p.receptive_field;
  if (layers) {
    const auto costs = layer_costs(p);
    json["layers"] = nlohmann::ordered_json::array();
    for (size_t i = 0; i < costs.size(); ++i) {
      const Node& node = p.graph.nodes()[i];
      nlohmann::ordered_json entry = {{"name", node.name}, {"op", operator_name(node.op)}};
      entry.update(to_json(costs[i]));
      json["layers"].push_back(std::move(entry));
    }
  }
  fmt::print("{}\n", to_line(json));
}

constexpr double gib = 1 << 30;

void print_text(const Profile& p, bool layers) {
  fmt::print("{} at {} samples{}\n", p.network, to_string(p.size),
             p.memory_size == p.size
                 ? ""
                 : fmt::format("; memory at {}, as the paper counts", to_string(p.memory_size)));
  fmt::print("  task             {}\n", to_string(p.task));
  fmt::print("  input            {}\n", to_string(p.input));
  fmt::print("  parameters       {:.3f} M\n", double(p.cost.parameters) / 1e6);
  if (p.hidden) fmt::print("  hidden           {}\n", *p.hidden);
  fmt::print("  FLOPs            {:.3f} T (convolutions: 2 x multiply-accumulates)\n",
             double(p.cost.flops) / 1e12);
  fmt::print("  FLOPs, total     {:.3f} T\n", double(p.cost.flops_total) / 1e12);
  fmt::print("  conv memory      {:.2f} GiB (sum over convolutions, the paper's way)\n",
             double(p.cost.conv_memory_bytes) / gib);
  fmt::print("  peak memory      {:.2f} GiB (activations of our plan)\n",
             double(p.peak_memory_bytes) / gib);
  fmt::print("  receptive field  {} samples\n", p.receptive_field);
  if (!layers) return;
  const auto costs = layer_costs(p);
  size_t longest = 0;
  for (const Node& node : p.graph.nodes()) longest = std::max(longest, node.name.size());
  fmt::print("\n{:<{}} {:<24} {:>12} {:>10} {:>10}\n", "layer", longest, "operator", "parameters",
             "GFLOP", "MiB");
  for (size_t i = 0; i < costs.size(); ++i) {
    const Node& node = p.graph.nodes()[i];
    fmt::print("{:<{}} {:<24} {:>12} {:>10.2f} {:>10.1f}\n", node.name, longest,
               operator_name(node.op), costs[i].parameters, double(costs[i].flops_total) / 1e9,
               double(costs[i].conv_memory_bytes) / (1 << 20));
  }
}

}  // namespace

void add_profile(CLI::App& program) {
  auto* command = add_laboratory_command(program, "profile");
  auto a = std::make_shared<ProfileArguments>();
  command
      ->add_option("--network", a->network,
                   "One of " + fmt::format("{}", fmt::join(network_names(), ", ")))
      ->required();
  command
      ->add_option(
          "--size", a->size,
          "Photo in samples, rows x columns (default: the paper's, 3072x4096 for FLOPs and "
          "2976x3968 for memory)")
      ->check(size_validator());
  command->add_option("--width", a->width, "Channels of the first level")
      ->check(CLI::Range(1, 4096));
  command->add_option("--hidden", a->hidden, "Hidden width of the HyperConvolutions")
      ->check(CLI::Range(0, 1 << 20));
  command->add_flag("--layers", a->layers, "A line a layer");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] {
    const Profile profile = profile_of(*a);
    if (a->json)
      print_json(profile, a->layers);
    else
      print_text(profile, a->layers);
  });
}

}  // namespace hyperconv::cli
