// What a report's page says of a photo.
#pragma once

#include <vector>

#include "cli/enhancer.hpp"
#include "cli/report.hpp"

namespace hyperconv::cli {

/// Files, the noise that was found, what was done and how long it took; of what has pictures.
std::vector<PageRow> report_rows(const Outcome& outcome, const EnhanceArguments& arguments);

}  // namespace hyperconv::cli
