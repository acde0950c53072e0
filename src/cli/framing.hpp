// Options of `hyperconv enhance` that say which part of a photo a picture shows, which way up and
// how large.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "image/resize.hpp"

namespace hyperconv::cli {

/// What was named on the command line.
struct FramingArguments {
  std::string rotate;  ///< auto, 0, 90, 180 or 270; empty: not named
  std::optional<Crop> crop;
  std::string resize;  ///< empty: not named

  /// The EXIF orientation of samples that are to be turned clockwise so far from where they are
  /// stored; nothing: as the photo says it.
  std::optional<int> orientation() const;
  std::optional<WantedSize> size() const;
  bool crops() const { return crop == Crop::camera; }
};

void add_framing_options(CLI::App& command, FramingArguments& arguments);

}  // namespace hyperconv::cli
