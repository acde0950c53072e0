// The one exception of the library.
#pragma once

#include <stdexcept>

#include "hyperconv/export.hpp"

namespace hyperconv {

/// Thrown for everything a user can cause: a bad file, a wrong argument, memory or disk that is not
/// there. `what()` is one line, without a full stop, that names the file or the node, what is wrong
/// and what would be right; a program shows it as it is. Broken promises of a caller (an index out
/// of range) are bugs and are asserted instead.
class HYPERCONV_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace hyperconv
