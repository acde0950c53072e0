#include "training/torch_setup.hpp"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <climits>

#include "base/threads.hpp"

namespace hyperconv {

int prepare_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 256 << 20);
  const int count = threads > 0 ? threads : available_cores();
  // Debian's build starts with one thread whatever the machine.
  at::set_num_threads(count);
  return count;
}

}  // namespace hyperconv
