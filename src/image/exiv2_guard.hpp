// exiv2, entered by one thread at a time.
#pragma once

#include <exiv2/exiv2.hpp>
#include <mutex>

namespace hyperconv {

/// exiv2 keeps state of its own (its XMP toolkit, its log), so whoever calls it holds this lock.
/// Its log is switched off for the whole process.
std::unique_lock<std::mutex> enter_exiv2();

}  // namespace hyperconv
