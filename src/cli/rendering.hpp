// Options of `hyperconv enhance` that say which picture is made of a camera file.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "pipeline/develop.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv::cli {

/// What was named on the command line.
struct RenderingArguments {
  std::optional<double> exposure;  ///< stops
  std::string white_balance;       ///< empty: not named
  std::optional<HighlightMode> highlights;
  std::optional<OutputSpace> space;

  Rendering rendering() const;
  WantedBalance wanted_balance() const;

  /// The names of the options that were given, of all or of those that only a rendering has a use
  /// for: "--exposure and --highlights"; empty: none.
  std::string named() const;
  std::string named_of_rendering() const;
};

void add_rendering_options(CLI::App& command, RenderingArguments& arguments);

nlohmann::ordered_json rendering_json(const Rendering& rendering);

}  // namespace hyperconv::cli
