// The part of `hyperconv simulate` that makes a data set.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "data/simzrr.hpp"

namespace hyperconv::cli {

/// What is asked of the set alone.
struct SetArguments {
  std::string layout, test_photos;
  SimzrrOptions options;
  int threads = 0;

  bool is_wanted() const { return !layout.empty(); }
};

/// What simulate asks of a single photo too.
struct SetSources {
  const std::vector<std::string>& photos;
  const std::string& output;
  int shrink;
  uint64_t seed;
  bool json;
};

/// Adds --layout and what needs it; gives --layout back.
CLI::Option* add_set_options(CLI::App& command, SetArguments& arguments);

void simulate_set(const SetArguments& arguments, const SetSources& sources);

}  // namespace hyperconv::cli
