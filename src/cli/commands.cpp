#include "cli/commands.hpp"

#include "cli/laboratory.hpp"

namespace hyperconv::cli {

void add_commands(CLI::App& program,
                  const std::function<void(const InfoArguments&)>& of_laboratory) {
  add_enhance(program);
  add_convert(program);
  add_compare(program);
  add_info(program, of_laboratory);
  for (const LaboratoryCommand& command : laboratory_commands())
    program.add_subcommand(command.name, command.description)->group(laboratory_group);
}

}  // namespace hyperconv::cli
