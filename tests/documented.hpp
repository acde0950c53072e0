// The commands of a page of docs/, run as a reader would, on a tiny set and with shortened recipes.
#pragma once

#include <map>
#include <regex>
#include <sstream>

#include "program.hpp"

namespace hyperconv {

/// The indented lines that call the program, up to the line that starts with `end` (empty: all).
inline std::vector<std::string> documented_commands(const std::string& page,
                                                    const std::string& end) {
  std::istringstream text(text_of(std::filesystem::path(HYPERCONV_SOURCE_DIR) / "docs" / page));
  std::vector<std::string> commands;
  for (std::string line; std::getline(text, line);) {
    if (!end.empty() && line.starts_with(end)) break;
    if (line.starts_with("    hyperconv ")) commands.push_back(line.substr(4));
  }
  return commands;
}

/// Keys that a recipe has, with other values; where they are missing nothing happens.
inline std::string with_values(std::string recipe,
                               const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values)
    recipe = std::regex_replace(recipe, std::regex("\n" + key + " = [^\n]*"),
                                "\n" + key + " = " + value);
  return recipe;
}

/// Lines at the end of [model].
inline std::string with_model_lines(const std::string& recipe, const std::string& lines) {
  return std::regex_replace(recipe, std::regex("\n\\[data\\]"), lines + "\n[data]");
}

/// In this folder, with the program found by its name.
inline Outcome run_documented(const std::filesystem::path& folder, const std::string& command,
                              const std::string& variables = "") {
  const auto out = folder / "out", err = folder / "err";
  const std::string program = std::filesystem::path(HYPERCONV_PROGRAM).parent_path();
  const int status = std::system(("cd " + folder.string() + " && PATH=" + program +
                                  ":$PATH OMP_NUM_THREADS=2 " + variables + " " + command +
                                  " </dev/null >" + out.string() + " 2>" + err.string())
                                     .c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(out), text_of(err)};
}

}  // namespace hyperconv
