// The program `hyperconv-lab`, which `hyperconv` becomes where a command is the laboratory's.
#include "base/fail.hpp"
#include "cli/program.hpp"
#include "lab_cli/commands.hpp"

namespace {

using namespace hyperconv::cli;

/// Stands for `train` where there is no libtorch.
[[maybe_unused]] void add_no_train(CLI::App& program) {
  auto* command = add_laboratory_command(program, "train");
  command->prefix_command();
  command->callback([] {
    hyperconv::fail(
        "this laboratory was built without libtorch; configure with "
        "-DHYPERCONV_TRAINING=ON");
  });
}

void add_commands(CLI::App& program) {
  if constexpr (HYPERCONV_HAS_TRAINING)
    add_train(program);
  else
    add_no_train(program);
  add_evaluate(program);
  add_export(program);
  add_profile(program);
  add_bench(program);
  add_study(program);
  add_simulate(program);
  add_info(program, laboratory_info);
}

}  // namespace

int main(int argc, char** argv) { leave(run_commands(argc, argv, add_commands)); }
