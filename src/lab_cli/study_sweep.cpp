// hyperconv study double-descent, ...: trains a list of networks, and draws what came out.
#include "lab_cli/study_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/folder.hpp"
#include "base/json.hpp"
#include "base/openmp_spinning.hpp"
#include "base/progress.hpp"
#include "base/say.hpp"
#include "data/cache.hpp"
#include "lab_cli/study.hpp"
#include "studies/cheaper_vdn.hpp"
#include "studies/conditioning.hpp"
#include "studies/develop_designs.hpp"
#include "studies/double_descent.hpp"
#include "studies/fixed_flops.hpp"
#include "studies/poster.hpp"
#include "studies/sweep.hpp"

namespace hyperconv::cli {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
  StudyPlan plan;
  SweepOptions options;
  std::string redraw, shard;
  int64_t steps = 0;
  bool quick = false, smoke = false, estimate = false, json = false;
};

const char* form_name(StudyForm form) {
  if (form == StudyForm::full) return "full";
  return form == StudyForm::quick ? "quick" : "smoke";
}

void report(const Study& study, const fs::path& results, bool json, const SweepSummary* summary) {
  const auto figures = study.draw(results);
  if (json) {
    nlohmann::ordered_json said = {{"study", study.name()}, {"results", results.string()}};
    if (summary != nullptr) {
      said["runs"] = summary->runs;
      said["done"] = summary->done;
    }
    said["figures"] = nlohmann::ordered_json::array();
    for (const fs::path& figure : figures) said["figures"].push_back(figure.string());
    fmt::print("{}\n", to_line(said));
    return;
  }
  for (const auto& line : study.table(read_results(results))) fmt::print("{}\n", line);
  fmt::print("\n{}\n", results.string());
  for (const fs::path& figure : figures) fmt::print("{}.svg, .png\n", figure.string());
}

void redraw(const Study& study, const SweepArguments& a) {
  if (read_results(a.redraw).size() == 0) fail("{}: holds no results", a.redraw);
  report(study, a.redraw, a.json, nullptr);
}

/// Where results and runs are, unless they were named: the form has its own place.
void set_places(const Study& study, SweepArguments& a) {
  const std::string name = a.plan.form == StudyForm::full
                               ? study.name()
                               : fmt::format("{}-{}", study.name(), form_name(a.plan.form));
  if (a.options.folder.empty()) a.options.folder = fs::path("runs") / "studies" / name;
  if (a.options.results.empty()) a.options.results = a.options.folder / (name + ".csv");
}

bool is_wanted(const fs::path& data, const std::vector<StudyRun>& runs) {
  return std::ranges::any_of(runs, [&](const StudyRun& run) {
    return std::ranges::find(run.data, data) != run.data.end();
  });
}

/// Where a set's decoded pairs are, for all studies.
fs::path cache_of(const fs::path& data, const SweepArguments& a) {
  return fs::absolute(a.options.folder).parent_path() / ("pairs-" + data_fingerprint(data));
}

/// Decoded pairs are made before the runs that would all make them.
void make_caches(const Study& study, SweepArguments& a) {
  const auto runs = chosen_runs(study, a.plan, a.options.only);
  Threads threads;
  const auto make = [&](const fs::path& data, const fs::path& cache, Split part) {
    cached_pairs(find_pairs(data, part), cache.string() + "." + to_string(part), threads);
  };
  if (is_wanted(a.plan.pairs, runs)) {
    a.plan.cache = cache_of(a.plan.pairs, a);
    for (const Split part : {Split::train, Split::test}) make(a.plan.pairs, a.plan.cache, part);
  }
  if (is_wanted(a.plan.more, runs)) {
    a.plan.more_cache = cache_of(a.plan.more, a);
    make(a.plan.more, a.plan.more_cache, Split::train);
  }
}

void print_estimate(const Study& study, const SweepEstimate& e, const SweepOptions& options) {
  say("{}: {} runs, {} of them done; {:.2f} hours of training are left, {:.2f} with {} at "
      "once\n",
      study.name(), e.runs, e.done, e.hours, e.hours / options.jobs, options.jobs);
}

void sweep_command(const Study& study, SweepArguments a) {
  if (!a.redraw.empty()) return redraw(study, a);
  if (HYPERCONV_HAS_TRAINING == 0)
    fail("this hyperconv was built without training; --redraw FILE draws results that are there");
  if (a.quick) a.plan.form = StudyForm::quick;
  if (a.smoke) a.plan.form = StudyForm::smoke;
  if (a.steps > 0) a.plan.steps = a.steps;
  a.options.shard =
      a.shard.empty() ? shard_from_environment(std::getenv) : shard_from_string(a.shard);
  shorten_openmp_spinning();
  set_places(study, a);
  make_folder(a.options.folder);
  make_caches(study, a);
  if (a.estimate || a.plan.form == StudyForm::full) {
    const SweepEstimate estimate = estimate_sweep(study, a.plan, a.options);
    print_estimate(study, estimate, a.options);
    if (a.estimate) return;
  }
  Progress line("runs", int64_t(chosen_runs(study, a.plan, a.options.only).size()));
  const SweepSummary summary =
      sweep(study, a.plan, a.options,
            [&](int64_t done, int64_t, const std::string& run) { line.show(done, run); });
  for (const auto& failure : summary.failed) say("hyperconv: {}\n", failure);
  if (!summary.failed.empty())
    fail("{} of {} runs failed; the same command tries them again", summary.failed.size(),
         summary.runs);
  report(study, a.options.results, a.json, &summary);
}

}  // namespace

namespace {

/// An option for a folder of data, where the study has one.
void add_folder(CLI::App& command, const char* option, fs::path& folder, const char* what) {
  if (folder.empty()) return;
  command.add_option(option, folder, fmt::format("{} (default {})", what, folder.string()));
}

}  // namespace

void add_sweep(CLI::App& study, std::shared_ptr<const Study> experiment, const char* description,
               const StudyPlan& plan) {
  auto* command = study.add_subcommand(experiment->name(), description);
  auto a = std::make_shared<SweepArguments>();
  a->plan = plan;
  add_folder(*command, "--data", a->plan.pairs, "Pairs to learn from and to test on");
  add_folder(*command, "--photos", a->plan.photos, "Photos of which RAW patches are simulated");
  add_folder(*command, "--test-photos", a->plan.test_photos, "Photos to test on");
  add_folder(*command, "--more", a->plan.more,
             "Pairs that half of the patches are of, in a second run of everything, where the "
             "folder is there");
  add_folder(*command, "--crops", a->plan.crops,
             "Pairs of which crops are tested on too, where the folder is there");
  command->add_option("--results", a->options.results,
                      "CSV that results are added to and read from: runs that stand there are not "
                      "made again (default runs/studies/NAME/NAME.csv)");
  command->add_option("-o,--output", a->options.folder,
                      "Folder of runs under way (default runs/studies/NAME)");
  auto* quick = command->add_flag("--quick", a->quick, "A few short runs: minutes");
  command->add_flag("--smoke", a->smoke, "The fewest runs of a few steps: seconds")
      ->excludes(quick);
  command->add_option("--seeds", a->plan.seeds, "Runs of each kind (default: the form's)")
      ->check(CLI::Range(1, 1000));
  command->add_option("--steps", a->steps, "Steps of each run (default: the form's)")
      ->check(CLI::PositiveNumber);
  command->add_option("--jobs", a->options.jobs, "Runs at once (default 1)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--threads", a->options.threads, "Threads of each run (default 1)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--only", a->options.only, "Only runs with this text in their name");
  command->add_option("--shard", a->shard,
                      "Only this share of the runs, like 2/8 (default: by Slurm array, srun, "
                      "mpirun or torchrun)");
  command->add_flag("--estimate", a->estimate,
                    "Say how many hours are left, from a few steps of each network, and stop");
  command->add_flag("--keep", a->options.keep, "Keep the folders of finished runs");
  command->add_option("--redraw", a->redraw,
                      "Train nothing: draw the figures and print the table of this results' file");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a, experiment] { sweep_command(*experiment, *a); });
}

// `hyperconv simulate --layout zrr` makes such a set.
static const char* const simzrr = "data/simzrr";
static const char* const simzrr_2 = "data/simzrr-2";

void add_double_descent(CLI::App& study) {
  add_sweep(study, std::make_shared<DoubleDescent>(),
            "Errors over the hidden width 1 ... 1024 at fixed FLOPs, on training sets of several "
            "sizes, with right and with noisy labels",
            {.pairs = simzrr});
}

void add_interpolation(CLI::App& study) {
  add_sweep(study, std::make_shared<DoubleDescent>(DescentTraining::to_interpolation),
            "double-descent with ten times the steps, hidden 1 ... 2048 and more label noise, and "
            "both errors over the steps",
            {.pairs = simzrr});
}

void add_poster(CLI::App& study) {
  add_sweep(study, std::make_shared<PosterStudy>(),
            "The poster's table, trained: the paper's networks, its rivals and controls of what is "
            "behind the gain, with learning curves",
            {.pairs = simzrr_2});
}

void add_fixed_flops(CLI::App& study) {
  add_sweep(study, std::make_shared<FixedFlops>(),
            "HyperConvolutions against the same backbone without, against squeeze-excitation, FiLM "
            "and a predicted colour matrix, and against wider plain networks",
            {.pairs = simzrr,
             .photos = "../shared/data/photos/train",
             .test_photos = "../shared/data/photos/val"});
}

void add_designs(CLI::App& study) {
  add_sweep(study, std::make_shared<DevelopDesigns>(),
            "Designs of the develop network, losses and patches, after the same FLOPs of training",
            {.photos = "../shared/data/photos_free/train",
             .test_photos = "../shared/data/photos_free/val"});
}

void add_conditioning(CLI::App& study) {
  add_sweep(study, std::make_shared<ConditioningStudy>(),
            "What networks trained on patches lose on whole frames, by where the statistics come "
            "from that their filters follow",
            {.pairs = simzrr});
}

void add_cheaper_vdn(CLI::App& study) {
  add_sweep(
      study, std::make_shared<CheaperVdn>(),
      "VDN beside networks of 1/4, 1/10 and 1/20 of its FLOPs, with and without "
      "HyperConvolutions: the same loss, steps, batches and seeds",
      {.pairs = "../shared/data/sidd_small_256", .more = "data/polyu", .crops = "data/polyu-held"});
}

}  // namespace hyperconv::cli
