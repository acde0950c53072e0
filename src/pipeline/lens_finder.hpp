// Which lens of a camera file is corrected.
#pragma once

#include <memory>
#include <string>

#include "pipeline/lensfun.hpp"
#include "raw/lens.hpp"

namespace hyperconv {

/// Finds the corrections of photos' lenses; the database is loaded with the first that needs it.
/// One thread at a time.
///
/// What is wanted of a lens: "none" or nothing; "auto", by the photo's own opcodes, else as Lensfun
/// knows the lens that the photo says; or a lens of Lensfun's by its name.
class LensFinder {
 public:
  static bool corrects(const std::string& wanted) { return !wanted.empty() && wanted != "none"; }

  /// Throws Error where no lens has the name that is wanted.
  void check(const std::string& wanted);

  struct Found {
    std::unique_ptr<LensCorrection> lens;  ///< nullptr: nothing is corrected
    std::string note;  ///< why not, of the photo: "says of no lens; ..."; empty: it is not wanted
  };
  /// Throws Error, without the photo's name, where the lens that was named cannot be corrected.
  Found find(const std::string& wanted, Mosaic& facts);

 private:
  const LensDatabase& database();

  std::unique_ptr<LensDatabase> database_;
};

}  // namespace hyperconv
