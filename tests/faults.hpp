// Programs whose calls fail, by the library of tests/faults.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace hyperconv {

/// Which call of a program fails.
struct Fault {
  std::string kind;  ///< as tests/faults calls it
  int call = 1;
  bool and_all_after = false;
};

/// For Circumstances::program; the mark is made where a call has failed.
inline std::string program_with_fault(const std::string& program, const Fault& fault,
                                      const std::filesystem::path& mark) {
  return fmt::format("env LD_PRELOAD={} HYPERCONV_FAULT={},{}{} HYPERCONV_FAULT_MARK={} {}",
                     HYPERCONV_FAULTS, fault.kind, fault.call, fault.and_all_after ? "+" : "",
                     mark.string(), program);
}

/// The call to try after this one: later by a share of it. Where HYPERCONV_EVERY_FAULT is N, each
/// N-th.
inline int next_call(int call, double share) {
  const char* every = std::getenv("HYPERCONV_EVERY_FAULT");
  return call + std::max(1, every != nullptr ? std::atoi(every) : int(call * share));
}

}  // namespace hyperconv
