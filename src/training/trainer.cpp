#include "training/trainer.hpp"

#include <chrono>
#include <cmath>
#include <fstream>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "training/adam.hpp"
#include "training/checkpoint.hpp"
#include "training/losses.hpp"
#include "training/lowering.hpp"
#include "training/patches.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// The run's CSV; lines beyond the step it goes on from are cut off.
class Log {
 public:
  Log(const fs::path& path, int64_t first_step) {
    std::string kept = "step,loss,learning_rate,gradient_norm,patches_per_second\n";
    if (first_step > 0 && fs::exists(path)) {
      std::ifstream old(path);
      std::string line;
      std::getline(old, line);
      while (std::getline(old, line))
        if (std::atoll(line.c_str()) <= first_step) kept += line + "\n";
    }
    write_file(path, kept);
    file_.open(path, std::ios::app);
  }

  void add(int64_t step, double loss, double rate, double norm, double speed) {
    file_ << fmt::format("{},{:.6f},{:.3e},{:.4f},{:.1f}\n", step, loss, rate, norm, speed)
          << std::flush;
  }

 private:
  std::ofstream file_;
};

std::vector<double> rate_factors(const std::vector<Parameter>& parameters, double hyper_out) {
  std::vector<double> factors;
  for (const Parameter& p : parameters)
    factors.push_back(p.role == ParameterRole::hyper_out ? hyper_out : 1.0);
  return factors;
}

std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> all;
  for (const auto& tensor : tensors) all.push_back(tensor.detach().clone());
  return all;
}

/// Means over a log interval.
struct Interval {
  double loss = 0;
  int64_t steps = 0;
  Clock::time_point start = Clock::now();

  double mean_loss() const { return steps > 0 ? loss / double(steps) : 0; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
};

/// What training begins with.
Model first_model(const Recipe& recipe) {
  if (recipe.start.empty())
    return untrained_network(recipe.network, recipe.options, {}, recipe.training.seed);
  const Graph graph = make_network(recipe.network, recipe.options);
  Model model = Model::load(recipe.start);
  if (graph_to_json(model.graph()) != graph_to_json(graph))
    fail("{}: holds another network than the recipe's {}", recipe.start.string(), recipe.network);
  return model;
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const TrainOptions& options)
      : recipe_(recipe),
        options_(options),
        network_(first_model(recipe)),
        adam_(network_.weights(),
              rate_factors(network_.parameters(), recipe.training.hyper_out_rate)),
        average_(copies(network_.weights())) {
    check_patch();
    if (!options.restart && fs::exists(checkpoint())) resume();
  }

  TrainSummary run() {
    const PhotoPool photos(recipe_.patches.photos, recipe_.patches.shrink, recipe_.patches.patch);
    // Data are made ahead by one thread: it takes a few per cent of a step.
    PatchStream stream(photos, recipe_.patches, recipe_.training.seed, step_, 1);
    Log log(options_.output / "log.csv", step_);
    Progress progress("training", recipe_.training.steps);
    const int64_t last = options_.stop_after > 0
                             ? std::min(recipe_.training.steps, step_ + options_.stop_after)
                             : recipe_.training.steps;
    Interval interval;
    while (step_ < last && !interrupted()) {
      const double norm = one_step(stream.next(), interval);
      if (step_ % recipe_.training.log_every == 0 || step_ == last) {
        note(interval, summary_);
        log.add(step_, summary_.loss, learning_rate_at(recipe_.training, step_ - 1), norm,
                summary_.patches_per_second);
        interval = {};
      }
      progress.show(step_, fmt::format("loss {:.4f}, {:.0f} patches/s", summary_.loss,
                                       summary_.patches_per_second));
      if (step_ % recipe_.training.checkpoint_every == 0) save();
    }
    save();
    write_model();
    return summary_;
  }

 private:
  fs::path checkpoint() const { return options_.output / "checkpoint.safetensors"; }

  void check_patch() const {
    const int multiple = 2 * size_multiple(network_.graph());
    if (recipe_.patches.patch % multiple != 0)
      fail("patch is {}, must be a multiple of {} for {}", recipe_.patches.patch, multiple,
           recipe_.network);
  }

  TrainingState state() {
    return {network_.parameters(),
            network_.weights(),
            adam_.first_moments(),
            adam_.second_moments(),
            average_,
            step_,
            recipe_.text};
  }

  void resume() {
    TrainingState loaded = state();
    load_checkpoint(checkpoint(), loaded);
    step_ = loaded.step;
    adam_.set_steps(step_);
  }

  void save() { save_checkpoint(checkpoint(), state()); }

  double one_step(const PatchBatch& batch, Interval& interval) {
    adam_.zero_gradients();
    const torch::Tensor loss = loss_between(
        recipe_.training.loss, display(network_.forward(batch.cells), batch.camera_to_srgb),
        display(batch.clean, batch.camera_to_srgb));
    const double value = loss.item<double>();
    if (!std::isfinite(value)) fail("the loss is not finite at step {}", step_ + 1);
    loss.backward();
    const double norm = clip_gradients(network_.weights(), recipe_.training.gradient_clip);
    adam_.step(learning_rate_at(recipe_.training, step_));
    update_average(average_, network_.weights(), recipe_.training.average_decay, step_);
    ++step_;
    ++interval.steps;
    interval.loss += value;
    return norm;
  }

  void note(const Interval& interval, TrainSummary& summary) const {
    summary.loss = interval.mean_loss();
    summary.patches_per_second =
        double(interval.steps * recipe_.patches.batch) / interval.seconds();
  }

  ModelInfo info() const {
    const auto& t = recipe_.training;
    return {Task::develop, recipe_.name,
            fmt::format("{} trained for {} of {} steps of {} simulated RAW patches {}x{} ({} loss "
                        "in display space, seed {}) on photos shrunk by {}{}",
                        recipe_.network, step_, t.steps, recipe_.patches.batch,
                        recipe_.patches.patch, recipe_.patches.patch, loss_name(t.loss), t.seed,
                        recipe_.patches.shrink, began_with()),
            recipe_.data_licence};
  }

  /// The history that a model it began with brings along.
  std::string began_with() const {
    if (recipe_.start.empty()) return {};
    return "; begun with: " + Model::load(recipe_.start).info().summary;
  }

  void write_model() {
    summary_.step = step_;
    summary_.steps = recipe_.training.steps;
    summary_.model = options_.output / (recipe_.name + ".safetensors");
    save_model(summary_.model, network_.to_model(info(), average_), Precision::f16);
  }

  const Recipe& recipe_;
  const TrainOptions& options_;
  LoweredNetwork network_;
  Adam adam_;
  std::vector<torch::Tensor> average_;
  int64_t step_ = 0;
  TrainSummary summary_;
};

}  // namespace

TrainSummary train(const Recipe& recipe, const TrainOptions& options) {
  std::error_code error;
  fs::create_directories(options.output, error);
  if (error) fail("{}: cannot be made ({})", options.output.string(), error.message());
  prepare_torch(options.threads);
  return Trainer(recipe, options).run();
}

}  // namespace hyperconv
