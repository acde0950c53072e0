// A list of files that several processes share, each processing its own part of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace hyperconv {

/// Share `index` (from 0) of `count`: every count-th item, from the index-th on.
struct Shard {
  int64_t index = 0, count = 1;

  bool has(int64_t item) const { return item % count == index; }
  bool is_all() const { return count == 1; }
};

/// "2/8", counted from 1.
std::string to_string(const Shard& shard);

/// "2/8" is the second of eight. Throws Error that says what a share looks like.
Shard shard_from_string(const std::string& text);

/// By what started this process, asked for by the names of environment variables: a Slurm array
/// (SLURM_ARRAY_TASK_ID, _MIN, _COUNT), srun (SLURM_PROCID, SLURM_STEP_NUM_TASKS), mpirun
/// (OMPI_COMM_WORLD_RANK, _SIZE), torchrun (RANK, WORLD_SIZE); everything where it was none of
/// them. Throws Error for variables that make no sense.
using Environment = std::function<const char*(const char* name)>;
Shard shard_from_environment(const Environment& environment);

}  // namespace hyperconv
