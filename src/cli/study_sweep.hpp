// What every study that trains has in common as a command.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "studies/study.hpp"

namespace hyperconv::cli {

/// Adds `hyperconv study NAME`.
void add_sweep(CLI::App& study, std::shared_ptr<const Study> experiment, const char* description);

}  // namespace hyperconv::cli
