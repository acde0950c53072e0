// Who this process is among those that train together, from what its launcher left in the
// environment.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace hyperconv {

enum class Launcher { none, torchrun, openmpi, slurm };

struct Launch {
  Launcher launcher = Launcher::none;
  int rank = 0, size = 1;
  int local_rank = 0;  ///< among those on this host
  /// Where rank 0 can be reached, and the port it listens on; empty and 0 where size is 1.
  std::string master;
  int port = 0;
};

/// How ranks find each other.
struct WorldOptions {
  /// The network interface that gradients go through; empty: GLOO_SOCKET_IFNAME where it is set,
  /// else the one that leads to rank 0.
  std::string interface;
  int timeout = 300;  ///< seconds of waiting for a rank that is silent or does not come
};

/// The value of an environment variable, where it is set.
using Lookup = std::function<std::optional<std::string>(const std::string&)>;

/// torchrun (RANK, WORLD_SIZE, MASTER_ADDR ...), OpenMPI's mpirun (OMPI_COMM_WORLD_RANK ...),
/// Slurm's srun (SLURM_PROCID ... of a step), in this order, since an mpirun within a Slurm job has
/// the variables of both; none of them: a process alone. Throws Error with the variable's name when
/// they do not fit together.
Launch launch_from(const Lookup& lookup);
Launch launch_from_environment();

/// The first host of Slurm's list: "node[007-012,20],login" -> "node007". Throws Error when it is
/// none.
std::string first_host(const std::string& list);

}  // namespace hyperconv
