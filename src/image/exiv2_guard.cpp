#include "image/exiv2_guard.hpp"

#include <new>

namespace hyperconv {
namespace {

bool start_xmp() {
  try {
    return Exiv2::XmpParser::initialize();
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    throw std::bad_alloc();  // the toolkit has an error of its own for what it lacks
  }
}

}  // namespace

std::unique_lock<std::mutex> enter_exiv2() {
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
  static const bool ready = start_xmp();
  (void)ready;
  return lock;
}

}  // namespace hyperconv
