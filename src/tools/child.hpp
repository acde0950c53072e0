// Work in a process of its own: what it takes of memory can be told apart, and is given back.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace hyperconv {

struct ChildOutcome {
  std::string result;              ///< what the work returned
  size_t peak_resident_bytes = 0;  ///< of the child, its share of this process's memory included
};

/// Runs `work` in a fork of this process and waits for it. Other threads of this process do not
/// exist in the child: `work` must not lean on a pool of threads that has been used before. The
/// child ends with this process, and a Ctrl-C reaches both. Throws Error with the work's own line
/// when it threw, or that says how the child ended.
ChildOutcome run_in_child(const std::function<std::string()>& work);

}  // namespace hyperconv
