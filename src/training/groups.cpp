#include "training/groups.hpp"

#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace hyperconv {

GroupPointer gloo_group(const c10::intrusive_ptr<c10d::Store>& store, const GroupOptions& options) {
  auto gloo = c10d::ProcessGroupGloo::Options::create(options.timeout);
  gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(options.here.address));
  gloo->threads = 1;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", store), options.rank, options.size, gloo);
}

#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
GroupPointer nccl_group(const c10::intrusive_ptr<c10d::Store>& store, const GroupOptions& options) {
  // What the user set stays.
  ::setenv("NCCL_SOCKET_IFNAME", options.here.interface.c_str(), 0);
  auto nccl = c10d::ProcessGroupNCCL::Options::create();
  nccl->timeout = options.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), options.rank, options.size, nccl);
}
#else
GroupPointer nccl_group(const c10::intrusive_ptr<c10d::Store>&, const GroupOptions&) { return {}; }
#endif

}  // namespace hyperconv
