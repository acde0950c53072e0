// Ctrl-C, SIGTERM and whoever watches a call (base/watch.hpp), as a question that long work asks.
#pragma once

namespace hyperconv {

/// From here on the first SIGINT or SIGTERM only raises the flag; a second one ends the process.
void catch_interrupts();

bool interrupted();

/// Throws Error("interrupted") when the flag is up, Error("cancelled") when who watches this
/// thread's work has ended it; both with ErrorCode::cancelled.
void throw_if_interrupted();

/// For tests: sets or clears the flag.
void set_interrupted(bool value);

}  // namespace hyperconv
