// What the product's program and the laboratory's have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace hyperconv::cli {

/// Names, describes and gives the version to what add_commands then fills.
void set_up(CLI::App& program);

/// Parses and does what the command asks for. Returns the exit code: 0 done (help and version too),
/// 1 failed, with one line on stderr, 2 wrong usage. Ctrl-C sets base/interrupt.hpp's flag
/// meanwhile.
int run_commands(int argc, char** argv, const std::function<void(CLI::App&)>& add_commands);

/// Ends the program with this code once all that was printed is out, without the destructors of
/// libraries: of those some crash or wait for ever where memory is short, with the work long done.
[[noreturn]] void leave(int code);

/// Runs `work`; 1, with the error's one line on stderr, where it throws.
int guarded(const std::function<int()>& work);

}  // namespace hyperconv::cli
