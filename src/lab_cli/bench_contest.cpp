// Everyone in turn, in processes of their own.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/memory.hpp"
#include "base/progress.hpp"
#include "lab_cli/bench.hpp"
#include "tools/process.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

struct Rival {
  const char* name;
  const char* package;  ///< of Python; null: none of Python's
};
constexpr std::array rivals{Rival{"libtorch", nullptr}, Rival{"onnxruntime", "onnxruntime"},
                            Rival{"openvino", "openvino"}, Rival{"torch", "torch"},
                            Rival{"torch-compile", "torch"}};

// glibc gives large blocks back at once and pays for each of their pages when it takes them again:
// with these it keeps them.
constexpr const char* malloc_that_keeps =
    "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4294967296:"
    "glibc.malloc.trim_threshold=1099511627776:glibc.malloc.top_pad=268435456";

fs::path this_program() { return fs::read_symlink("/proc/self/exe"); }

std::vector<std::string> command_of(const Contestant& c, const BenchTask& task,
                                    const RivalHome& home) {
  std::vector<std::string> command;
  if (python_package(c.engine))
    command = {home.python.string(), home.script.string(), c.engine, "--onnx", task.onnx.string()};
  else
    command = {this_program().string(), "bench-child", c.engine};
  const Shape& s = task.shape;
  for (const std::string& word :
       {std::string("--model"), task.model.string(), std::string("--input"), task.input.string(),
        std::string("--threads"), std::to_string(task.threads), std::string("--precision"),
        to_string(c.arithmetic), std::string("--shape"), std::to_string(s.c), std::to_string(s.h),
        std::to_string(s.w)})
    command.push_back(word);
  if (c.tuned) command.push_back("--tuned");
  return command;
}

ProcessStart start_of(const Contestant& c, const BenchTask& task, const RivalHome& home,
                      const fs::path& messages) {
  ProcessStart start{
      .name = to_string(c), .arguments = command_of(c, task, home), .messages = messages};
  start.environment.push_back(fmt::format("OMP_NUM_THREADS={}", task.threads));
  if (c.tuned) start.environment.emplace_back(malloc_that_keeps);
  return start;
}

/// An answer of a child as JSON; its "error" is thrown.
Json understood(const Process& process, const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) fail("{} answered something that is no JSON object", process.name());
  if (json.contains("error")) fail("{}", json["error"].get<std::string>());
  return json;
}

/// A contestant that has loaded and run once; it takes no core but while it is asked.
class Loaded {
 public:
  Loaded(const Contestant& contestant, const BenchTask& task, const RivalHome& home,
         const fs::path& messages)
      : process_(start_of(contestant, task, home, messages)) {
    const Json ready = understood(process_, process_.read_line());
    result_.contestant = contestant;
    ready.at("version").get_to(result_.version);
    ready.at("settings").get_to(result_.settings);
    ready.at("load_seconds").get_to(result_.load_seconds);
    result_.first_seconds = ask("run").at("seconds").get<double>();
    process_.pause();
  }

  void run() {
    process_.resume();
    const Json facts = ask("run");
    process_.pause();
    result_.seconds.push_back(facts.at("seconds").get<double>());
    result_.page_faults.push_back(facts.at("page_faults").get<int64_t>());
  }

  /// The last output as raw floats.
  Shape write(const fs::path& path) {
    process_.resume();
    const auto s = ask("write " + path.string()).at("shape").get<std::array<int64_t, 4>>();
    process_.pause();
    return {s[0], s[1], s[2], s[3]};
  }

  BenchResult& result() { return result_; }

 private:
  Json ask(const std::string& command) {
    const Json facts = understood(process_, process_.ask(command));
    if (facts.contains("peak_rss_bytes")) facts["peak_rss_bytes"].get_to(result_.peak_rss_bytes);
    return facts;
  }

  Process process_;
  BenchResult result_;
};

/// A picture in a file, written by a child; the file goes with its owner.
class Output {
 public:
  Output(Loaded& from, const fs::path& path) : path_(path), shape_(from.write(path)), file_(path) {
    if (file_.bytes().size() != size_t(shape_.count()) * sizeof(float))
      fail("its output {} is not all there", to_string(shape_));
  }
  ~Output() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  const Shape& shape() const { return shape_; }
  std::span<const float> values() const {
    return {reinterpret_cast<const float*>(file_.bytes().data()), size_t(shape_.count())};
  }

 private:
  fs::path path_;
  Shape shape_;
  MappedFile file_;
};

double rms(const Output& output) {
  double sum = 0;
  for (const float value : output.values()) sum += double(value) * value;
  return std::sqrt(sum / double(std::max<int64_t>(output.shape().count(), 1)));
}

std::optional<double> largest_difference(const Output& a, const Output& b) {
  if (a.shape() != b.shape())
    fail("its output is {}, hyperconv's {}", to_string(a.shape()), to_string(b.shape()));
  double largest = 0;
  for (size_t i = 0; i < a.values().size(); ++i) {
    const double difference = std::abs(double(a.values()[i]) - double(b.values()[i]));
    if (!std::isfinite(difference)) return std::nullopt;
    largest = std::max(largest, difference);
  }
  return largest;
}

/// The whole contest. Rivals are loaded as many together as memory holds, and hyperconv with each
/// group; a rival that fails leaves it with its reason.
class Contest {
 public:
  Contest(const std::vector<Contestant>& contestants, const BenchTask& task, const RivalHome& home,
          int repeats, int64_t memory_guess, const fs::path& folder)
      : task_(task),
        home_(home),
        repeats_(repeats),
        memory_guess_(memory_guess),
        folder_(folder),
        waiting_(contestants.begin() + 1, contestants.end()),
        probe_(task.threads),
        ours_(contestants.front(), task, home, folder / "messages-of-hyperconv"),
        progress_("bench", int64_t(contestants.size()) * (repeats + 1)) {}

  BenchOutcome run() {
    measure_peak();
    do {
      load_group();
      for (int i = 0; i < repeats_; ++i) one_round();
      compare_group();
      finish_group();
    } while (!waiting_.empty());
    outcome_.results.insert(outcome_.results.begin(), ours_.result());
    outcome_.peak = probe_.best();
    return std::move(outcome_);
  }

 private:
  /// Runs `work` on a rival; false where it failed and is out of the contest.
  template <class Work>
  bool attempt(const Contestant& rival, const Work& work) {
    throw_if_interrupted();
    try {
      work();
      return true;
    } catch (const std::exception& error) {
      throw_if_interrupted();
      outcome_.absent.push_back({rival, error.what()});
      return false;
    }
  }

  /// Before the first round; a contest of few runs would else have few measurements.
  void measure_peak() {
    constexpr int times = 3;
    for (int i = 0; i < times; ++i) {
      probe_.measure_cores();
      probe_.measure_memory();
    }
  }

  void load_group() {
    ++outcome_.groups;
    while (!waiting_.empty() && (group_.empty() || available_memory_bytes() > 2 * need())) {
      const Contestant next = waiting_.front();
      waiting_.erase(waiting_.begin());
      note(next, "loading");
      const fs::path messages = folder_ / fmt::format("messages-{}", waiting_.size());
      attempt(next, [&] { group_.emplace_back(next, task_, home_, messages); });
      for (Loaded& rival : group_)
        largest_seen_ = std::max(largest_seen_, rival.result().peak_rss_bytes);
    }
  }

  /// Memory that a rival may want. Twice that must be free for one more: it, and room for another
  /// that gave back between its runs what it wants again in the next.
  int64_t need() const { return largest_seen_ > 0 ? largest_seen_ * 5 / 4 : memory_guess_; }

  void one_round() {
    note(ours_.result().contestant, "running");
    ours_.run();
    probe_.measure_cores();
    std::erase_if(group_, [&](Loaded& rival) {
      const Contestant name = rival.result().contestant;
      note(name, "running");
      const bool has_run = attempt(name, [&] { rival.run(); });
      probe_.measure_cores();
      return !has_run;
    });
    probe_.measure_memory();
  }

  void compare_group() {
    const Output ours(ours_, folder_ / "output-of-hyperconv");
    outcome_.output_rms = rms(ours);
    ours_.result().max_difference = largest_difference(ours, ours);
    std::erase_if(group_, [&](Loaded& rival) {
      return !attempt(rival.result().contestant, [&] {
        rival.result().max_difference =
            largest_difference(Output(rival, folder_ / "output-of-a-rival"), ours);
      });
    });
  }

  void finish_group() {
    for (Loaded& rival : group_) outcome_.results.push_back(std::move(rival.result()));
    group_.clear();
  }

  void note(const Contestant& who, const char* what) {
    progress_.show(steps_++, fmt::format("{} {}", what, to_string(who)));
  }

  const BenchTask& task_;
  const RivalHome& home_;
  const int repeats_;
  const int64_t memory_guess_;
  const fs::path folder_;
  std::vector<Contestant> waiting_;
  PeakProbe probe_;
  Loaded ours_;
  std::vector<Loaded> group_;
  BenchOutcome outcome_;
  Progress progress_;
  int64_t steps_ = 0;
  int64_t largest_seen_ = 0;
};

}  // namespace

std::string to_string(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::fp32 ? "fp32" : "bf16";
}

std::string to_string(const Contestant& c) {
  return fmt::format("{} {}{}", c.engine, to_string(c.arithmetic), c.tuned ? ", tuned" : "");
}

std::vector<std::string> rival_names() {
  std::vector<std::string> names;
  for (const Rival& rival : rivals) names.emplace_back(rival.name);
  return names;
}

std::optional<std::string> python_package(const std::string& name) {
  for (const Rival& rival : rivals)
    if (name == rival.name && rival.package != nullptr) return rival.package;
  return std::nullopt;
}

BenchOutcome run_contest(const std::vector<Contestant>& contestants, const BenchTask& task,
                         const RivalHome& home, int repeats, int64_t memory_guess,
                         const fs::path& folder) {
  return Contest(contestants, task, home, repeats, memory_guess, folder).run();
}

std::vector<std::string> missing_packages(const RivalHome& home,
                                          const std::vector<std::string>& packages,
                                          const fs::path& folder) {
  std::vector<std::string> command = {home.python.string(), home.script.string(), "--packages"};
  command.insert(command.end(), packages.begin(), packages.end());
  Process process({.name = home.python.string(),
                   .arguments = command,
                   .messages = folder / "messages-of-python"});
  return understood(process, process.read_line()).at("missing").get<std::vector<std::string>>();
}

}  // namespace hyperconv::cli
