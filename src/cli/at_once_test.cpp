#include "cli/at_once.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/interrupt.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv::cli {
namespace {

using namespace std::chrono_literals;

TEST(MemoryGate, OnePassesWhateverItNeeds) {
  MemoryGate gate(100);
  EXPECT_NO_THROW(gate.enter(1000));
  EXPECT_NO_THROW(gate.enter(1000)) << "the first has left";
}

TEST(MemoryGate, MorePassAsLongAsThereIsRoom) {
  MemoryGate gate(100);
  auto first = gate.enter(60);
  const auto second = gate.enter(40);
  std::atomic<bool> is_in = false;
  std::jthread third([&] {
    const auto room = gate.enter(50);
    is_in = true;
  });
  std::this_thread::sleep_for(150ms);
  EXPECT_FALSE(is_in) << "only 100 are there";
  first.reset();
  third.join();
  EXPECT_TRUE(is_in);
}

TEST(MemoryGate, WhoWaitsLeavesAtCtrlC) {
  MemoryGate gate(100);
  const auto first = gate.enter(100);
  std::string error;
  std::jthread second([&] {
    try {
      gate.enter(1);
    } catch (const Error& thrown) {
      error = thrown.what();
    }
  });
  set_interrupted(true);
  second.join();
  set_interrupted(false);
  EXPECT_EQ(error, "interrupted");
}

}  // namespace
}  // namespace hyperconv::cli
