// Function multiversioning: a loop that the compiler vectorises, for several instruction sets.
#pragma once

// Put before a function, which is then compiled for wider vectors too; the best version that the
// machine has is called. Not for lambdas. Since floats are not contracted, all versions give the
// same bits. The thread sanitizer is not there yet when the loader chooses a version: it gets the
// plain one.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HYPERCONV_WIDE [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define HYPERCONV_WIDE
#endif
