// The experiments under `hyperconv study`, one file each.
#pragma once

#include <CLI/CLI.hpp>

namespace hyperconv::cli {

void add_cost_table(CLI::App& study);
void add_large_image(CLI::App& study);
void add_double_descent(CLI::App& study);
void add_interpolation(CLI::App& study);
void add_poster(CLI::App& study);
void add_fixed_flops(CLI::App& study);
void add_conditioning(CLI::App& study);
void add_designs(CLI::App& study);
void add_cheaper_vdn(CLI::App& study);
void add_noise(CLI::App& study);
void add_grain(CLI::App& study);
void add_denoisers(CLI::App& study);
void add_rivals(CLI::App& study);

}  // namespace hyperconv::cli
