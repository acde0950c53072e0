#include "training/recipe.hpp"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <cmath>
#include <numbers>
#include <set>

#include "base/fail.hpp"
#include "base/file.hpp"

namespace hyperconv {
namespace {

/// One [table] of the file; what nobody asked for is an error.
class Table {
 public:
  Table(const toml::table& file, std::string name, std::string path)
      : table_(file[name].as_table()), name_(std::move(name)), path_(std::move(path)) {}

  bool exists() const { return table_ != nullptr; }

  template <class T>
  void read(const char* key, T& value) {
    known_.insert(key);
    const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
    if (node == nullptr) return;
    const auto found = node->value<T>();
    if (!found) fail("{}: [{}] {} has the wrong type", path_, name_, key);
    value = *found;
  }

  /// A number that must lie within [low, high].
  template <class T>
  void read(const char* key, T& value, T low, T high) {
    read(key, value);
    if (!(value >= low && value <= high))
      fail("{}: [{}] {} is {}, must be {} to {}", path_, name_, key, value, low, high);
  }

  void require(const char* key, std::string& value) {
    read(key, value);
    if (value.empty()) fail("{}: [{}] {} is missing", path_, name_, key);
  }

  void refuse_the_rest() const {
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_)
      if (!known_.contains(std::string(key.str())))
        fail("{}: [{}] {} is not known; known are {}", path_, name_, key.str(),
             fmt::join(known_, ", "));
  }

 private:
  const toml::table* table_;
  std::string name_, path_;
  std::set<std::string> known_;
};

void read_network(Table table, const std::filesystem::path& folder, Recipe& recipe) {
  table.require("network", recipe.network);
  table.require("name", recipe.name);
  table.require("data_licence", recipe.data_licence);
  std::string start;
  table.read("start", start);
  if (!start.empty()) recipe.start = folder / start;
  int width = 0, hidden = -1;
  table.read("width", width, 0, 4096);
  table.read("hidden", hidden, -1, 1 << 20);
  if (width > 0) recipe.options.width = width;
  if (hidden >= 0) recipe.options.hidden = hidden;
  table.refuse_the_rest();
}

void read_patches(Table table, const std::filesystem::path& folder, PatchRecipe& patches) {
  std::string photos;
  table.require("photos", photos);
  patches.photos = folder / photos;
  table.read("shrink", patches.shrink, 1, 16);
  table.read("patch", patches.patch, 16, 4096);
  table.read("batch", patches.batch, 1, 4096);
  table.read("clean_share", patches.clean_share, 0.0, 1.0);
  table.read("least_shot", patches.least_shot, 1e-8, 1.0);
  table.read("most_shot", patches.most_shot, patches.least_shot, 1.0);
  table.read("least_exposure", patches.least_exposure, 1e-3, 1.0);
  table.refuse_the_rest();
}

Loss loss_from(const std::string& name, const std::string& path) {
  for (const Loss loss : {Loss::l1, Loss::charbonnier, Loss::psnr})
    if (loss_name(loss) == name) return loss;
  fail("{}: [training] loss is '{}'; known are l1, charbonnier, psnr", path, name);
}

void read_training(Table table, const std::string& path, TrainingRecipe& training) {
  table.read("steps", training.steps, int64_t(1), int64_t(100'000'000));
  table.read("learning_rate", training.learning_rate, 1e-8, 1.0);
  table.read("hyper_out_rate", training.hyper_out_rate, 0.0, 10.0);
  table.read("warmup", training.warmup, int64_t(0), training.steps);
  table.read("gradient_clip", training.gradient_clip, 1e-6, 1e6);
  table.read("average_decay", training.average_decay, 0.0, 0.999999);
  table.read("checkpoint_every", training.checkpoint_every, int64_t(1), int64_t(1'000'000));
  table.read("log_every", training.log_every, int64_t(1), int64_t(1'000'000));
  int64_t seed = int64_t(training.seed);
  table.read("seed", seed, int64_t(0), INT64_MAX);
  training.seed = uint64_t(seed);
  std::string loss = loss_name(training.loss);
  table.read("loss", loss);
  training.loss = loss_from(loss, path);
  table.refuse_the_rest();
}

}  // namespace

std::string loss_name(Loss loss) {
  switch (loss) {
    case Loss::l1:
      return "l1";
    case Loss::charbonnier:
      return "charbonnier";
    case Loss::psnr:
      return "psnr";
  }
  return {};
}

Recipe read_recipe(const std::filesystem::path& path) {
  const auto bytes = read_file(path, 1 << 20);
  Recipe recipe;
  recipe.text.assign(bytes.begin(), bytes.end());
  toml::table file;
  try {
    file = toml::parse(recipe.text);
  } catch (const toml::parse_error& error) {
    fail("{}: line {}: {}", path.string(), error.source().begin.line, error.description());
  }
  for (const auto& [key, node] : file)
    if (key != "model" && key != "data" && key != "training")
      fail("{}: [{}] is not known; known are model, data, training", path.string(), key.str());
  read_network({file, "model", path.string()}, path.parent_path(), recipe);
  read_patches({file, "data", path.string()}, path.parent_path(), recipe.patches);
  read_training({file, "training", path.string()}, path.string(), recipe.training);
  return recipe;
}

double learning_rate_at(const TrainingRecipe& recipe, int64_t step) {
  if (step < recipe.warmup) return recipe.learning_rate * double(step + 1) / double(recipe.warmup);
  const double progress =
      double(step - recipe.warmup) / double(std::max<int64_t>(recipe.steps - recipe.warmup, 1));
  constexpr double floor = 0.01;
  return recipe.learning_rate *
         (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace hyperconv
