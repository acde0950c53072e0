// Figures, drawn by gnuplot from files of numbers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hyperconv {

/// A figure beside the table it is drawn from: NAME.csv -> NAME.gnuplot, NAME.svg, NAME.png.
/// `commands` are gnuplot's, without terminal and output; they read 'NAME.csv' and may be run again
/// by hand (`gnuplot NAME.gnuplot`) when rows were added. Files appear whole or not at all.
/// Throws Error when gnuplot is not installed (the package is named) or does not like the commands.
void draw_figure(const std::filesystem::path& csv, const std::string& commands);

}  // namespace hyperconv
