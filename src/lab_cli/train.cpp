// hyperconv train: a network from a recipe.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "lab_cli/commands.hpp"
#include "training/trainer.hpp"

namespace hyperconv::cli {
namespace {

struct TrainArguments {
  std::string recipe, output;
  std::optional<uint64_t> seed;
  TrainOptions options;
  bool json = false;
};

/// runs/NAME, or runs/NAME-seed-N where a seed was asked for.
std::string default_output(const Recipe& recipe, const std::optional<uint64_t>& seed) {
  return "runs/" + recipe.name + (seed ? fmt::format("-seed-{}", *seed) : "");
}

void train_command(const TrainArguments& arguments) {
  const Recipe recipe = read_recipe(arguments.recipe, arguments.seed);
  TrainOptions options = arguments.options;
  options.output =
      arguments.output.empty() ? default_output(recipe, arguments.seed) : arguments.output;
  const TrainSummary summary = train(recipe, options);
  // Saved, but not what was asked for: a script must not go on with it.
  if (summary.interrupted && summary.step < summary.steps)
    fail("interrupted at step {} of {}; the same command goes on from the checkpoint in {}",
         summary.step, summary.steps, options.output.string());
  if (!summary.is_first) return;
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"step", summary.step},
                                         {"steps", summary.steps},
                                         {"steps_made", summary.made},
                                         {"loss", summary.loss},
                                         {"patches_per_second", summary.patches_per_second},
                                         {"validation_psnr", summary.validation_psnr},
                                         {"output", options.output.string()},
                                         {"model", summary.model.string()},
                                         {"best_model", summary.best_model.string()}};
    fmt::print("{}\n", to_line(json));
    return;
  }
  if (summary.made > 0)
    fmt::print("step {} of {}, loss {:.4f}, {:.0f} patches/s\n", summary.step, summary.steps,
               summary.loss, summary.patches_per_second);
  else
    fmt::print("step {} of {}: nothing is left to do; --restart starts afresh\n", summary.step,
               summary.steps);
  fmt::print("{}\n", summary.model.string());
}

}  // namespace

void add_train(CLI::App& program) {
  auto* command = add_laboratory_command(program, "train");
  auto a = std::make_shared<TrainArguments>();
  command->add_option("RECIPE", a->recipe, "Recipe, for example recipes/develop-16.toml")
      ->required();
  command->add_option("-o,--output", a->output, "Folder of the run (default runs/<name>)");
  command->add_option("--seed", a->seed,
                      "Instead of the recipe's; the run's folder is then runs/<name>-seed-N");
  command->add_option("--device", a->options.device, "cpu (default), cuda or cuda:N");
  command
      ->add_option("--threads", a->options.threads,
                   "Threads (default: all cores, shared with the other ranks of this machine)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--workers", a->options.workers,
                   "Background threads that make samples (default 1)")
      ->check(CLI::Range(1, 256));
  command
      ->add_option("--stop-after", a->options.stop_after,
                   "Stop after so many steps, as Ctrl-C would")
      ->check(CLI::PositiveNumber);
  command->add_option("--interface", a->options.world.interface,
                      "Several machines: the network interface that gradients go through");
  command
      ->add_option("--timeout", a->options.world.timeout,
                   "Several ranks: seconds of waiting for one that is silent (default 300)")
      ->check(CLI::Range(1, 86400));
  command->add_flag("--restart", a->options.restart,
                    "Start afresh, removing checkpoints that are there");
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] { train_command(*a); });
}

}  // namespace hyperconv::cli
