// hyperconv info MODEL --filters: what photos do to a model's filters.
#pragma once

#include <string>

#include "cli/info.hpp"

namespace hyperconv::cli {

/// Draws, and prints what was found.
void show_filters(const std::string& model, const FilterArguments& a, bool json);

}  // namespace hyperconv::cli
