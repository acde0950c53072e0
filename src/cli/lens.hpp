// The option of `hyperconv enhance` by which lenses are corrected.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/lensfun.hpp"
#include "raw/lens.hpp"

namespace hyperconv::cli {

struct LensArguments {
  std::string wanted;  ///< auto, none or a lens's name; empty: not named

  bool corrects() const { return !wanted.empty() && wanted != "none"; }
};

void add_lens_option(CLI::App& command, LensArguments& arguments);

/// Finds the corrections of photos' lenses; the database is loaded with the first that needs it.
class LensFinder {
 public:
  /// Throws Error where no lens has the name that is wanted.
  explicit LensFinder(LensArguments arguments);

  struct Found {
    std::unique_ptr<LensCorrection> lens;  ///< nullptr: nothing is corrected
    std::string note;  ///< why not, of the photo: "says of no lens; ..."; empty: it is not wanted
  };
  /// By the photo's own opcodes first, unless another lens was named. Throws Error, without the
  /// photo's name, where the lens that was named cannot be corrected.
  Found find(Mosaic& facts);

 private:
  const LensDatabase& database();

  LensArguments arguments_;
  std::unique_ptr<LensDatabase> database_;
};

nlohmann::ordered_json lens_json(const LensReport& report);

}  // namespace hyperconv::cli
