// The commands of the product, one file each. Each function adds its subcommand to the program; the
// subcommand's callback does the work and throws Error (program.cpp turns that into one line and
// exit 1). `info` stands in info.hpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/info.hpp"

namespace hyperconv::cli {

/// All of them, and the names of the laboratory's, which do nothing: main.cpp hands those over.
/// `of_laboratory` is what add_info takes.
void add_commands(CLI::App& program,
                  const std::function<void(const InfoArguments&)>& of_laboratory);

void add_compare(CLI::App& program);
void add_convert(CLI::App& program);
void add_enhance(CLI::App& program);

}  // namespace hyperconv::cli
