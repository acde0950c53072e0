// hyperconv info: what it is asked. Data sets and filters are the laboratory's to tell of.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace hyperconv::cli {

struct FilterArguments {
  std::vector<std::string> photos;  ///< files, and folders of photos
  std::string layer, output;
};

struct InfoArguments {
  std::string file;
  FilterArguments filters;
  bool kernels = false, check = false, json = false;
};

/// `of_laboratory` tells of a folder of training data, and of a model's filters.
void add_info(CLI::App& program, const std::function<void(const InfoArguments&)>& of_laboratory);

}  // namespace hyperconv::cli
