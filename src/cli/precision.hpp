// Options that name a precision.
#pragma once

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <map>
#include <string>

#include "network/model.hpp"

namespace hyperconv::cli {

/// Takes the names of these precisions (to_string), and no other text.
inline CLI::Transformer precisions(std::initializer_list<Precision> known) {
  std::map<std::string, Precision> names;
  for (const Precision precision : known) names.emplace(to_string(precision), precision);
  return CLI::Transformer(names);
}

}  // namespace hyperconv::cli
