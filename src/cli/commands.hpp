// The commands of the product, one file each. Each function adds its subcommand to the program; the
// subcommand's callback does the work and throws Error (program.cpp turns that into one line and
// exit 1). `info` stands in info.hpp.
#pragma once

#include <CLI/CLI.hpp>

namespace hyperconv::cli {

void add_compare(CLI::App& program);
void add_convert(CLI::App& program);
void add_enhance(CLI::App& program);

}  // namespace hyperconv::cli
