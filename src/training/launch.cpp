#include "training/launch.hpp"

#include <charconv>
#include <cstdlib>

#include "base/fail.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

class Environment {
 public:
  explicit Environment(const Lookup& lookup) : lookup_(lookup) {}

  /// A variable set to nothing counts as not set.
  std::optional<std::string> find(const std::string& name) const {
    auto value = lookup_(name);
    return value && !value->empty() ? value : std::nullopt;
  }
  bool has(const std::string& name) const { return find(name).has_value(); }

  std::string get(const std::string& name, const std::string& because) const {
    const auto value = find(name);
    if (!value) fail("{} is not set, but {}", name, because);
    return *value;
  }

  std::optional<int> find_number(const std::string& name, int least, int most) const {
    const auto text = find(name);
    if (!text) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size() || value < least || value > most)
      fail("{} is '{}', must be a number from {} to {}", name, *text, least, most);
    return value;
  }
  int number(const std::string& name, const std::string& because, int least, int most) const {
    get(name, because);
    return *find_number(name, least, most);
  }

 private:
  const Lookup& lookup_;
};

constexpr int most_ranks = 65536;

/// The names that one launcher has for the same things.
struct Names {
  const char *rank, *size, *local_rank;
};

Launch ranks_by(const Environment& environment, Launcher launcher, const Names& names) {
  const std::string rank = names.rank, size = names.size;
  Launch launch;
  launch.launcher = launcher;
  launch.size = environment.number(size, rank + " is", 1, most_ranks);
  launch.rank = environment.number(rank, size + " is", 0, most_ranks);
  if (launch.rank >= launch.size)
    fail("{} is {}, must be less than {}, which is {}", rank, launch.rank, size, launch.size);
  launch.local_rank =
      environment.find_number(names.local_rank, 0, launch.size - 1).value_or(launch.rank);
  return launch;
}

/// The same port on every host for the same job, and mostly another one for another job; below
/// those that systems hand out for outgoing connections.
int port_of(const std::string& job) { return 10000 + int(hash_of(job) % 20000); }

int master_port(const Environment& environment, const std::string& job) {
  const auto port = environment.find_number("MASTER_PORT", 1, 65535);
  return port ? *port : port_of(job);
}

Launch by_torchrun(const Environment& environment) {
  Launch launch = ranks_by(environment, Launcher::torchrun, {"RANK", "WORLD_SIZE", "LOCAL_RANK"});
  if (launch.size == 1) return launch;
  launch.master = environment.get("MASTER_ADDR", "WORLD_SIZE is more than 1");
  launch.port = environment.number("MASTER_PORT", "WORLD_SIZE is more than 1", 1, 65534);
  // Then torchrun itself listens there, in words that change with its version.
  if (environment.find("TORCHELASTIC_USE_AGENT_STORE") == "True") ++launch.port;
  return launch;
}

Launch by_openmpi(const Environment& environment) {
  Launch launch =
      ranks_by(environment, Launcher::openmpi,
               {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"});
  if (launch.size == 1) return launch;
  const auto local = environment.find_number("OMPI_COMM_WORLD_LOCAL_SIZE", 1, most_ranks);
  const auto master = environment.find("MASTER_ADDR");
  if (!master && local != launch.size)
    fail(
        "MASTER_ADDR is not set, but mpirun uses several hosts: name rank 0's host with "
        "-x MASTER_ADDR=HOST");
  launch.master = master.value_or("127.0.0.1");
  for (const char* name : {"OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE"})
    if (launch.port == 0 && environment.has(name))
      launch.port = master_port(environment, *environment.find(name));
  if (launch.port == 0)
    launch.port = environment.number("MASTER_PORT", "mpirun gives its job no name", 1, 65535);
  return launch;
}

Launch by_slurm(const Environment& environment) {
  const char* size =
      environment.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
  Launch launch = ranks_by(environment, Launcher::slurm, {"SLURM_PROCID", size, "SLURM_LOCALID"});
  if (launch.size == 1) return launch;
  const auto master = environment.find("MASTER_ADDR");
  const char* hosts =
      environment.has("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_NODELIST";
  launch.master = master ? *master : first_host(environment.get(hosts, "SLURM_PROCID is"));
  launch.port = master_port(environment, environment.get("SLURM_JOB_ID", "SLURM_PROCID is") + "." +
                                             environment.find("SLURM_STEP_ID").value_or("0"));
  return launch;
}

/// A batch script has a SLURM_PROCID too, but is no task of a step.
bool is_step(const Environment& environment) {
  return environment.has("SLURM_PROCID") &&
         (environment.has("SLURM_STEP_ID") || environment.has("SLURM_STEP_NUM_TASKS") ||
          environment.has("SLURM_STEP_NODELIST"));
}

}  // namespace

Launch launch_from(const Lookup& lookup) {
  const Environment environment(lookup);
  if (environment.has("RANK") || environment.has("WORLD_SIZE")) return by_torchrun(environment);
  if (environment.has("OMPI_COMM_WORLD_RANK") || environment.has("OMPI_COMM_WORLD_SIZE"))
    return by_openmpi(environment);
  if (is_step(environment)) return by_slurm(environment);
  return {};
}

Launch launch_from_environment() {
  return launch_from([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  });
}

std::string first_host(const std::string& list) {
  const size_t open = list.find('['), comma = list.find(',');
  if (comma < open || open == std::string::npos) {
    const std::string host = list.substr(0, comma);
    if (host.empty() || host.find(']') != std::string::npos)
      fail("'{}' is no list of hosts like node[01-04]", list);
    return host;
  }
  const size_t close = list.find(']', open), number_end = list.find_first_of("-,]", open);
  if (close == std::string::npos || number_end == open + 1)
    fail("'{}' is no list of hosts like node[01-04]", list);
  // What follows the bracket, up to the next host, may hold brackets of its own:
  // rack[1-2]node[3-4].
  const size_t rest = close + 1;
  const std::string first = list.substr(0, open) + list.substr(open + 1, number_end - open - 1);
  if (rest == list.size() || list[rest] == ',') return first;
  return first + first_host(list.substr(rest));
}

}  // namespace hyperconv
