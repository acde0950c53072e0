#include "training/world.hpp"

#include <c10/util/Flags.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/say.hpp"
#include "base/threads.hpp"
#include "training/combine.hpp"
#include "training/groups.hpp"
#include "training/interfaces.hpp"
#include "training/pulse.hpp"

C10_DECLARE_int(caffe2_log_level);

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using StorePointer = c10::intrusive_ptr<c10d::Store>;

/// The run ended for a reason that the others know already.
class Stopped : public Error {
 public:
  using Error::Error;
};

/// libtorch's errors carry a backtrace below their first line.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string line_of(const Verdict& verdict) {
  if (verdict.rank < 0) return verdict.line;
  return fmt::format("stopped, since rank {} failed; its own line says why", verdict.rank);
}

/// Where a rank is, and what it may take.
struct Place {
  std::string host;     ///< its name
  std::string machine;  ///< the same for all ranks on one machine
  int size = 0;         ///< of the world, as this rank was told
  std::vector<int> cores;
  int thread_limit = 0;  ///< OMP_NUM_THREADS; 0: none
  InterfaceAddress address;
};

std::string written(const Place& place) {
  return nlohmann::json{{"host", place.host},
                        {"machine", place.machine},
                        {"size", place.size},
                        {"cores", place.cores},
                        {"thread_limit", place.thread_limit},
                        {"interface", place.address.interface},
                        {"address", place.address.address},
                        {"is_loopback", place.address.is_loopback}}
      .dump();
}

Place read_place(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  return {
      json.at("host"),         json.at("machine"),
      json.at("size"),         json.at("cores").get<std::vector<int>>(),
      json.at("thread_limit"), {json.at("interface"), json.at("address"), json.at("is_loopback")}};
}

/// Changes with every start of the system, and is one for all containers on it.
std::string machine_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id.empty() ? host_name() : id;
}

std::vector<int> usable_cores() {
  std::vector<int> cores;
  cpu_set_t mask;
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &mask)) cores.push_back(core);
  return cores;
}

int thread_limit(Launcher launcher) {
  const char* wish = std::getenv("OMP_NUM_THREADS");
  const int count = wish != nullptr ? std::atoi(wish) : 0;
  // torchrun sets it to 1 where nobody did.
  if (launcher == Launcher::torchrun && count == 1) return 0;
  return std::max(count, 0);
}

InterfaceAddress chosen_address(const Launch& launch, const std::string& interface) {
  if (!interface.empty()) return address_of(interface);
  // Gloo's own variable may list several; one is enough here.
  if (const char* wish = std::getenv("GLOO_SOCKET_IFNAME"); wish != nullptr && *wish != 0)
    return address_of(std::string(wish).substr(0, std::string(wish).find(',')));
  return address_towards(launch.master);
}

/// Rank 0's name may lead to 127.0.1.1 on its own host, as Debian writes it into /etc/hosts; then
/// what leads to a rank elsewhere is meant.
InterfaceAddress reachable(const InterfaceAddress& own, const std::vector<Place>& places) {
  if (!own.is_loopback) return own;
  for (const Place& place : places)
    if (!place.address.is_loopback) return address_towards(place.address.address);
  return own;
}

/// A way to the store at rank 0; rank 0's first one is the store itself.
StorePointer connect(const Launch& launch, bool is_server, seconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = uint16_t(launch.port);
  options.isServer = is_server;
  options.waitWorkers = false;
  options.timeout = timeout;
  try {
    return c10::make_intrusive<c10d::TCPStore>(launch.master, options);
  } catch (const std::exception& error) {
    throw_if_interrupted();
    if (is_server)
      fail("rank 0 cannot listen on port {} ({}); MASTER_PORT names another", launch.port,
           first_line(error.what()));
    fail("rank {} cannot reach rank 0 at {}:{} within {} s ({})", launch.rank, launch.master,
         launch.port, timeout.count(), first_line(error.what()));
  }
}

/// Every rank's text, by way of the store.
class Meeting {
 public:
  Meeting(c10d::Store& store, const Launch& launch, seconds timeout)
      : store_(store), launch_(launch), timeout_(timeout), deadline_(Clock::now() + timeout) {}

  std::vector<std::string> exchange(const std::string& what, const std::string& text) const {
    try {
      store_.set(key(what, launch_.rank), std::vector<uint8_t>(text.begin(), text.end()));
      std::vector<std::string> texts;
      while (!have_all(what)) {
        throw_if_interrupted();
        if (Clock::now() > deadline_)
          fail("{} did not come within {} s (--timeout)", listed(missing(what)), timeout_.count());
        std::this_thread::sleep_for(milliseconds(20));
      }
      for (int rank = 0; rank < launch_.size; ++rank) {
        const auto bytes = store_.get(key(what, rank));
        texts.emplace_back(bytes.begin(), bytes.end());
      }
      return texts;
    } catch (const Error&) {
      throw;
    } catch (const std::exception&) {
      fail("rank 0 at {}:{} ended before all ranks had met; its own line says why", launch_.master,
           launch_.port);
    }
  }

 private:
  static std::string key(const std::string& what, int rank) {
    return fmt::format("{}/{}", what, rank);
  }
  bool have_all(const std::string& what) const {
    std::vector<std::string> keys;
    for (int rank = 0; rank < launch_.size; ++rank) keys.push_back(key(what, rank));
    return store_.check(keys);
  }
  std::vector<int> missing(const std::string& what) const {
    std::vector<int> ranks;
    for (int rank = 0; rank < launch_.size; ++rank)
      if (!store_.check({key(what, rank)})) ranks.push_back(rank);
    return ranks;
  }

  c10d::Store& store_;
  const Launch& launch_;
  const seconds timeout_;
  const Clock::time_point deadline_;
};

/// Cores for a rank when each core is shared among those that may use it.
int share_of_cores(const std::vector<Place>& places, const Place& mine) {
  double share = 0;
  for (const int core : mine.cores) {
    const auto users = std::ranges::count_if(places, [&](const Place& place) {
      return place.machine == mine.machine && std::ranges::binary_search(place.cores, core);
    });
    share += 1 / double(users);
  }
  // Thirds that add up to a little less than one.
  const int cores = std::max(1, int(share + 1e-6));
  return mine.thread_limit > 0 ? std::min(cores, mine.thread_limit) : cores;
}

}  // namespace

/// What holds the ranks together.
class World::Links {
 public:
  Links(const Launch& launch, const WorldOptions& options) : launch_(launch) {
    const seconds timeout(options.timeout);
    // Gloo writes to connections that the other end may have closed: an error of ours, not a
    // signal.
    std::signal(SIGPIPE, SIG_IGN);
    // What c10d would say about connections is in our own lines.
    FLAGS_caffe2_log_level = 3;
    const InterfaceAddress address = chosen_address(launch, options.interface);
    store_ = connect(launch, launch.rank == 0, timeout);
    const Meeting meeting(*store_, launch, timeout);
    claim_rank();
    meet(meeting, address);
    group_options_ = {launch.rank, launch.size, timeout,
                      reachable(places_[size_t(launch.rank)].address, places_)};
    announce(meeting);
    pulse_ =
        std::make_unique<Pulse>(connect(launch, false, timeout), launch.rank, launch.size, timeout);
    try {
      exchange([&] { connect_all(); });
    } catch (const Stopped&) {
      pulse_->farewell();
      throw;
    }
  }

  const std::vector<Place>& places() const { return places_; }
  Pulse& pulse() { return *pulse_; }

  /// Closes the connections, so that those who wait for this rank wait no longer.
  void close() {
    gloo_.reset();
    nccl_.reset();
  }

  void add_up(torch::Tensor& values) {
    torch::Tensor travelling = fit_to_travel(values);
    std::vector<torch::Tensor> list{travelling};
    exchange([&] { group_for(travelling).allreduce(list)->wait(); });
    if (!travelling.is_same(values)) values.copy_(travelling);
  }

  std::vector<torch::Tensor> gather(const torch::Tensor& values) {
    std::vector<torch::Tensor> in{fit_to_travel(values)};
    std::vector<std::vector<torch::Tensor>> out(1);
    for (int rank = 0; rank < launch_.size; ++rank) out[0].push_back(torch::empty_like(in[0]));
    exchange([&] { group_for(in[0]).allgather(out, in)->wait(); });
    for (auto& tensor : out[0]) tensor = tensor.to(values.device());
    return out[0];
  }

 private:
  void claim_rank() {
    if (store_->add(fmt::format("claims/{}", launch_.rank), 1) != 1)
      fail(
          "another process is rank {} already at {}:{}; runs at the same time need a MASTER_PORT "
          "each",
          launch_.rank, launch_.master, launch_.port);
  }

  void meet(const Meeting& meeting, const InterfaceAddress& address) {
    const Place own{
        host_name(), machine_id(), launch_.size, usable_cores(), thread_limit(launch_.launcher),
        address};
    for (const auto& text : meeting.exchange("places", written(own)))
      places_.push_back(read_place(text));
    for (size_t rank = 0; rank < places_.size(); ++rank)
      if (places_[rank].size != launch_.size)
        fail("rank {} was told of {} ranks, rank {} of {}", rank, places_[rank].size, launch_.rank,
             launch_.size);
  }

  /// On rank 0, since it is the one whose output people see.
  void announce(const Meeting& meeting) const {
    const auto addresses = meeting.exchange(
        "addresses",
        fmt::format("{} ({})", group_options_.here.address, group_options_.here.interface));
    if (launch_.rank != 0) return;
    for (size_t rank = 0; rank < addresses.size(); ++rank)
      say("hyperconv: rank {} of {} on {} of {}\n", rank, launch_.size, addresses[rank],
          places_[rank].host);
  }

  /// In a thread that may stay behind: Gloo waits five times its timeout for a rank that cannot
  /// connect, while that rank has long said so.
  void connect_all() {
    std::packaged_task<GroupPointer()> task(
        [store = store_, options = group_options_] { return gloo_group(store, options); });
    auto group = task.get_future();
    std::thread(std::move(task)).detach();
    const auto deadline = Clock::now() + group_options_.timeout;
    std::string why = "no answer";
    while (!pulse_->verdict() && Clock::now() < deadline) {
      if (group.wait_for(milliseconds(20)) != std::future_status::ready) continue;
      try {
        gloo_ = group.get();
        return;
      } catch (const std::exception& error) {
        why = first_line(error.what());
        break;
      }
    }
    fail("no connections through {} ({}); --interface names another network ({})",
         group_options_.here.interface, group_options_.here.address, why);
  }

  template <class Body>
  void exchange(const Body& body) {
    pulse_->count_exchange();
    try {
      body();
    } catch (const std::exception& error) {
      close();
      throw Stopped(line_of(pulse_->explain(first_line(error.what()))));
    }
  }

  /// The tensor itself where a group takes it from where it is, else a copy in memory.
  torch::Tensor fit_to_travel(const torch::Tensor& values) {
    if (values.is_cuda() && !tried_nccl_) {
      tried_nccl_ = true;
      nccl_ = nccl_group(store_, group_options_);
    }
    const bool stays = values.is_cpu() || (values.is_cuda() && nccl_);
    return (stays ? values : values.to(torch::kCPU)).contiguous();
  }

  // Every step begins with exchanges of small tensors in memory. So a rank that is dead is found
  // out by Gloo, which notices a closed connection, before NCCL would wait for it on the GPU.
  Group& group_for(const torch::Tensor& values) { return values.is_cuda() ? *nccl_ : *gloo_; }

  const Launch launch_;
  StorePointer store_;
  std::vector<Place> places_;
  GroupOptions group_options_;
  std::unique_ptr<Pulse> pulse_;
  GroupPointer gloo_, nccl_;
  bool tried_nccl_ = false;
};

World::World() = default;

World::World(const Launch& launch, const WorldOptions& options)
    : launch_(launch),
      links_(launch.size > 1 ? std::make_unique<Links>(launch, options) : nullptr) {}

World::~World() = default;

int World::cores_a_rank() const {
  if (!links_) return available_cores();
  int least = std::numeric_limits<int>::max();
  for (const Place& place : links_->places())
    least = std::min(least, share_of_cores(links_->places(), place));
  return least;
}

void World::sum(torch::Tensor& values) const {
  if (links_) links_->add_up(values);
}

std::vector<int64_t> World::gather(int64_t value) const {
  if (!links_) return {value};
  std::vector<int64_t> values;
  for (const auto& tensor : links_->gather(torch::tensor({value}, torch::kInt64)))
    values.push_back(tensor.item<int64_t>());
  return values;
}

void World::check_same(int64_t value, const std::string& what) const {
  const auto values = gather(value);
  std::vector<int> others;
  for (size_t rank = 1; rank < values.size(); ++rank)
    if (values[rank] != values[0]) others.push_back(int(rank));
  if (others.empty()) return;
  fail("{}: {} {} from rank 0", what, listed(others), others.size() == 1 ? "differs" : "differ");
}

void World::combine(Gradients& gradients, const std::vector<torch::Tensor>& weights) const {
  if (!links_) return;
  combine_gradients(gradients, weights,
                    {[&](torch::Tensor& values) { links_->add_up(values); },
                     [&](const torch::Tensor& values) { return links_->gather(values); }});
}

void World::leave() {
  if (!links_) return;
  // Nobody's connections close before all are done.
  gather(0);
  links_->pulse().farewell();
}

void World::leave_because_of(const std::exception& error) {
  if (!links_) return;
  links_->close();
  const bool was_told = dynamic_cast<const Stopped*>(&error) != nullptr;
  const std::string line = first_line(error.what());
  const Verdict verdict = was_told ? Verdict{} : links_->pulse().report(line);
  links_->pulse().farewell();
  if (was_told) return;
  // What goes wrong on all of them alike is said once.
  if (verdict.rank != rank() && verdict.line == line) throw Stopped(line_of(verdict));
  throw Error(fmt::format("rank {}: {}", rank(), error.what()));
}

}  // namespace hyperconv
