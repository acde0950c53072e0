#include "cli/lens.hpp"

namespace hyperconv::cli {

void add_lens_option(CLI::App& command, LensArguments& a) {
  command
      .add_option("--lens", a.wanted,
                  "Of camera files: straightens, evens out and aligns what the lens bent, darkened "
                  "and coloured: auto, by the DNG's own opcodes or as Lensfun knows the lens; as a "
                  "lens of that name; or none (default none)")
      ->option_text("auto|none|NAME")
      ->group("Pictures of camera files");
}

nlohmann::ordered_json lens_json(const LensReport& report) {
  return {{"source", report.source},
          {"name", report.name},
          {"distortion", report.distortion},
          {"vignetting", report.vignetting},
          {"lateral_colour", report.lateral_colour}};
}

}  // namespace hyperconv::cli
