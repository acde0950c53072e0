#include "pipeline/lens_finder.hpp"

#include <algorithm>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

constexpr const char* automatic = "auto";

}  // namespace

void LensFinder::check(const std::string& wanted) {
  if (corrects(wanted) && wanted != automatic) database().check_name(wanted);
}

const LensDatabase& LensFinder::database() {
  if (!database_) database_ = std::make_unique<LensDatabase>();
  return *database_;
}

LensFinder::Found LensFinder::find(const std::string& wanted, Mosaic& facts) {
  if (!corrects(wanted)) return {};
  // What the DNG's opcodes did to the samples is not to be done twice.
  const bool is_even = std::ranges::any_of(facts.opcodes, [](const std::string& name) {
    return name == "GainMap" || name == "FixVignetteRadial";
  });
  if (wanted != automatic) {
    auto found = database().named(wanted, facts, !is_even);
    if (!found.lens) fail("{}", found.why_not);
    return {std::move(found.lens), {}};
  }
  if (auto lens = lens_of_opcodes(facts)) return {std::move(lens), {}};
  auto found = database().of_photo(facts, !is_even);
  if (found.lens) return {std::move(found.lens), {}};
  return {nullptr, found.why_not + "; no lens is corrected"};
}

}  // namespace hyperconv
