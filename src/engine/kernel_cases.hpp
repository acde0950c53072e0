// Every kernel on numbers drawn for it: one list, which tests compare between the instruction sets,
// and which benchmarks and `hyperconv info --kernels` time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/kernels/kernels.hpp"

namespace hyperconv {

/// What a call wrote, without padding, as floats.
using KernelResult = std::vector<float>;

/// A kernel of one instruction set with its buffers.
struct PreparedKernel {
  std::function<void()> call;
  std::function<KernelResult()> result;  ///< of the last call
};

struct KernelCase {
  std::string kernel;  ///< as the member of Kernels is called
  std::string form;    ///< "3x3, 16 to 16 channels"
  double flops = 0;  ///< of one call, as a direct convolution counts them; 0: memory is what counts
  double bytes = 0;  ///< read and written by one call
  std::function<PreparedKernel(const Kernels&)> prepare;
};

/// For rows of `width` pixels of `channels` channels, both at least 2. Each member of Kernels has
/// one or more.
std::vector<KernelCase> kernel_cases(int64_t channels, int64_t width);

/// Seconds of one call, on the calling thread: the fastest of those that fit into `budget` seconds.
double seconds_of_call(const PreparedKernel& kernel, double budget);

}  // namespace hyperconv
