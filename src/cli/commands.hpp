// The commands of `hyperconv`, one file each. Each function adds its subcommand to the program; the
// subcommand's callback does the work and throws Error (main.cpp turns that into one line and exit
// 1).
#pragma once

#include <CLI/CLI.hpp>

namespace hyperconv::cli {

void add_bench(CLI::App& program);
void add_compare(CLI::App& program);
void add_convert(CLI::App& program);
void add_enhance(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_export(CLI::App& program);
void add_info(CLI::App& program);
void add_profile(CLI::App& program);
void add_simulate(CLI::App& program);
void add_study(CLI::App& program);

/// Only where the program is built with training.
void add_train(CLI::App& program);

}  // namespace hyperconv::cli
