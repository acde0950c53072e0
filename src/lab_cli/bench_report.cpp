// What bench measured, as JSON, a table for people, Markdown and CSV.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "lab_cli/bench.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double giga = 1e9, gib = 1 << 30;

/// The value below which a share of the values lie, between two of them where it must be.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * double(values.size() - 1);
  const auto below = size_t(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - double(below)) * (values[above] - values[below]);
}

int64_t median(const std::vector<int64_t>& values) {
  return int64_t(quantile({values.begin(), values.end()}, 0.5));
}

/// A result with what follows from it.
struct Row {
  const BenchResult& result;
  double seconds, gflops;
  std::optional<double> peak_fraction;
};

std::vector<Row> rows_of(const BenchReport& report) {
  std::vector<Row> rows;
  for (const BenchResult& r : report.outcome.results) {
    const double seconds = quantile(r.seconds, 0.5);
    const double gflops = double(report.flops_total) / seconds / giga;
    const Peak& peak = report.outcome.peak;
    // Where there are no bf16 instructions, who stores bf16 computes in fp32.
    const bool narrow = r.contestant.arithmetic == Arithmetic::bf16 && peak.bf16_gflops;
    const std::optional<double> of = narrow ? peak.bf16_gflops : peak.fp32_gflops;
    rows.push_back({r, seconds, gflops, of ? std::optional(gflops / *of) : std::nullopt});
  }
  return rows;
}

std::string malloc_of(const Contestant& c) { return c.tuned ? "tuned" : "default"; }

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Row& row) {
  const BenchResult& r = row.result;
  return {{"engine", r.contestant.engine},
          {"version", r.version},
          {"precision", to_string(r.contestant.arithmetic)},
          {"malloc", malloc_of(r.contestant)},
          {"settings", r.settings},
          {"seconds", row.seconds},
          {"seconds_min", quantile(r.seconds, 0)},
          {"seconds_quartiles", {quantile(r.seconds, 0.25), quantile(r.seconds, 0.75)}},
          {"seconds_max", quantile(r.seconds, 1)},
          {"runs", r.seconds.size()},
          {"load_seconds", r.load_seconds},
          {"first_seconds", r.first_seconds},
          {"gflops", row.gflops},
          {"peak_fraction", or_null(row.peak_fraction)},
          {"peak_rss_bytes", r.peak_rss_bytes},
          {"page_faults", median(r.page_faults)},
          {"max_difference", or_null(r.max_difference)}};
}

Json to_json(const BenchAbsence& absence) {
  return {{"engine", absence.contestant.engine},
          {"precision", to_string(absence.contestant.arithmetic)},
          {"malloc", malloc_of(absence.contestant)},
          {"reason", absence.reason}};
}

/// What stands above a table, a line each.
std::vector<std::string> preamble(const BenchReport& b) {
  const Peak& peak = b.outcome.peak;
  std::vector<std::string> lines = {
      fmt::format("{} at {} samples ({}): input {}, {:.4g} GFLOP", b.network, b.size, b.photo,
                  to_string(b.input), double(b.flops_total) / giga),
      fmt::format("{}, {} cores, {}; load average {:.1f} before, {:.1f} after", b.processor,
                  b.cores, PeakProbe::instructions(), b.load_before[0], b.load_after[0]),
      fmt::format("peak on {} thread{}: fp32 {:.1f} GFLOP/s, bf16 {}, memory {:.1f} GB/s (reading)",
                  b.threads, b.threads == 1 ? "" : "s", peak.fp32_gflops,
                  peak.bf16_gflops ? fmt::format("{:.1f} GFLOP/s", *peak.bf16_gflops) : "none",
                  peak.memory_gbps),
      fmt::format("{} thread{}; median of {} rounds, in turn{}; output rms {:.3g}", b.threads,
                  b.threads == 1 ? "" : "s", b.repeats,
                  b.outcome.groups > 1
                      ? fmt::format(", {} groups of rivals (memory)", b.outcome.groups)
                      : "",
                  b.outcome.output_rms)};
  return lines;
}

/// Who is absent for one reason shares a line.
std::vector<std::string> absences(const BenchReport& report) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const BenchAbsence& a : report.outcome.absent) {
    auto place = std::ranges::find(by_reason, a.reason, [](const auto& e) { return e.first; });
    if (place == by_reason.end()) place = by_reason.insert(place, {a.reason, {}});
    const std::string who =
        fmt::format("{} {}", a.contestant.engine, to_string(a.contestant.arithmetic));
    if (std::ranges::find(place->second, who) == place->second.end()) place->second.push_back(who);
  }
  std::vector<std::string> lines;
  for (const auto& [reason, who] : by_reason)
    lines.push_back(fmt::format("not run: {}: {}", fmt::join(who, ", "), reason));
  return lines;
}

using Cells = std::vector<std::string>;

Cells heading() {
  return {"engine",  "precision", "malloc",   "seconds", "range",     "first",
          "GFLOP/s", "of peak",   "peak GiB", "faults",  "difference"};
}

Cells cells_of(const Row& row) {
  const BenchResult& r = row.result;
  return {fmt::format("{} {}", r.contestant.engine, r.version),
          to_string(r.contestant.arithmetic),
          malloc_of(r.contestant) + (r.settings.empty() ? "" : ", " + r.settings),
          fmt::format("{:.3f}", row.seconds),
          fmt::format("{:.3f}-{:.3f}", quantile(r.seconds, 0), quantile(r.seconds, 1)),
          fmt::format("{:.3f}", r.first_seconds),
          fmt::format("{:.1f}", row.gflops),
          row.peak_fraction ? fmt::format("{:.0f} %", 100 * *row.peak_fraction) : "-",
          fmt::format("{:.2f}", double(r.peak_rss_bytes) / gib),
          fmt::format("{}", median(r.page_faults)),
          r.max_difference ? fmt::format("{:.1e}", *r.max_difference) : "not finite"};
}

std::vector<Cells> table_of(const BenchReport& report) {
  std::vector<Cells> table = {heading()};
  for (const Row& row : rows_of(report)) table.push_back(cells_of(row));
  return table;
}

/// A field of a CSV file, as RFC 4180 has it.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + '"';
}

}  // namespace

std::string bench_json(const BenchReport& b) {
  const Peak& peak = b.outcome.peak;
  Json json = {{"network", b.network},
               {"size", b.size},
               {"photo", b.photo},
               {"input", {b.input.n, b.input.c, b.input.h, b.input.w}},
               {"flops_total", b.flops_total},
               {"threads", b.threads},
               {"repeats", b.repeats},
               {"groups", b.outcome.groups},
               {"peak",
                {{"fp32_gflops", peak.fp32_gflops},
                 {"bf16_gflops", or_null(peak.bf16_gflops)},
                 {"memory_gbps", peak.memory_gbps}}},
               {"machine",
                {{"processor", b.processor},
                 {"cores", b.cores},
                 {"instructions", PeakProbe::instructions()},
                 {"load_before", b.load_before},
                 {"load_after", b.load_after}}},
               {"output_rms", b.outcome.output_rms},
               {"results", Json::array()},
               {"not_run", Json::array()}};
  for (const Row& row : rows_of(b)) json["results"].push_back(to_json(row));
  for (const BenchAbsence& a : b.outcome.absent) json["not_run"].push_back(to_json(a));
  return to_line(json) + '\n';
}

std::string bench_text(const BenchReport& report) {
  const auto table = table_of(report);
  std::vector<size_t> widths(table[0].size());
  for (const Cells& cells : table)
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  std::string text = fmt::format("{}\n\n", fmt::join(preamble(report), "\n"));
  constexpr size_t words = 3;  // the first columns; the others are numbers
  for (const Cells& cells : table) {
    for (size_t i = 0; i < cells.size(); ++i)
      text += i < words ? fmt::format("{:<{}}  ", cells[i], widths[i])
                        : fmt::format("{:>{}}{}", cells[i], widths[i],
                                      i + 1 < cells.size() ? "  " : "\n");
  }
  for (const std::string& line : absences(report)) text += line + '\n';
  return text;
}

std::string bench_markdown(const BenchReport& report) {
  std::string text;
  for (const std::string& line : preamble(report)) text += fmt::format("- {}\n", line);
  text += '\n';
  const auto table = table_of(report);
  for (size_t row = 0; row < table.size(); ++row) {
    text += fmt::format("| {} |\n", fmt::join(table[row], " | "));
    if (row == 0) text += fmt::format("| {} |\n", fmt::join(Cells(table[0].size(), "---"), " | "));
  }
  if (!report.outcome.absent.empty()) text += '\n';
  for (const std::string& line : absences(report)) text += fmt::format("- {}\n", line);
  return text;
}

std::string bench_csv(const BenchReport& report) {
  std::string text =
      "network,size,threads,engine,version,precision,malloc,settings,seconds,seconds_min,"
      "seconds_max,first_seconds,load_seconds,gflops,peak_fraction,peak_rss_bytes,page_faults,"
      "max_difference\n";
  for (const Row& row : rows_of(report)) {
    const BenchResult& r = row.result;
    const Cells fields = {report.network,
                          report.size,
                          fmt::format("{}", report.threads),
                          r.contestant.engine,
                          r.version,
                          to_string(r.contestant.arithmetic),
                          malloc_of(r.contestant),
                          r.settings,
                          fmt::format("{:.6g}", row.seconds),
                          fmt::format("{:.6g}", quantile(r.seconds, 0)),
                          fmt::format("{:.6g}", quantile(r.seconds, 1)),
                          fmt::format("{:.6g}", r.first_seconds),
                          fmt::format("{:.6g}", r.load_seconds),
                          fmt::format("{:.6g}", row.gflops),
                          row.peak_fraction ? fmt::format("{:.4g}", *row.peak_fraction) : "",
                          fmt::format("{}", r.peak_rss_bytes),
                          fmt::format("{}", median(r.page_faults)),
                          r.max_difference ? fmt::format("{:.4g}", *r.max_difference) : ""};
    Cells safe;
    for (const std::string& field : fields) safe.push_back(quoted(field));
    text += fmt::format("{}\n", fmt::join(safe, ","));
  }
  return text;
}

}  // namespace hyperconv::cli
