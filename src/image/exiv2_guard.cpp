#include "image/exiv2_guard.hpp"

namespace hyperconv {

std::unique_lock<std::mutex> enter_exiv2() {
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
  static const bool ready = Exiv2::XmpParser::initialize();
  (void)ready;
  return lock;
}

}  // namespace hyperconv
