// What the shared library shows: what public headers mark, and nothing else.
#pragma once

/// Stands before a function, or a class's name, that other programs may use. All of ours is
/// compiled with -fvisibility=hidden.
#define HYPERCONV_API __attribute__((visibility("default")))
