// A font of 5x7 dots for capitals, digits and a little punctuation.
#pragma once

#include <string_view>

namespace hyperconv {

inline constexpr int glyph_height = 7;
inline constexpr int glyph_advance = 6;  ///< five dots and a gap

/// True where the line of text has a dot: column in dots from its start, row from its top.
/// Characters that the font lacks are blank.
bool text_has_dot(std::string_view text, int column, int row);

}  // namespace hyperconv
