#include "training/recipe.hpp"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
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
  /// A table in a table.
  static Table within(const toml::table& table, std::string name, std::string path) {
    return {&table, std::move(name), std::move(path)};
  }

  bool has(const char* key) const { return table_ != nullptr && table_->contains(key); }
  /// Null where the key is not there, or no table.
  const toml::table* subtable(const char* key) {
    known_.insert(key);
    return table_ != nullptr ? (*table_)[key].as_table() : nullptr;
  }

  /// Null where the key is not there, or no list.
  const toml::array* array(const char* key) {
    if (!has(key)) return nullptr;
    known_.insert(key);
    const toml::array* list = (*table_)[key].as_array();
    if (list == nullptr) fail("{}: [{}] {} has the wrong type", path_, name_, key);
    return list;
  }
  const std::string& name() const { return name_; }

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

  /// A value or a list of them; empty where the key is not there.
  template <class T>
  std::vector<T> read_one_or_more(const char* key) {
    known_.insert(key);
    std::vector<T> values;
    if (!has(key)) return values;
    const auto add = [&](const toml::node& node) {
      const auto value = node.value<T>();
      if (!value) fail("{}: [{}] {} has the wrong type", path_, name_, key);
      values.push_back(*value);
    };
    const toml::node& node = *table_->get(key);
    if (const toml::array* list = node.as_array())
      for (const toml::node& element : *list) add(element);
    else
      add(node);
    return values;
  }

  /// Numbers that must lie within [low, high].
  template <class T>
  std::vector<T> read_one_or_more(const char* key, T low, T high) {
    const auto values = read_one_or_more<T>(key);
    for (const T value : values)
      if (!(value >= low && value <= high))
        fail("{}: [{}] {} is {}, must be {} to {}", path_, name_, key, value, low, high);
    return values;
  }

  /// Empty where the key is not there, or no text.
  std::string text(const char* key) const {
    return table_ != nullptr ? (*table_)[key].value_or(std::string()) : std::string();
  }

  void read_list(const char* key, std::vector<int64_t>& values) {
    known_.insert(key);
    if (!has(key)) return;
    const toml::array* list = (*table_)[key].as_array();
    if (list == nullptr) fail("{}: [{}] {} has the wrong type", path_, name_, key);
    for (const toml::node& node : *list) {
      const auto value = node.value<int64_t>();
      if (!value) fail("{}: [{}] {} holds something that is no whole number", path_, name_, key);
      values.push_back(*value);
    }
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
  Table(const toml::table* table, std::string name, std::string path)
      : table_(table), name_(std::move(name)), path_(std::move(path)) {}

  const toml::table* table_;
  std::string name_, path_;
  std::set<std::string> known_;
};

void read_network(Table table, const std::filesystem::path& folder, Recipe& recipe) {
  table.require("network", recipe.network);
  table.require("name", recipe.name);
  table.require("data_licence", recipe.data_licence);
  std::string domain;
  table.read("domain", domain);
  if (!domain.empty()) recipe.domain = domain_from_string(domain);
  std::string start;
  table.read("start", start);
  if (!start.empty()) recipe.start = folder / start;
  table.read("grows", recipe.grows);
  int width = 0, hidden = -1;
  table.read("width", width, 0, 4096);
  table.read("hidden", hidden, -1, 1 << 20);
  if (width > 0) recipe.options.width = width;
  if (hidden >= 0) recipe.options.hidden = hidden;
  table.refuse_the_rest();
}

std::filesystem::path read_path(Table& table, const char* key,
                                const std::filesystem::path& folder) {
  std::string name;
  table.read(key, name);
  return name.empty() ? std::filesystem::path() : folder / name;
}

/// One of a few words.
template <class Value, size_t size>
void read_word(Table& table, const std::string& path, const char* key, Value& value,
               const std::pair<const char*, Value> (&words)[size]) {
  std::string word;
  table.read(key, word);
  if (word.empty()) return;
  std::vector<std::string> known;
  for (const auto& [name, meaning] : words) {
    if (word == name) {
      value = meaning;
      return;
    }
    known.push_back(name);
  }
  fail("{}: [{}] {} is '{}'; known are {}", path, table.name(), key, word, fmt::join(known, ", "));
}

std::vector<std::filesystem::path> read_paths(Table& table, const char* key,
                                              const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : table.read_one_or_more<std::string>(key))
    if (!name.empty()) paths.push_back(folder / name);
  return paths;
}

constexpr std::pair<const char*, PatchDraw> patch_draws[] = {{"even", PatchDraw::even},
                                                             {"detail", PatchDraw::detail}};

PhotoDraw read_draw(Table& table, const std::string& path) {
  PhotoDraw draw;
  if (table.has("shrink")) draw.shrink = table.read_one_or_more<int64_t>("shrink", 1, 16);
  draw.shrink_share.assign(draw.shrink.size(), 1);
  if (table.has("shrink_share"))
    draw.shrink_share = table.read_one_or_more<double>("shrink_share", 1e-6, 1e6);
  if (draw.shrink.empty() || draw.shrink.size() != draw.shrink_share.size())
    fail("{}: [{}] shrink has {} values and shrink_share {}; one share belongs to each", path,
         table.name(), draw.shrink.size(), draw.shrink_share.size());
  read_word(table, path, "draw", draw.places, patch_draws);
  return draw;
}

enum class Sensors { plain, all };
constexpr std::pair<const char*, Sensors> sensor_words[] = {{"plain", Sensors::plain},
                                                            {"all", Sensors::all}};

SimulatedData read_simulated(Table& table, const std::string& path,
                             const std::filesystem::path& folder) {
  SimulatedData data;
  data.photos = read_paths(table, "photos", folder);
  data.validation = read_paths(table, "validation", folder);
  data.draw = read_draw(table, path);
  Sensors sensors = Sensors::plain;
  read_word(table, path, "sensors", sensors, sensor_words);
  if (sensors == Sensors::all) {
    data.sensors = all_sensors();
    data.normal_numbers = NormalNumbers::table;
  }
  SensorRange& range = data.sensors;
  table.read("clean_share", range.clean_share, 0.0, 1.0);
  table.read("least_shot", range.least_shot, 1e-8, 1.0);
  table.read("most_shot", range.most_shot, range.least_shot, 1.0);
  table.read("least_exposure", range.least_exposure, 1e-3, 1.0);
  return data;
}

PairData read_pairs(Table& table, const std::string& path, const std::filesystem::path& folder) {
  PairData data;
  data.pairs = read_path(table, "pairs", folder);
  data.validation = read_path(table, "validation", folder);
  data.cache = read_path(table, "cache", folder);
  table.read("augment", data.augment);
  table.read("limit", data.limit, int64_t(0), int64_t(100'000'000));
  table.read("first", data.first, int64_t(0), int64_t(100'000'000));
  table.read("label_noise", data.label_noise, 0.0, 10.0);
  if (data.limit > 0 && data.augment)
    fail("{}: [data] limit needs augment = false: its windows are the same whenever seen", path);
  if (data.limit == 0 && (data.first > 0 || data.label_noise > 0))
    fail("{}: [data] first and label_noise belong to limit, the number of pairs", path);
  return data;
}

NoisyData read_noisy(Table& table, const std::filesystem::path& folder) {
  NoisyData data;
  data.photos = read_path(table, "photos", folder);
  data.validation = read_path(table, "validation", folder);
  table.read("shrink", data.shrink, 1, 16);
  table.read("most_sigma", data.most_sigma, 0.0, 255.0);
  return data;
}

CameraNoiseData read_camera_noise(Table& table, const std::string& path,
                                  const std::filesystem::path& folder) {
  CameraNoiseData data;
  data.photos = read_path(table, "photos", folder);
  data.validation = read_path(table, "validation", folder);
  data.draw = read_draw(table, path);
  PhotoNoiseRange& range = data.range;
  table.read("least_shot", range.least_shot, 1e-8, 1.0);
  table.read("most_shot", range.most_shot, range.least_shot, 1.0);
  table.read("least_exposure", range.least_exposure, 1e-3, 1.0);
  table.read("soft_share", range.soft_share, 0.0, 1.0);
  table.read("lift_share", range.lift_share, 0.0, 1.0);
  table.read("jpeg_share", range.jpeg_share, 0.0, 1.0);
  table.read("least_quality", range.least_quality, 1, 100);
  return data;
}

CleanData read_clean(Table& table, const std::string& path, const std::filesystem::path& folder) {
  CleanData data;
  data.photos = read_path(table, "photos", folder);
  data.validation = read_path(table, "validation", folder);
  data.draw = read_draw(table, path);
  return data;
}

OneSource read_source(Table& table, const std::string& path, const std::filesystem::path& folder) {
  if (table.has("photos") == table.has("pairs"))
    fail(
        "{}: [{}] needs either photos (RAW patches are simulated from them, or noise) or pairs (a "
        "data set's folder)",
        path, table.name());
  std::string noise;
  table.read("noise", noise);
  if (table.has("pairs")) return read_pairs(table, path, folder);
  if (noise.empty()) return read_simulated(table, path, folder);
  if (noise == "niid-gaussian") return read_noisy(table, folder);
  if (noise == "camera") return read_camera_noise(table, path, folder);
  if (noise == "none") return read_clean(table, path, folder);
  fail(
      "{}: [{}] noise is '{}'; known are niid-gaussian, camera and none (photos get it; without "
      "it RAW patches are simulated)",
      path, table.name(), noise);
}

MixedData read_mix(const toml::array& list, const std::string& path,
                   const std::filesystem::path& folder) {
  MixedData mix;
  for (const toml::node& node : list) {
    if (node.as_table() == nullptr) fail("{}: [[data.mix]] holds something else", path);
    Table table = Table::within(*node.as_table(), "data.mix", path);
    MixedData::Part part;
    table.read("share", part.share, 1e-6, 1e6);
    part.source = read_source(table, path, folder);
    table.refuse_the_rest();
    mix.parts.push_back(std::move(part));
  }
  if (mix.parts.empty()) fail("{}: [[data.mix]] is empty", path);
  return mix;
}

void read_data(Table table, const std::string& path, const std::filesystem::path& folder,
               DataRecipe& data) {
  table.read("patch", data.patch, 16, 4096);
  table.read("batch", data.batch, 1, 4096);
  if (const toml::array* mix = table.array("mix"))
    data.source = read_mix(*mix, path, folder);
  else
    std::visit([&](auto&& source) { data.source = std::move(source); },
               read_source(table, path, folder));
  table.refuse_the_rest();
}

constexpr std::pair<const char*, Schedule> schedules[] = {
    {"cosine", Schedule::cosine}, {"steps", Schedule::steps}, {"one-cycle", Schedule::one_cycle}};
constexpr std::pair<const char*, TrainingPrecision> precisions[] = {
    {"fp32", TrainingPrecision::fp32},
    {"bf16", TrainingPrecision::bf16},
    {"auto", TrainingPrecision::automatic}};
constexpr std::pair<const char*, Loss> loss_names[] = {
    {"l1", Loss::l1},     {"charbonnier", Loss::charbonnier},
    {"mse", Loss::mse},   {"psnr", Loss::psnr},
    {"ssim", Loss::ssim}, {"ms-ssim", Loss::ms_ssim}};

/// loss = "l1", or the table [training.loss] with a weight for each; or loss = "variational".
void read_losses(Table& table, const std::string& path, TrainingRecipe& training) {
  const toml::table* weights = table.subtable("loss");
  if (weights == nullptr && table.text("loss") == "variational") {
    training.variational.emplace();
    return;
  }
  LossSum& losses = training.losses;
  if (weights == nullptr) {
    read_word(table, path, "loss", losses[0].loss, loss_names);
    return;
  }
  losses.clear();
  Table terms = Table::within(*weights, "training.loss", path);
  for (const auto& [name, loss] : loss_names) {
    double weight = 0;
    terms.read(name, weight, 0.0, 1e6);
    if (weight > 0) losses.push_back({loss, weight});
  }
  terms.refuse_the_rest();
  if (losses.empty()) fail("{}: [training.loss] has no loss with a weight above 0", path);
}

/// loss = "variational", with settings in [training.variational].
void read_variational(Table& table, const std::string& path, TrainingRecipe& training) {
  const toml::table* settings = table.subtable("variational");
  if (training.variational.has_value() != (settings != nullptr) && settings != nullptr)
    fail("{}: [training.variational] belongs to loss = \"variational\"", path);
  if (settings == nullptr) return;
  Table terms = Table::within(*settings, "training.variational", path);
  VariationalRecipe& v = *training.variational;
  terms.read("eps2", v.eps2, 1e-12, 1.0);
  terms.read("radius", v.radius, 1, 16);
  terms.read("denoiser_clip", v.denoiser_clip, 1e-6, 1e9);
  terms.read("noise_clip", v.noise_clip, 1e-6, 1e9);
  terms.read("clip_every", v.clip_every, int64_t(1), int64_t(1'000'000));
  terms.refuse_the_rest();
}

void read_schedule(Table& table, const std::string& path, TrainingRecipe& training) {
  read_word(table, path, "schedule", training.schedule, schedules);
  table.read("warmup", training.warmup, int64_t(0), training.steps);
  table.read("decay", training.decay, 1e-6, 1.0);
  table.read_list("decay_at", training.decay_at);
  const bool has_steps = !training.decay_at.empty();
  if (has_steps != (training.schedule == Schedule::steps))
    fail("{}: [training] decay_at belongs to schedule = \"steps\", and it needs it", path);
  if (!std::ranges::is_sorted(training.decay_at))
    fail("{}: [training] decay_at must be rising steps", path);
}

void read_training(Table table, const std::string& path, TrainingRecipe& training) {
  table.read("steps", training.steps, int64_t(1), int64_t(100'000'000));
  table.read("learning_rate", training.learning_rate, 1e-8, 1.0);
  table.read("hyper_out_rate", training.hyper_out_rate, 0.0, 10.0);
  read_schedule(table, path, training);
  table.read("gradient_clip", training.gradient_clip, 1e-6, 1e6);
  table.read("average_decay", training.average_decay, 0.0, 0.999999);
  table.read("accumulate", training.accumulate, 1, 4096);
  read_word(table, path, "precision", training.precision, precisions);
  table.read("checkpoint_every", training.checkpoint_every, int64_t(1), int64_t(1'000'000));
  table.read("log_every", training.log_every, int64_t(1), int64_t(1'000'000));
  table.read("validate_every", training.validate_every, int64_t(0), int64_t(1'000'000));
  table.read("validation_samples", training.validation_samples, int64_t(1), int64_t(1'000'000));
  int64_t seed = int64_t(training.seed);
  table.read("seed", seed, int64_t(0), INT64_MAX);
  training.seed = uint64_t(seed);
  read_losses(table, path, training);
  read_variational(table, path, training);
  table.refuse_the_rest();
}

double half_cosine(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

/// Of the peak, by the share of the run that is done.
double one_cycle(double progress) {
  constexpr double rise = 0.3, first = 0.04, last = 1e-4;
  return progress < rise ? half_cosine(first, 1, progress / rise)
                         : half_cosine(1, last, (progress - rise) / (1 - rise));
}

}  // namespace

std::string loss_name(Loss loss) {
  for (const auto& [name, value] : loss_names)
    if (value == loss) return name;
  return {};
}

std::string to_string(const LossSum& losses) {
  if (losses.size() == 1) return loss_name(losses[0].loss);
  std::vector<std::string> terms;
  for (const auto& [loss, weight] : losses)
    terms.push_back(fmt::format("{:g} {}", weight, loss_name(loss)));
  return fmt::format("{}", fmt::join(terms, " + "));
}

Recipe read_recipe(const std::filesystem::path& path, std::optional<uint64_t> seed) {
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
  read_data({file, "data", path.string()}, path.string(), path.parent_path(), recipe.data);
  read_training({file, "training", path.string()}, path.string(), recipe.training);
  if (seed) {
    recipe.training.seed = *seed;
    recipe.text += fmt::format("\n# seed {}\n", *seed);
  }
  return recipe;
}

Domain network_domain(const Recipe& recipe) {
  return recipe.domain.value_or(network_use(recipe.network).domain);
}

double learning_rate_at(const TrainingRecipe& recipe, int64_t step) {
  if (recipe.schedule == Schedule::one_cycle)
    return recipe.learning_rate * one_cycle(double(step) / double(recipe.steps));
  if (step < recipe.warmup) return recipe.learning_rate * double(step + 1) / double(recipe.warmup);
  if (recipe.schedule == Schedule::steps) {
    const auto passed = std::ranges::upper_bound(recipe.decay_at, step) - recipe.decay_at.begin();
    return recipe.learning_rate * std::pow(recipe.decay, double(passed));
  }
  const double progress =
      double(step - recipe.warmup) / double(std::max<int64_t>(recipe.steps - recipe.warmup, 1));
  return recipe.learning_rate * half_cosine(1, 0.01, progress);
}

}  // namespace hyperconv
