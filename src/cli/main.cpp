// The program `hyperconv`: does the product's commands, and hands the laboratory's over to it.
#include "cli/commands.hpp"
#include "cli/laboratory.hpp"
#include "cli/program.hpp"

int main(int argc, char** argv) {
  using namespace hyperconv::cli;
  // Before anything catches signals: until the laboratory does so itself, Ctrl-C just ends it.
  if (argc > 1 && is_laboratory_command(argv[1]))
    leave(guarded([&]() -> int { become_laboratory(argv); }));
  leave(run_commands(argc, argv, [&](CLI::App& program) {
    add_commands(program, [=](const InfoArguments&) { become_laboratory(argv); });
  }));
}
