// Lensfun's database of lenses, as other people measured them (https://lensfun.github.io).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "raw/lens.hpp"

namespace hyperconv {

/// All lenses that Lensfun knows. One thread at a time.
class LensDatabase {
 public:
  /// Throws Error that says what to install, where the program was built without Lensfun or its
  /// database is nowhere.
  LensDatabase();
  ~LensDatabase();
  LensDatabase(const LensDatabase&) = delete;
  LensDatabase& operator=(const LensDatabase&) = delete;

  /// A lens for a photo, or why there is none, as what the photo does: "says of no lens".
  struct Found {
    std::unique_ptr<LensCorrection> lens;
    std::string why_not;
  };

  /// The lens that the photo says it was taken with, at its focal length and aperture.
  /// `corrects_vignetting`: false where that is done already.
  Found of_photo(const Mosaic& facts, bool corrects_vignetting = true) const;

  /// This lens. Throws Error, which does not name the photo, where no lens is called so: it names
  /// those that are called nearly so.
  Found named(const std::string& name, const Mosaic& facts, bool corrects_vignetting = true) const;

  /// Throws likewise.
  void check_name(const std::string& name) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
