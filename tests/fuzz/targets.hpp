// What is fuzzed: each takes bytes of a stranger.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mutate.hpp"

namespace hyperconv::fuzz {

struct Target {
  std::string name, summary;
  std::vector<Bytes> seeds;        ///< sound inputs, which must be taken; of `api` just numbers
  std::vector<std::string> words;  ///< of the format
  /// Reads the bytes. Error and std::bad_alloc are right answers of a reader; whatever else is
  /// thrown, a crash, or more than `seconds_allowed` is a fault.
  std::function<void(const Bytes&)> run;
  bool seeds_are_sound = true;
};

constexpr unsigned seconds_allowed = 10;  ///< of work on all cores, for one input

std::vector<Target> all_targets();

/// Parts of the list, by the file that they stand in.
std::vector<Target> file_targets();
Target api_target();
Target engine_target();
Target checkpoint_target();  ///< where there is libtorch

}  // namespace hyperconv::fuzz
