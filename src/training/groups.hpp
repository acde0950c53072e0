// libtorch's groups of processes, alike in its 1.x and 2.x.
#pragma once

#include <torch/version.h>

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

#include "training/interfaces.hpp"

namespace hyperconv {

#if TORCH_VERSION_MAJOR >= 2
using Group = c10d::Backend;
#else
using Group = c10d::ProcessGroup;
#endif
using GroupPointer = c10::intrusive_ptr<Group>;

struct GroupOptions {
  int rank = 0, size = 1;
  std::chrono::seconds timeout{300};  ///< of one exchange
  InterfaceAddress here;              ///< what this rank is reached at
};

/// For tensors in memory, over TCP.
GroupPointer gloo_group(const c10::intrusive_ptr<c10d::Store>& store, const GroupOptions& options);

/// For tensors on GPUs; null where this libtorch was built without NCCL, or its header is missing.
GroupPointer nccl_group(const c10::intrusive_ptr<c10d::Store>& store, const GroupOptions& options);

}  // namespace hyperconv
