// --report of the commands that score pictures.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "scoring/comparison_page.hpp"

namespace hyperconv::cli {

struct ReportArguments {
  std::string folder;  ///< empty: none
  bool overwrite = false;

  /// Null where none is wanted. Throws Error as ComparisonPage does.
  std::unique_ptr<ComparisonPage> page() const {
    return folder.empty() ? nullptr : std::make_unique<ComparisonPage>(folder, overwrite);
  }
};

inline void add_report_options(CLI::App& command, ReportArguments& report) {
  command.add_option("--report", report.folder,
                     "Folder for a page to look at: of the first six photos, sample for sample, "
                     "what there was, what everyone made of it and the clean picture, two at a "
                     "time, with their scores");
  command.add_flag("--overwrite", report.overwrite, "The report's folder may hold something");
}

}  // namespace hyperconv::cli
