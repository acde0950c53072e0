// The option of `hyperconv enhance` by which lenses are corrected.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/lens_finder.hpp"

namespace hyperconv::cli {

struct LensArguments {
  std::string wanted;  ///< auto, none or a lens's name; empty: not named

  bool corrects() const { return LensFinder::corrects(wanted); }
};

void add_lens_option(CLI::App& command, LensArguments& arguments);

nlohmann::ordered_json lens_json(const LensReport& report);

}  // namespace hyperconv::cli
