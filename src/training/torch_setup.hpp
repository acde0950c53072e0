// libtorch made ready for training.
#pragma once

#include <torch/types.h>

#include <string>

#include "training/recipe.hpp"

namespace hyperconv {

/// Sets the number of threads (0: all cores) and makes glibc keep freed memory: with its defaults
/// a training step spends most of its time in page faults. Call once, before the first tensor.
/// Returns the number of threads.
int prepare_torch(int threads);

/// "cpu", "cuda" or "cuda:N"; plain "cuda" is the GPU with the number of this rank on its machine,
/// or the only one that it sees. Throws Error when it is none of them, or this libtorch or machine
/// has no such device.
torch::Device training_device(const std::string& name, int local_rank = 0);

/// Whether this thread's operations on a CPU run in another precision than that of their tensors.
bool is_cpu_autocast();

/// While it lives, this thread's convolutions and matrix products run in the precision.
class Autocast {
 public:
  Autocast(TrainingPrecision precision, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  const bool active_;
  const bool on_cpu_;
};

}  // namespace hyperconv
