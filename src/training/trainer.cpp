#include "training/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/say.hpp"
#include "tools/hash.hpp"
#include "tools/prefetch.hpp"
#include "training/adam.hpp"
#include "training/checkpoint.hpp"
#include "training/clipper.hpp"
#include "training/objective.hpp"
#include "training/run_folder.hpp"
#include "training/run_log.hpp"
#include "training/sources.hpp"
#include "training/torch_setup.hpp"
#include "training/world.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

/// Means over a log interval.
struct LogInterval {
  double loss = 0;
  int64_t steps = 0;
  Clock::time_point start = Clock::now();

  double mean_loss() const { return steps > 0 ? loss / double(steps) : 0; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
};

/// This rank's share of samples [first, first + count): as equal as can be.
SampleRange share_of(const World& world, int64_t first, int64_t count) {
  const int64_t begin = count * world.rank() / world.size();
  const int64_t end = count * (world.rank() + 1) / world.size();
  return {first + begin, end - begin};
}

Batch part_of(const Batch& batch, int64_t start, int64_t length) {
  const auto narrow = [&](const torch::Tensor& t) {
    return t.defined() ? t.narrow(0, start, length) : t;
  };
  return {narrow(batch.input),    narrow(batch.target), narrow(batch.camera_to_srgb),
          narrow(batch.variance), narrow(batch.noise),  narrow(batch.curve_offset)};
}

Batch moved(const Batch& batch, torch::Device device) {
  const auto to = [&](const torch::Tensor& t) { return t.defined() ? t.to(device) : t; };
  return {to(batch.input),    to(batch.target), to(batch.camera_to_srgb),
          to(batch.variance), to(batch.noise),  to(batch.curve_offset)};
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const TrainOptions& options, World& world)
      : recipe_(recipe),
        options_(options),
        world_(world),
        device_(training_device(options.device, world.local_rank())),
        objective_(make_objective(recipe, device_)),
        adam_(weights(), rate_factors(parameters(), recipe.training)),
        clipper_(objective_->clip_groups(),
                 recipe.training.variational ? recipe.training.variational->clip_every : 0),
        checkpoints_(options.output) {
    check_patch();
    if (!recipe.start.empty()) side_ranges_ = Model::load(recipe.start).info().side_ranges;
    if (options.restart && world_.is_first()) checkpoints_.remove_all();
    if (!options.restart) resume();
    check_ranks();
  }

  TrainSummary run() {
    const auto source = training_source(recipe_);
    const auto validation = validation_source(recipe_);
    description_ = source->description();
    const int64_t batch = recipe_.data.batch;
    Prefetcher<Batch> stream(
        [&](int64_t step) {
          const SampleRange mine = share_of(world_, step * batch, batch);
          return source->make(mine.first, mine.count);
        },
        step_, options_.workers, 2 * options_.workers + 2);
    std::optional<RunLog> log;
    if (world_.is_first()) log.emplace(options_.output, step_);
    Progress progress("training", recipe_.training.steps);
    const int64_t last = options_.stop_after > 0
                             ? std::min(recipe_.training.steps, step_ + options_.stop_after)
                             : recipe_.training.steps;
    LogInterval interval;
    const int64_t first = step_;
    while (step_ < last && !summary_.interrupted) {
      const auto samples = next_of(stream);
      if (!samples) break;
      const double norm = one_step(*samples, interval);
      const bool validates = validation && is_due(recipe_.training.validate_every);
      if (validates || is_due(recipe_.training.log_every) || step_ == last) {
        LogRow row = row_of(interval, norm);
        if (validates) row.validation_psnr = validate(*validation);
        if (log) log->add(row);
        interval = {};
      }
      if (world_.is_first())
        progress.show(step_, fmt::format("loss {:.4f}, {:.0f} patches/s", summary_.loss,
                                         summary_.patches_per_second));
      if (is_due(recipe_.training.checkpoint_every)) save();
    }
    summary_.made = step_ - first;
    save();
    write_model();
    if (log) log->draw_curves();
    return summary_;
  }

 private:
  /// Nothing where Ctrl-C ended the reading of its samples. With several ranks that is an error as
  /// any other: they wait for this one's part of the step.
  std::optional<Batch> next_of(Prefetcher<Batch>& stream) {
    try {
      return stream.next();
    } catch (const Error&) {
      if (!interrupted() || world_.size() > 1) throw;
      summary_.interrupted = true;
      return std::nullopt;
    }
  }

  const std::vector<Parameter>& parameters() const { return objective_->parameters(); }
  const std::vector<torch::Tensor>& weights() const { return objective_->weights(); }
  bool is_due(int64_t every) const { return every > 0 && step_ % every == 0; }

  void check_patch() const {
    const int multiple = network_use(recipe_.network).samples * size_multiple(objective_->graph());
    if (recipe_.data.patch % multiple != 0)
      fail("patch is {}, must be a multiple of {} for {}", recipe_.data.patch, multiple,
           recipe_.network);
  }

  TrainingState state() {
    return {
        parameters(), weights(),  adam_.first_moments(), adam_.second_moments(), adam_.average(),
        step_,        best_psnr_, clipper_.state(),      recipe_.text,           side_ranges_};
  }

  void resume() {
    TrainingState loaded = state();
    std::vector<std::string> damaged;
    if (!checkpoints_.load(loaded, damaged)) return;
    for (const auto& line : damaged)
      if (world_.is_first()) say("hyperconv: {}; the one before is taken\n", line);
    step_ = loaded.step;
    best_psnr_ = loaded.best_psnr;
    clipper_.restore(loaded.clip);
    side_ranges_ = loaded.side_ranges;
    adam_.set_steps(step_);
  }

  /// All ranks train the same thing from the same state.
  void check_ranks() {
    if (world_.size() == 1) return;
    world_.check_same(int64_t(hash_of(fmt::format("{} {} {}", recipe_.text, options_.stop_after,
                                                  options_.threads))),
                      "all ranks need the same recipe and options");
    world_.check_same(step_, fmt::format("rank 0 goes on from step {} in {}, a folder that all "
                                         "ranks must share",
                                         world_.gather(step_)[0], options_.output.string()));
    check_weights();
  }

  void check_weights() {
    if (world_.size() == 1) return;
    world_.check_same(state_hash(state()),
                      fmt::format("the weights at step {} are not the same on all ranks, as they "
                                  "are on machines of one kind",
                                  step_));
  }

  void save() {
    check_weights();
    if (world_.is_first()) checkpoints_.save(state());
  }

  /// The loss of this rank's samples and its gradients, as shares of the whole batch's mean.
  double backward(const Batch& batch, Gradients& gradients) {
    for (const auto& weight : weights()) weight.mutable_grad() = torch::Tensor();
    double loss = 0;
    const int64_t parts = std::min<int64_t>(recipe_.training.accumulate, batch.size());
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t start = batch.size() * i / parts, end = batch.size() * (i + 1) / parts;
      const Batch part = moved(part_of(batch, start, end - start), device_);
      ProductTape tape;
      const torch::Tensor share =
          objective_->loss(part, tape) * (double(end - start) / double(recipe_.data.batch));
      share.backward();
      tape.collect(gradients);
      loss += share.item<double>();
    }
    for (size_t i = 0; i < gradients.size(); ++i)
      if (!std::holds_alternative<OuterProducts>(gradients[i])) gradients[i] = weights()[i].grad();
    return loss;
  }

  /// What the model's users will be held to.
  void widen_side_ranges(const Batch& batch) {
    SideInputs told = neutral_side_inputs(objective_->graph(), batch.size());
    const TorchSideInputs values = side_inputs(batch);
    for (auto& [name, value] : told) {
      const torch::Tensor numbers = values.at(name).to(torch::kFloat32).contiguous();
      std::copy_n(numbers.data_ptr<float>(), value.size(), value.data());
    }
    widen(side_ranges_, told);
  }

  double one_step(const Batch& batch, LogInterval& interval) {
    Gradients gradients(parameters().size());
    // With the loss goes whether to stop after this step: then all ranks do.
    torch::Tensor sums =
        torch::tensor({backward(batch, gradients), double(interrupted())}, torch::kFloat64);
    world_.sum(sums);
    world_.combine(gradients, weights());
    const double value = sums[0].item<double>();
    summary_.interrupted = sums[1].item<double>() > 0;
    if (!std::isfinite(value)) fail("the loss is not finite at step {}", step_ + 1);
    adam_.step(learning_rate_at(recipe_.training, step_), recipe_.training.average_decay, gradients,
               clipper_.scales(gradients));
    widen_side_ranges(batch);
    ++step_;
    ++interval.steps;
    interval.loss += value;
    return clipper_.norm();
  }

  /// PSNR of the averaged weights on the validation set, the mean over its samples; the best model
  /// so far is kept. Nothing where a rank was interrupted.
  std::optional<double> validate(const SampleSource& source) {
    const torch::NoGradGuard no_grad;
    const SampleRange mine = share_of(world_, 0, recipe_.training.validation_samples);
    torch::Tensor sums = torch::zeros({3}, torch::kFloat64);
    for (int64_t i = 0; i < mine.count && !interrupted(); ++i) {
      const Batch batch = moved(source.make(mine.first + i, 1), device_);
      const torch::Tensor picture = objective_->picture(adam_.average(), batch).clamp(0, 1);
      const torch::Tensor error = (picture - objective_->target(batch)).square().mean();
      sums[0] -= 10 * std::log10(error.item<double>());
      sums[1] += 1;
    }
    sums[2] = double(interrupted());
    world_.sum(sums);
    if (sums[2].item<double>() > 0) return std::nullopt;  // the next step stops
    summary_.validation_psnr = (sums[0] / sums[1]).item<double>();
    if (summary_.validation_psnr > best_psnr_) keep_best();
    return summary_.validation_psnr;
  }

  void keep_best() {
    best_psnr_ = summary_.validation_psnr;
    summary_.best_model = options_.output / (recipe_.name + "-best.safetensors");
    save_models(recipe_.name + "-best");
  }

  LogRow row_of(const LogInterval& interval, double gradient_norm) {
    summary_.loss = interval.mean_loss();
    summary_.patches_per_second = double(interval.steps * recipe_.data.batch) / interval.seconds();
    LogRow row;
    row.step = step_;
    row.loss = summary_.loss;
    row.learning_rate = learning_rate_at(recipe_.training, step_ - 1);
    row.gradient_norm = gradient_norm;
    row.patches_per_second = summary_.patches_per_second;
    return row;
  }

  ModelInfo info() const {
    const auto& t = recipe_.training;
    return {network_use(recipe_.network).task,
            recipe_.name,
            fmt::format("{} trained for {} of {} steps of {} {} ({}, seed {}){}", recipe_.network,
                        step_, t.steps, recipe_.data.batch, description_, objective_->description(),
                        t.seed, began_with()),
            recipe_.data_licence,
            network_domain(recipe_),
            network_use(recipe_.network).packing,
            side_ranges_};
  }

  /// The history that a model it began with brings along.
  std::string began_with() const {
    if (recipe_.start.empty()) return {};
    return "; begun with: " + Model::load(recipe_.start).info().summary;
  }

  void write_model() {
    summary_.is_first = world_.is_first();
    summary_.step = step_;
    summary_.steps = recipe_.training.steps;
    summary_.model = options_.output / (recipe_.name + ".safetensors");
    save_models(recipe_.name);
  }

  /// NAME.safetensors, and NAME-noise.safetensors where a noise model was learned beside it.
  void save_models(const std::string& name) const {
    if (!world_.is_first()) return;
    const auto save = [&](const std::string& file, const Model& model) {
      save_model(options_.output / (file + ".safetensors"), model, Precision::f16);
    };
    save(name, objective_->to_model(info(), adam_.average()));
    if (const auto noise = objective_->noise_model(info(), adam_.average()))
      save(name + "-noise", *noise);
  }

  const Recipe& recipe_;
  const TrainOptions& options_;
  World& world_;
  torch::Device device_;
  std::unique_ptr<Objective> objective_;
  Adam adam_;
  Clipper clipper_;
  Checkpoints checkpoints_;
  std::string description_;
  int64_t step_ = 0;
  double best_psnr_ = 0;
  SideRanges side_ranges_;
  TrainSummary summary_;
};

}  // namespace

TrainSummary train(const Recipe& recipe, const TrainOptions& options) {
  World world(launch_from_environment(), options.world);
  prepare_torch(options.threads > 0 ? options.threads : world.cores_a_rank());
  return world.together([&] {
    std::optional<RunFolder> folder;
    if (world.is_first()) folder.emplace(options.output);
    return Trainer(recipe, options, world).run();
  });
}

}  // namespace hyperconv
