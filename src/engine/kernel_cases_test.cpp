#include "engine/kernel_cases.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <set>

namespace hyperconv {
namespace {

TEST(KernelCases, HoldEveryKernel) {
  std::set<std::string> names;
  for (const KernelCase& kernel : kernel_cases(4, 4)) names.insert(kernel.kernel);
  const size_t members = (sizeof(Kernels) - offsetof(Kernels, conv2d)) / sizeof(void*);
  EXPECT_EQ(names.size(), members);
}

// The engine's tests hold whole networks to the oracle; here each kernel of each instruction set is
// held to the plainest set's.
TEST(KernelCases, InstructionSetsAgree) {
  const Kernels& plainest = kernels(kernel_targets().back());
  for (const int64_t channels : {3, 8, 12, 20})
    for (const int64_t width : {2, 5, 61})
      for (const KernelCase& kernel : kernel_cases(channels, width)) {
        const PreparedKernel expected = kernel.prepare(plainest);
        expected.call();
        const KernelResult right = expected.result();
        double largest = 0;
        for (const float value : right) largest = std::max(largest, std::fabs(double(value)));
        EXPECT_GT(largest, 0) << kernel.kernel;
        for (const std::string& target : kernel_targets()) {
          const PreparedKernel made = kernel.prepare(kernels(target));
          made.call();
          const KernelResult values = made.result();
          ASSERT_EQ(values.size(), right.size());
          for (size_t i = 0; i < values.size(); ++i)
            // Sums of a thousand products in another order.
            ASSERT_NEAR(values[i], right[i], 1e-5 * largest)
                << kernel.kernel << ", " << kernel.form << ", " << target << ", " << i;
        }
      }
}

TEST(KernelCases, TimeIsOfOneCall) {
  for (const KernelCase& kernel : kernel_cases(4, 16)) {
    const double seconds = seconds_of_call(kernel.prepare(kernels()), 1e-3);
    EXPECT_GT(seconds, 0) << kernel.kernel;
    EXPECT_LT(seconds, 1) << kernel.kernel;
  }
}

}  // namespace
}  // namespace hyperconv
