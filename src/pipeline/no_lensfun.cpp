// In place of lensfun.cpp where there is no Lensfun to build with.
#include "base/fail.hpp"
#include "pipeline/lensfun.hpp"

namespace hyperconv {

class LensDatabase::Impl {};

LensDatabase::LensDatabase() {
  fail_as(ErrorCode::unsupported,
          "lenses are corrected by Lensfun, which this build is without; install "
          "liblensfun-dev and liblensfun-data-v1 and build it again");
}
LensDatabase::~LensDatabase() = default;

LensDatabase::Found LensDatabase::of_photo(const Mosaic&, bool) const { return {}; }
LensDatabase::Found LensDatabase::named(const std::string&, const Mosaic&, bool) const {
  return {};
}
void LensDatabase::check_name(const std::string&) const {}

}  // namespace hyperconv
