// hyperconv info: what this build and this machine are.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/threads.hpp"
#include "cli/commands.hpp"

namespace hyperconv::cli {

void add_info(CLI::App& program) {
  auto* command = program.add_subcommand("info", "What this build and this machine are");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON object on stdout");
  command->callback([json] {
    const nlohmann::ordered_json facts = {{"version", HYPERCONV_VERSION},
                                          {"training", HYPERCONV_HAS_TRAINING != 0},
                                          {"cores", available_cores()}};
    if (*json) {
      fmt::print("{}\n", facts.dump());
      return;
    }
    for (const auto& [key, value] : facts.items()) fmt::print("{:<12} {}\n", key, value.dump());
  });
}

}  // namespace hyperconv::cli
