// The paper's table beside our own counters: what each network costs, and what it takes to run.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "network/cost.hpp"
#include "network/zoo.hpp"

namespace hyperconv {

/// Figures of one network as others give them; what is not given is not there.
struct PublishedCost {
  std::optional<double> tera_flops, mega_parameters, gib_conv_memory, seconds;
};

/// One photo through one network, in a process of its own.
struct PhotoRun {
  double first_seconds = 0;  ///< memory and plan included
  double seconds = 0;        ///< median of the further runs, or the first where it was long
  int64_t tiles = 1;         ///< more than one where the whole frame needs more memory than allowed
  int64_t peak_resident_bytes = 0;
};

struct CostRow {
  std::string network;
  PublishedCost poster;      ///< as printed by Muller 2021
  PublishedCost definition;  ///< counted from the network's published code by others
  std::optional<int> hidden;
  Cost cost;  ///< FLOPs at paper_flops_size, memory at the size below
  PhotoSize memory_size;
  int64_t peak_memory_bytes = 0;  ///< activations of our plan at that size
  std::optional<PhotoRun> run;    ///< at that size
};

struct CostTableOptions {
  std::vector<std::string> networks;  ///< empty: those of the poster, and vdn
  std::optional<PhotoSize> size;      ///< for memory and runs, instead of paper_memory_size
  bool run = true;
  int threads = 0;                      ///< 0: all cores
  std::optional<int64_t> memory_bytes;  ///< for activations; nothing: what the machine has free
};

/// Before each network: its name, its place and how many there are.
using RowProgress = std::function<void(const std::string& network, int64_t index, int64_t count)>;

/// Costs are counted; runs are made one after the other, weights untrained (speed does not depend
/// on them). Throws Error for an unknown network, on Ctrl-C, and where even tiles do not fit.
std::vector<CostRow> cost_table(const CostTableOptions& options, const RowProgress& progress);

/// The networks that the table has when none are named.
std::vector<std::string> cost_table_networks();

}  // namespace hyperconv
