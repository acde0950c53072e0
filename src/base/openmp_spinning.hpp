// How long OpenMP's threads (libtorch's, in training) stay awake while they wait for each other.
#pragma once

#include <cstdlib>

namespace hyperconv {

/// For programs that this process starts or becomes, not for itself: OpenMP reads its environment
/// once, when it is loaded. GNU's OpenMP lets a thread that waits spin for milliseconds, in which a
/// busy machine cannot run the thread that it waits for: a training on two threads beside one other
/// program then takes thirty times as long a step (docs/training.md). 5,000 turns are enough on a
/// quiet machine, and harmless on a busy one. What the user has set stays. Not thread-safe, as
/// setenv is not.
inline void shorten_openmp_spinning() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "5000", 0);
}

}  // namespace hyperconv
