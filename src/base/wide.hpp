// A loop that the compiler turns into vectors by itself, built for several instruction sets.
#pragma once

// Put before a function: it is compiled for wide vectors too, and the machine's best is called. Not
// for lambdas; without contraction of floats all give the same bits.
#if defined(__x86_64__)
#define HYPERCONV_WIDE [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define HYPERCONV_WIDE
#endif
