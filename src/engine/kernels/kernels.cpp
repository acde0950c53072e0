// Compiles the kernels once for every instruction set and picks a table of them at run time.
#include "engine/kernels/kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/kernels/convolve-inl.hpp"
#include "engine/kernels/dot-inl.hpp"
#include "engine/kernels/gradient-inl.hpp"
#include "engine/kernels/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace hyperconv {
namespace HWY_NAMESPACE {

Kernels make_table() {
  return {.name = hwy::TargetName(HWY_TARGET),
          .lanes = int(hn::MaxLanes(Floats())),
          .pixels_at_once = accumulators,
          .conv2d = conv2d,
          .conv2d_winograd = conv2d_winograd,
          .tap_gradients = tap_gradients,
          .unrectify = unrectify_row,
          .rectify = rectify_row,
          .add = add_row,
          .multiply = multiply_row,
          .norm2d = norm2d_row,
          .average_pool2d = average_pool2d_row,
          .max_pool2d = max_pool2d_row,
          .upsample2d = upsample2d_row,
          .to_planes = planes_row,
          .sum = sum_row,
          .describe = describe_row,
          .narrow = narrow,
          .to_hi_lo = to_hi_lo,
          .add_bf16 = add_bf16_row,
          .sum_bf16 = sum_bf16_row,
          .average_pool2d_bf16 = average_pool2d_bf16_row,
          .convert = convert,
          .multiply_add = multiply_add};
}

}  // namespace HWY_NAMESPACE
}  // namespace hyperconv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/fail.hpp"

namespace hyperconv {

HWY_EXPORT(make_table);

namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return char(std::tolower(letter)); });
  return text;
}

Kernels table_of(int64_t target) {
  // The only place that touches Highway's global choice: it is put back at once.
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  Kernels table = HWY_DYNAMIC_DISPATCH(make_table)();
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  table.name = lower_case(table.name);
  return table;
}

// Best first: Highway's better targets have lower bits.
std::vector<Kernels> all_tables() {
  std::vector<Kernels> tables;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    tables.push_back(table_of(target));
  return tables;
}

const std::vector<Kernels>& tables() {
  static const std::vector<Kernels> made = all_tables();
  return made;
}

}  // namespace

std::vector<std::string> kernel_targets() {
  std::vector<std::string> names;
  for (const Kernels& table : tables()) names.push_back(table.name);
  return names;
}

const Kernels& kernels(const std::string& target) {
  for (const Kernels& table : tables()) {
    if (table.name == lower_case(target)) return table;
  }
  fail("HYPERCONV_TARGET={}: this machine has {}", target, fmt::join(kernel_targets(), ", "));
}

const Kernels& kernels() {
  const char* wish = std::getenv("HYPERCONV_TARGET");
  return wish != nullptr && *wish != '\0' ? kernels(std::string(wish)) : tables().front();
}

}  // namespace hyperconv

#endif
