// What every study that trains has in common as a command.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "studies/study.hpp"

namespace hyperconv::cli {

/// Adds `hyperconv study NAME`. The places of `plan` are those it looks for its data in, unless it
/// is told others; it takes no option for an empty one.
void add_sweep(CLI::App& study, std::shared_ptr<const Study> experiment, const char* description,
               const StudyPlan& plan);

}  // namespace hyperconv::cli
