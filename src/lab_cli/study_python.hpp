// The Python environment of the studies that run other people's methods.
#pragma once

#include <string>
#include <vector>

#include "studies/python_rivals.hpp"

namespace hyperconv::cli {

/// The default for --environment: where bench/rivals/setup --pictures makes it.
inline constexpr const char* pictures_environment = "build/rivals-pictures";

/// Writes the script into `folder` and makes sure that Python has these packages. Throws Error that
/// says how to make the environment.
PythonHome python_home(const std::string& environment, const std::vector<std::string>& packages,
                       const std::filesystem::path& folder, int threads);

}  // namespace hyperconv::cli
