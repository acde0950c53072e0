// Cancellation: long work asks here whether Ctrl-C, SIGTERM or the watch of its call
// (base/watch.hpp) wants it to end.
#pragma once

namespace hyperconv {

/// From here on the first SIGINT or SIGTERM only raises the flag; a second one ends the process.
void catch_interrupts();

bool interrupted();

/// Whether throw_if_interrupted() would throw: for callbacks that must not.
bool should_stop();

/// Throws Error("interrupted") when the flag is set, Error("cancelled") when the watch of this
/// thread's work has been cancelled; both with ErrorCode::cancelled.
void throw_if_interrupted();

/// For tests: sets or clears the flag.
void set_interrupted(bool value);

}  // namespace hyperconv
