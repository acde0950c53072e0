// What all readers and writers of mosaics agree on.
#pragma once

#include <cstdint>

namespace hyperconv {

/// A header may claim any size; beyond this no memory is asked for.
inline constexpr int64_t most_samples = int64_t(1) << 29;

/// DNG wants a camera's name; this one says that there is none, and reads back as none.
inline constexpr const char* no_camera = "Unknown camera";

}  // namespace hyperconv
