// hyperconv info MODEL --filters: what photos do to a model's filters.
#pragma once

#include <string>
#include <vector>

namespace hyperconv::cli {

struct FilterArguments {
  std::vector<std::string> photos;  ///< files, and folders of photos
  std::string layer, output;
};

/// Draws, and prints what was found.
void show_filters(const std::string& model, const FilterArguments& a, bool json);

}  // namespace hyperconv::cli
