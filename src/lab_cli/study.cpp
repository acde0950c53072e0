// hyperconv study: the paper's experiments.
#include "lab_cli/study.hpp"

#include "lab_cli/commands.hpp"

namespace hyperconv::cli {

void add_study(CLI::App& program) {
  auto* study = add_laboratory_command(program, "study");
  study->require_subcommand(1);
  add_cost_table(*study);
  add_large_image(*study);
  add_double_descent(*study);
  add_interpolation(*study);
  add_poster(*study);
  add_fixed_flops(*study);
  add_conditioning(*study);
  add_designs(*study);
  add_cheaper_vdn(*study);
  add_noise(*study);
  add_grain(*study);
  add_denoisers(*study);
  add_rivals(*study);
}

}  // namespace hyperconv::cli
