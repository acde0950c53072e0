// What processor this is.
#pragma once

#include <string>

namespace hyperconv {

/// Its name as Linux tells it ("AMD EPYC 9B45"); "unknown processor" where it tells none.
std::string processor_name();

}  // namespace hyperconv
