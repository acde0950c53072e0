// The one exception of the library.
#pragma once

#include <stdexcept>
#include <string>

#include "hyperconv/export.hpp"

namespace hyperconv {

/// What kind of thing went wrong, for a program to decide by; a person reads Error::what().
enum class ErrorCode {
  bad_argument,   ///< what the caller gave: null, sizes, ranges, a model for another task
  bad_file,       ///< a file is damaged, or of another kind than is wanted
  unsupported,    ///< sound, but of a kind that cannot be processed: a sensor of another kind, ...
  out_of_memory,  ///< not enough memory, or more needed than was allowed
  cancelled,      ///< by a progress callback, or by Ctrl-C under the program
  io              ///< a file is not there, or the system cannot read or write it
};

/// Thrown for everything a user can cause: a bad file, a wrong argument, memory or disk that is not
/// there. `what()` is one line, without a full stop, that names the file or the node, what is wrong
/// and what would be right; a program shows it as it is. Broken promises of a caller (an index out
/// of range) are bugs and are asserted instead.
class HYPERCONV_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& line, ErrorCode code = ErrorCode::bad_argument)
      : std::runtime_error(line), code_(code) {}

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace hyperconv
