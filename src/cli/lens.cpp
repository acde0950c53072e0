#include "cli/lens.hpp"

#include <algorithm>

#include "base/fail.hpp"

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

LensFinder::LensFinder(LensArguments arguments) : arguments_(std::move(arguments)) {
  if (arguments_.corrects() && arguments_.wanted != "auto")
    database().check_name(arguments_.wanted);
}

const LensDatabase& LensFinder::database() {
  if (!database_) database_ = std::make_unique<LensDatabase>();
  return *database_;
}

LensFinder::Found LensFinder::find(Mosaic& facts) {
  if (!arguments_.corrects()) return {};
  // What the DNG's opcodes did to the samples is not to be done twice.
  const bool is_even = std::ranges::any_of(facts.opcodes, [](const std::string& name) {
    return name == "GainMap" || name == "FixVignetteRadial";
  });
  if (arguments_.wanted != "auto") {
    auto found = database().named(arguments_.wanted, facts, !is_even);
    if (!found.lens) fail("{}", found.why_not);
    return {std::move(found.lens), {}};
  }
  if (auto lens = lens_of_opcodes(facts)) return {std::move(lens), {}};
  auto found = database().of_photo(facts, !is_even);
  if (found.lens) return {std::move(found.lens), {}};
  return {nullptr, found.why_not + "; no lens is corrected"};
}

nlohmann::ordered_json lens_json(const LensReport& report) {
  return {{"source", report.source},
          {"name", report.name},
          {"distortion", report.distortion},
          {"vignetting", report.vignetting},
          {"lateral_colour", report.lateral_colour}};
}

}  // namespace hyperconv::cli
