// hyperconv study cost-table: the paper's table beside our own counters, and each network's run on
// this machine.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/memory.hpp"
#include "base/progress.hpp"
#include "base/threads.hpp"
#include "cli/size.hpp"
#include "lab_cli/study.hpp"
#include "studies/cost_table.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CostTableArguments {
  CostTableOptions options;
  std::string size;
  double memory_gib = 0;
  bool no_run = false, markdown = false, json = false;
};

constexpr double gib = 1 << 30;

/// A figure of the table: as published (the most precise that is known), and ours.
struct Figure {
  std::optional<double> published;
  double ours;

  std::string published_text() const { return published ? fmt::format("{:g}", *published) : "-"; }
  std::string difference() const {
    return published ? fmt::format("{:+.1f} %", 100 * (ours / *published - 1)) : "-";
  }
};

Figure figure(const CostRow& row, std::optional<double> PublishedCost::*field, double ours) {
  const auto& precise = row.definition.*field;
  return {precise ? precise : row.poster.*field, ours};
}

std::vector<Figure> figures(const CostRow& row) {
  return {figure(row, &PublishedCost::tera_flops, double(row.cost.flops) / 1e12),
          figure(row, &PublishedCost::mega_parameters, double(row.cost.parameters) / 1e6),
          figure(row, &PublishedCost::gib_conv_memory, double(row.cost.conv_memory_bytes) / gib)};
}

std::vector<std::string> header() {
  return {"network",
          "hidden",
          "FLOPs, T",
          "ours",
          "difference",
          "parameters, M",
          "ours",
          "difference",
          "conv memory, GiB",
          "ours",
          "difference",
          "peak of our plan, GiB",
          "time, s",
          "ours, s",
          "first, s",
          "memory of the run, GiB",
          "tiles"};
}

std::vector<std::string> cells(const CostRow& row) {
  std::vector<std::string> line{row.network, row.hidden ? fmt::format("{}", *row.hidden) : "-"};
  for (const Figure& f : figures(row)) {
    line.push_back(f.published_text());
    line.push_back(fmt::format("{:.3f}", f.ours));
    line.push_back(f.difference());
  }
  line.push_back(fmt::format("{:.2f}", double(row.peak_memory_bytes) / gib));
  line.push_back(row.poster.seconds ? fmt::format("{:g}", *row.poster.seconds) : "-");
  if (!row.run) {
    line.insert(line.end(), 4, "-");
    return line;
  }
  line.push_back(fmt::format("{:.2f}", row.run->seconds));
  line.push_back(fmt::format("{:.2f}", row.run->first_seconds));
  line.push_back(fmt::format("{:.2f}", double(row.run->peak_resident_bytes) / gib));
  line.push_back(fmt::format("{}", row.run->tiles));
  return line;
}

int threads_of(const CostTableArguments& a) {
  return a.options.threads > 0 ? a.options.threads : available_cores();
}

std::string notes(const CostTableArguments& a) {
  return fmt::format(
      "FLOPs: 2 x multiply-accumulates of the convolutions, a photo of {} samples. Conv memory: "
      "fp32 outputs of all convolutions, summed; it, our plan's peak and the runs at {}. Published "
      "figures: the poster of Muller 2021; of pynet, pynet-ca, awnet and vdn what their public "
      "code adds up to. hyper-* and plain-* are reconstructions. Times: the poster's of its CPU; "
      "ours in fp32 on {} threads, weights untrained.",
      to_string(paper_flops_size), a.size.empty() ? "2976x3968 (pynet: 2880x3968)" : a.size,
      threads_of(a));
}

void print_text(const std::vector<std::vector<std::string>>& lines) {
  std::vector<size_t> widths(lines[0].size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const auto& line : lines) {
    fmt::print("{:<{}}", line[0], widths[0]);
    for (size_t i = 1; i < line.size(); ++i) fmt::print("  {:>{}}", line[i], widths[i]);
    fmt::print("\n");
  }
}

void print_markdown(const std::vector<std::vector<std::string>>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    fmt::print("| {} |\n", fmt::join(lines[i], " | "));
    if (i > 0) continue;
    fmt::print("|---|");
    for (size_t column = 1; column < lines[i].size(); ++column) fmt::print("---:|");
    fmt::print("\n");
  }
}

Json optional(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json to_json(const PublishedCost& cost) {
  return {{"tera_flops", optional(cost.tera_flops)},
          {"mega_parameters", optional(cost.mega_parameters)},
          {"gib_conv_memory", optional(cost.gib_conv_memory)},
          {"seconds", optional(cost.seconds)}};
}

Json to_json(const CostRow& row) {
  Json json = {{"network", row.network},
               {"hidden", row.hidden ? Json(*row.hidden) : Json(nullptr)},
               {"size", to_string(paper_flops_size)},
               {"memory_size", to_string(row.memory_size)},
               {"poster", to_json(row.poster)},
               {"definition", to_json(row.definition)},
               {"flops", row.cost.flops},
               {"flops_total", row.cost.flops_total},
               {"parameters", row.cost.parameters},
               {"conv_memory_bytes", row.cost.conv_memory_bytes},
               {"peak_memory_bytes", row.peak_memory_bytes},
               {"run", nullptr}};
  if (row.run)
    json["run"] = {{"seconds", row.run->seconds},
                   {"first_seconds", row.run->first_seconds},
                   {"tiles", row.run->tiles},
                   {"peak_rss_bytes", row.run->peak_resident_bytes}};
  return json;
}

std::vector<CostRow> rows_of(const CostTableArguments& a) {
  CostTableOptions options = a.options;
  options.run = !a.no_run;
  if (!a.size.empty()) {
    const auto [rows, columns] = parse_size(a.size);
    options.size = {rows, columns};
  }
  if (a.memory_gib > 0) options.memory_bytes = int64_t(a.memory_gib * gib);
  const int64_t count =
      int64_t(options.networks.empty() ? cost_table_networks().size() : options.networks.size());
  Progress progress("running", count);
  return cost_table(options, [&](const std::string& network, int64_t index, int64_t) {
    progress.show(index, network);
  });
}

void cost_table_command(const CostTableArguments& a) {
  const auto rows = rows_of(a);
  if (a.json) {
    Json json = {{"threads", threads_of(a)}, {"rows", Json::array()}};
    for (const CostRow& row : rows) json["rows"].push_back(to_json(row));
    fmt::print("{}\n", to_line(json));
    return;
  }
  std::vector<std::vector<std::string>> lines{header()};
  for (const CostRow& row : rows) lines.push_back(cells(row));
  if (a.markdown)
    print_markdown(lines);
  else
    print_text(lines);
  fmt::print("\n{}\n", notes(a));
}

}  // namespace

void add_cost_table(CLI::App& study) {
  auto* command = study.add_subcommand(
      "cost-table",
      "The paper's table beside our own counters, and one 12 MP photo through each network on this "
      "machine (some 15 minutes on two cores; --no-run: at once)");
  auto a = std::make_shared<CostTableArguments>();
  command->add_option("--network", a->options.networks, "Only these (default: all of the paper)");
  command->add_flag("--no-run", a->no_run, "Count only");
  command
      ->add_option("--size", a->size,
                   "Photo in samples, rows x columns, for memory and runs (default: the paper's, "
                   "2976x3968, for pynet 2880x3968)")
      ->check(size_validator());
  command
      ->add_option("--memory", a->memory_gib,
                   "GiB that a run may take for activations; where a network needs more it runs "
                   "in tiles (default: what the machine has free)")
      ->check(CLI::PositiveNumber);
  command->add_option("--threads", a->options.threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  auto* markdown = command->add_flag("--markdown", a->markdown, "The table as Markdown");
  command->add_flag("--json", a->json, "One JSON object on stdout")->excludes(markdown);
  command->callback([a] { cost_table_command(*a); });
}

}  // namespace hyperconv::cli
