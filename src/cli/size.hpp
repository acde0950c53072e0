// Arguments that several commands read.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <string>

namespace hyperconv::cli {

/// "1200x800" -> {1200, 800}; the text has passed size_validator().
std::array<int, 2> parse_size(const std::string& text);

/// Two whole numbers of one to nine digits with an x between them.
CLI::Validator size_validator();

}  // namespace hyperconv::cli
