// The program `hyperconv`: does the product's commands, and hands the laboratory's over to it.
#include "cli/commands.hpp"
#include "cli/info.hpp"
#include "cli/laboratory.hpp"
#include "cli/program.hpp"

namespace {

using namespace hyperconv::cli;

void add_commands(CLI::App& program, char** arguments) {
  add_enhance(program);
  add_convert(program);
  add_compare(program);
  add_info(program, [=](const InfoArguments&) { become_laboratory(arguments); });
  for (const LaboratoryCommand& command : laboratory_commands())
    program.add_subcommand(command.name, command.description)->group("Laboratory");
}

}  // namespace

int main(int argc, char** argv) {
  // Before anything catches signals: until the laboratory does so itself, Ctrl-C just ends it.
  if (argc > 1 && is_laboratory_command(argv[1]))
    return guarded([&]() -> int { become_laboratory(argv); });
  return run_commands(argc, argv, [&](CLI::App& program) { add_commands(program, argv); });
}
