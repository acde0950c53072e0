#include "pipeline/shard.hpp"

#include <charconv>
#include <optional>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

std::optional<int64_t> number(const std::string& text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct Launcher {
  const char* sign;                   ///< the variable that tells that it was this one
  const char *index, *first, *count;  ///< variables; `first` may be null: counted from 0
};

// An array inside of which srun starts several tasks is both: the array shares the list. In a batch
// script itself SLURM_PROCID and SLURM_NTASKS are set too, though nothing else runs: only srun's
// steps know how many tasks they have.
constexpr Launcher launchers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN",
     "SLURM_ARRAY_TASK_COUNT"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_RANK", nullptr, "OMPI_COMM_WORLD_SIZE"},
    {"RANK", "RANK", nullptr, "WORLD_SIZE"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", nullptr, "SLURM_STEP_NUM_TASKS"},
};

int64_t variable(const Environment& environment, const char* name) {
  const char* text = environment(name);
  if (text == nullptr) fail("the environment variable {} is missing", name);
  const auto value = number(text);
  if (!value) fail("the environment variable {} is '{}', must be a number", name, text);
  return *value;
}

}  // namespace

std::string to_string(const Shard& shard) {
  return fmt::format("{}/{}", shard.index + 1, shard.count);
}

Shard shard_from_string(const std::string& text) {
  const size_t slash = text.find('/');
  const auto index = number(text.substr(0, slash));
  const auto count = slash == std::string::npos ? std::nullopt : number(text.substr(slash + 1));
  if (!index || !count || *index < 1 || *index > *count)
    fail("a share is like 2/8 (the second of eight), not {}", text);
  return {*index - 1, *count};
}

Shard shard_from_environment(const Environment& environment) {
  for (const Launcher& launcher : launchers) {
    if (environment(launcher.sign) == nullptr) continue;
    const int64_t first = launcher.first != nullptr ? variable(environment, launcher.first) : 0;
    const Shard shard{variable(environment, launcher.index) - first,
                      variable(environment, launcher.count)};
    if (shard.index < 0 || shard.index >= shard.count)
      fail("{} is {}, beyond {}, which is {}", launcher.index, shard.index + first, launcher.count,
           shard.count);
    return shard;
  }
  return {};
}

}  // namespace hyperconv
