#include "tools/prefetch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

TEST(Prefetcher, HandsOutInOrderAndKeepsToItsBound) {
  std::atomic<int64_t> made = 0;
  Prefetcher<int64_t> items(
      [&](int64_t i) {
        ++made;
        return i * i;
      },
      5, 3, 4);
  for (int64_t i = 5; i < 200; ++i) {
    EXPECT_EQ(items.next(), i * i);
    EXPECT_LE(made, i - 4 + 4);
  }
}

TEST(Prefetcher, ThrowsWhereTheItemWouldHaveBeen) {
  for (const int workers : {1, 4}) {
    Prefetcher<int> items(
        [](int64_t i) {
          if (i == 3) throw Error("three");
          return int(i);
        },
        0, workers, 8);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(items.next(), i);
    EXPECT_THROW(items.next(), Error);
    EXPECT_THROW(items.next(), Error);
  }
}

TEST(Prefetcher, EndsWithoutBeingEmptied) {
  std::atomic<int> made = 0;
  {
    const Prefetcher<int> items([&](int64_t) { return ++made; }, 0, 2, 3);
    while (made < 3) std::this_thread::yield();
  }
  EXPECT_EQ(made, 3);
}

}  // namespace
}  // namespace hyperconv
