// libtorch made ready for training on a CPU.
#pragma once

namespace hyperconv {

/// Sets the number of threads (0: all cores) and makes glibc keep freed memory: with its defaults
/// a training step spends most of its time in page faults. Call once, before the first tensor.
/// Returns the number of threads.
int prepare_torch(int threads);

}  // namespace hyperconv
