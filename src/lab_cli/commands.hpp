// The commands of the laboratory, one file each; as cli/commands.hpp.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/info.hpp"
#include "cli/laboratory.hpp"

namespace hyperconv::cli {

void add_bench(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_export(CLI::App& program);
void add_profile(CLI::App& program);
void add_simulate(CLI::App& program);
void add_study(CLI::App& program);

/// Only where the laboratory is built with training.
void add_train(CLI::App& program);

/// What `info` tells of data sets and filters.
void laboratory_info(const InfoArguments& a);

/// The subcommand of this name, with the description that cli/laboratory.hpp has of it.
inline CLI::App* add_laboratory_command(CLI::App& program, const std::string& name) {
  return program.add_subcommand(name, laboratory_description(name));
}

}  // namespace hyperconv::cli
