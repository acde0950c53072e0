#include "studies/sweep.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/descriptor.hpp"
#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/folder.hpp"
#include "base/interrupt.hpp"
#include "base/processor.hpp"
#include "base/progress.hpp"
#include "base/threads.hpp"
#include "data/cache.hpp"
#include "engine/kernels/kernels.hpp"
#include "tools/process.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string title_of(const StudyRun& run) { return fmt::format("{}-seed-{}", run.key, run.seed); }

/// A launcher's variables are for this process: a training started by it is alone.
bool is_launchers(const std::string& name) {
  static const std::set<std::string> known = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR",
                                              "MASTER_PORT"};
  if (known.contains(name)) return true;
  for (const char* start : {"OMPI_", "PMI", "SLURM_", "TORCHELASTIC_"})
    if (name.starts_with(start)) return true;
  return false;
}

std::string first_line(const fs::path& path) {
  const auto bytes = read_file(path);
  std::string text(bytes.begin(), bytes.end());
  return text.substr(0, text.find('\n'));
}

/// Taken by whoever works on a run; others leave it alone.
class RunLock {
 public:
  explicit RunLock(const fs::path& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (!file_.is_open()) fail("{}: cannot be written", path.string());
    taken_ = ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0;
  }

  bool is_ours() const { return taken_; }

 private:
  FileDescriptor file_;
  bool taken_ = false;
};

class Sweep {
 public:
  Sweep(const Study& study, const StudyPlan& plan, const SweepOptions& options)
      : study_(study), plan_(plan), options_(options) {
    const auto all = chosen_runs(study, plan, options.only);
    for (size_t i = 0; i < all.size(); ++i)
      if (options.shard.has(int64_t(i))) runs_.push_back(all[i]);
    for (const StudyRun& run : runs_)
      for (const fs::path& folder : run.data)
        if (!data_.contains(folder)) data_[folder] = data_fingerprint(folder);
    make_folder(options.folder);
    if (options.results.has_parent_path()) make_folder(options.results.parent_path());
    check_data();
  }

  const std::vector<StudyRun>& runs() const { return runs_; }

  std::string data_of(const StudyRun& run) const {
    std::string all;
    for (const fs::path& folder : run.data) all += data_.at(folder);
    return run.data.size() == 1 ? all : fingerprint(all);
  }

  /// Places in runs() that do not stand in the results.
  std::vector<size_t> left() const {
    const auto done = finished();
    std::vector<size_t> left;
    for (size_t i = 0; i < runs_.size(); ++i)
      if (!done.contains(identity(runs_[i]))) left.push_back(i);
    return left;
  }

  bool is_done(const StudyRun& run) const { return finished().contains(identity(run)); }

  /// A training in a process of its own, in `folder`. Its exit status.
  int train(const StudyRun& run, const fs::path& folder, int64_t stop_after) const {
    make_folder(folder);
    const auto absolute = [](const fs::path& path) {
      return path.empty() ? std::string() : fs::absolute(path).lexically_normal().string();
    };
    write_file(folder / "recipe.toml", run.recipe({.pairs = absolute(plan_.pairs),
                                                   .photos = absolute(plan_.photos),
                                                   .cache = absolute(plan_.cache),
                                                   .more = absolute(plan_.more),
                                                   .more_cache = absolute(plan_.more_cache)}));
    ProgramCall call{
        this_program,
        {"train", (folder / "recipe.toml").string(), "-o", folder.string(), "--seed",
         fmt::format("{}", run.seed), "--threads", fmt::format("{}", options_.threads), "--json"},
        folder / "stdout",
        folder / "stderr",
        is_launchers};
    if (stop_after > 0) {
      call.arguments.push_back("--stop-after");
      call.arguments.push_back(fmt::format("{}", stop_after));
    }
    return run_and_wait(call);
  }

  /// Trains, measures and notes one run; its line. Nothing where another process has it.
  std::optional<std::string> make(const StudyRun& run) const {
    const fs::path folder = options_.folder / title_of(run);
    make_folder(folder);
    {
      const RunLock lock(folder / "lock");
      if (!lock.is_ours() || is_done(run)) return std::nullopt;
      const auto start = Clock::now();
      const int status = train(run, folder, 0);
      throw_if_interrupted();
      if (status != 0)
        fail("{}: {}", title_of(run),
             status > 128 ? fmt::format("ended with signal {}", status - 128)
                          : first_line(folder / "stderr"));
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      const auto said = nlohmann::json::parse(first_line(folder / "stdout"));
      const auto model =
          std::make_shared<const Model>(Model::load(said["model"].get<std::string>()));
      const TrainedRun trained{model, folder / "log.csv"};
      append_result(options_.results, row_of(run, study_.measure(run, trained, plan_), seconds));
    }
    if (!options_.keep) fs::remove_all(folder);
    return title_of(run);
  }

  Facts row_of(const StudyRun& run, const Facts& measured, double seconds) const {
    Facts row{{"study", study_.name()}};
    const auto add = [&](const Facts& facts) { row.insert(row.end(), facts.begin(), facts.end()); };
    add({{"network", run.net.name}});
    add(run.facts);
    add({{"seed", fmt::format("{}", run.seed)}});
    add(cost_facts(run.net));
    add(measured);
    add({{"seconds", fmt::format("{:.1f}", seconds)},
         {"recipe", run.recipe_id},
         {"data", data_of(run)},
         {"version", HYPERCONV_VERSION},
         {"machine",
          fmt::format("{} {} threads {}", processor_name(), options_.threads, kernels().name)}});
    return row;
  }

 private:
  static std::string identity(const StudyRun& run) {
    return fmt::format("{} {}", run.recipe_id, run.seed);
  }

  std::set<std::string> finished() const {
    const Results results = read_results(options_.results);
    std::set<std::string> done;
    for (size_t i = 0; i < results.size(); ++i)
      done.insert(results.text(i, "recipe") + " " + results.text(i, "seed"));
    return done;
  }

  /// Runs on other data do not belong into one table.
  void check_data() const {
    const Results results = read_results(options_.results);
    std::map<std::string, std::string> known;
    for (size_t i = 0; i < results.size(); ++i)
      known[results.text(i, "recipe")] = results.text(i, "data");
    for (const StudyRun& run : runs_)
      if (const auto found = known.find(run.recipe_id);
          found != known.end() && found->second != data_of(run))
        fail("{}: holds runs on other data than what is in {}; name another file for results",
             options_.results.string(), run.data.front().string());
  }

  const Study& study_;
  const StudyPlan& plan_;
  const SweepOptions& options_;
  std::vector<StudyRun> runs_;
  std::map<fs::path, std::string> data_;
};

/// Seconds a step of a run's network, start of the process left out: recipes log every 20 steps,
/// and the speed is that of the last interval.
double seconds_a_step(const Sweep& sweep, const StudyRun& run, const fs::path& folder) {
  constexpr int64_t steps = 40;
  const int status = sweep.train(run, folder, steps);
  throw_if_interrupted();
  if (status != 0) fail("{}: {}", title_of(run), first_line(folder / "stderr"));
  const auto said = nlohmann::json::parse(first_line(folder / "stdout"));
  const double rate = said["patches_per_second"];
  return rate > 0 ? run.batch / rate : 0;
}

}  // namespace

std::vector<StudyRun> chosen_runs(const Study& study, const StudyPlan& plan,
                                  const std::string& only) {
  auto runs = study.runs(plan);
  const std::string example = runs.front().key;
  std::erase_if(runs, [&](const StudyRun& run) { return run.key.find(only) == run.key.npos; });
  if (runs.empty())
    fail("{}: no run has '{}' in its name; the first is called {}", study.name(), only, example);
  return runs;
}

SweepEstimate estimate_sweep(const Study& study, const StudyPlan& plan,
                             const SweepOptions& options) {
  const Sweep sweep(study, plan, options);
  const auto left = sweep.left();
  SweepEstimate estimate{.runs = int64_t(sweep.runs().size()),
                         .done = int64_t(sweep.runs().size() - left.size())};
  std::map<std::string, double> seconds;
  Progress progress("timing a few steps", int64_t(left.size()));
  const fs::path folder = options.folder / "timing";
  for (size_t i = 0; i < left.size(); ++i) {
    const StudyRun& run = sweep.runs()[left[i]];
    const std::string kind =
        fmt::format("{} {} {}", run.net.name, run.net.options.width.value_or(0),
                    run.net.options.hidden.value_or(0));
    progress.show(int64_t(i), run.key);
    if (!seconds.contains(kind)) {
      fs::remove_all(folder);
      seconds[kind] = seconds_a_step(sweep, run, folder) * double(run.steps);
    }
    estimate.hours += seconds[kind] / 3600;
  }
  fs::remove_all(folder);
  return estimate;
}

SweepSummary sweep(const Study& study, const StudyPlan& plan, const SweepOptions& options,
                   const SweepProgress& progress) {
  const Sweep work(study, plan, options);
  const auto left = work.left();
  SweepSummary summary{.runs = int64_t(work.runs().size()),
                       .done = int64_t(work.runs().size() - left.size()),
                       .failed = {}};
  std::mutex mutex;
  std::atomic<size_t> next = 0;
  const auto worker = [&] {
    for (size_t i; (i = next++) < left.size() && !interrupted();) {
      const StudyRun& run = work.runs()[left[i]];
      try {
        const auto line = work.make(run);
        const std::scoped_lock lock(mutex);
        if (line) progress(++summary.done, summary.runs, *line);
      } catch (const std::exception& error) {
        const std::scoped_lock lock(mutex);
        if (!interrupted()) summary.failed.push_back(error.what());
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < options.jobs; ++i) workers.emplace_back(worker);
  }
  throw_if_interrupted();
  return summary;
}

}  // namespace hyperconv
