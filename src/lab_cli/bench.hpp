// hyperconv bench in parts: who runs (bench_contest), what runs in a child (bench_child), and what
// is printed (bench_report).
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "engine/peak.hpp"

namespace hyperconv::cli {

/// What a run computes in.
enum class Arithmetic { fp32, bf16 };
std::string to_string(Arithmetic arithmetic);

/// Who runs, and how.
struct Contestant {
  std::string engine;  ///< "hyperconv", "libtorch", "onnxruntime", ...
  Arithmetic arithmetic = Arithmetic::fp32;
  /// malloc keeps what it has, and what a careful user of that engine would set; false: as it
  /// comes.
  bool tuned = false;
};
/// "onnxruntime fp32, malloc tuned".
std::string to_string(const Contestant& contestant);

/// What everyone runs.
struct BenchTask {
  std::filesystem::path model, onnx, input;  ///< `onnx` is empty where nobody reads it
  Shape shape;                               ///< of the input
  int threads = 1;
};

struct BenchResult {
  Contestant contestant;
  std::string version, settings;
  double load_seconds = 0, first_seconds = 0;  ///< of the first run: buffers are made in it
  std::vector<double> seconds;                 ///< of all runs but the first
  std::vector<int64_t> page_faults;            ///< the same
  int64_t peak_rss_bytes = 0;
  std::optional<double> max_difference;  ///< from hyperconv in fp32; none: not finite
};

/// Who could not run, and why.
struct BenchAbsence {
  Contestant contestant;
  std::string reason;
};

struct BenchOutcome {
  std::vector<BenchResult> results;
  std::vector<BenchAbsence> absent;
  Peak peak;
  double output_rms = 0;  ///< of hyperconv's output in fp32: differences are to be seen beside it
  int groups = 0;         ///< in which rivals were loaded together; hyperconv is in each
};

/// Where the Python rivals live.
struct RivalHome {
  std::filesystem::path python, script;
};

/// Names that --rivals takes; the Python ones, and the package that each needs.
std::vector<std::string> rival_names();
std::optional<std::string> python_package(const std::string& rival);

/// Runs everyone in turn, A, B, C, A, B, C, ..., each in a process of its own that loads once. The
/// first contestant must be hyperconv in fp32. Files for the work go to `folder`.
BenchOutcome run_contest(const std::vector<Contestant>& contestants, const BenchTask& task,
                         const RivalHome& home, int repeats, int64_t memory_guess,
                         const std::filesystem::path& folder);

/// The answer of "rival.py --packages": what is missing of these.
std::vector<std::string> missing_packages(const RivalHome& home,
                                          const std::vector<std::string>& packages,
                                          const std::filesystem::path& folder);

/// All that is printed.
struct BenchReport {
  std::string network;
  std::string size;   ///< of the photo, "2976x3968"
  std::string photo;  ///< where it comes from
  Shape input;
  int64_t flops_total = 0;
  int threads = 0, repeats = 0, cores = 0;
  std::string processor;
  std::array<double, 3> load_before = {},
                        load_after = {};  ///< runnable threads over 1, 5, 15 minutes
  BenchOutcome outcome = {};
};

std::string bench_json(const BenchReport& report);
std::string bench_text(const BenchReport& report);
std::string bench_markdown(const BenchReport& report);
std::string bench_csv(const BenchReport& report);

/// The command that a child of bench runs; not for users.
void add_bench_child(CLI::App& program);

}  // namespace hyperconv::cli
