#include "training/torch_setup.hpp"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <climits>
#include <latch>
#include <thread>
#include <vector>

#include "base/fail.hpp"
#include "base/threads.hpp"

namespace hyperconv {
namespace {

// libtorch 1.x has a switch for each kind of device, 2.x one with the kind as its argument.
void set_autocast([[maybe_unused]] bool on_cpu, bool enabled) {
#if TORCH_VERSION_MAJOR >= 2
  const auto kind = on_cpu ? at::kCPU : at::kCUDA;
  at::autocast::set_autocast_dtype(kind, at::kBFloat16);
  at::autocast::set_autocast_enabled(kind, enabled);
#else
  if (on_cpu) {
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(enabled);
  } else {
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(enabled);
  }
#endif
}

/// Throws std::system_error where so many threads cannot be had beside this one.
void check_threads_start(int count) {
  std::latch done(1);
  std::vector<std::jthread> threads;
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([&done] { done.wait(); });
  } catch (...) {
    done.count_down();
    throw;
  }
  done.count_down();
}

/// The pool that at::set_num_threads() makes for XNNPACK never learns that a thread of its could
/// not be started, and waits for it for ever. It would begin with a thread a core, whatever is
/// asked for.
void check_pool_starts(int count) {
  // With and without gflags.
  for (const char* flag : {"_ZN3fLI22FLAGS_pthreadpool_sizeE", "_ZN3c1022FLAGS_pthreadpool_sizeE"})
    if (auto* const size = static_cast<int*>(dlsym(RTLD_DEFAULT, flag))) *size = count;
  check_threads_start(count - 1);
}

}  // namespace

int prepare_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 256 << 20);
  const int count = threads > 0 ? threads : available_cores();
  check_pool_starts(count);
  // Debian's build starts with one thread whatever the machine.
  at::set_num_threads(count);
  // OpenBLAS's own threads go on asking for work between two products, and take it from the threads
  // that convolve: a step of hyper-iii took 1.3 times as long.
  using SetThreads = void (*)(int);
  if (const auto set =
          reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(1);
  return count;
}

torch::Device training_device(const std::string& name, int local_rank) {
  if (name == "cpu") return torch::kCPU;
  const bool is_numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() < 8 &&
                           name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !is_numbered)
    fail("no device is called '{}'; there are cpu, cuda and cuda:N", name);
  const auto count = int64_t(torch::cuda::device_count());
  const int index = is_numbered ? std::stoi(name.substr(5)) : count == 1 ? 0 : local_rank;
  if (count == 0)
    fail("no device {}: this libtorch {} has no CUDA, or the machine no GPU that it can use", name,
         TORCH_VERSION);
  if (index >= count) fail("no device cuda:{}: the machine has {}", index, count);
  return {torch::kCUDA, c10::DeviceIndex(index)};
}

bool is_cpu_autocast() {
#if TORCH_VERSION_MAJOR >= 2
  return at::autocast::is_autocast_enabled(at::kCPU);
#else
  return at::autocast::is_cpu_enabled();
#endif
}

Autocast::Autocast(TrainingPrecision precision, torch::Device device)
    : active_(precision == TrainingPrecision::bf16), on_cpu_(device.is_cpu()) {
  if (active_) set_autocast(on_cpu_, true);
}

Autocast::~Autocast() {
  if (!active_) return;
  at::autocast::clear_cache();
  set_autocast(on_cpu_, false);
}

}  // namespace hyperconv
