#include "training/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "base/fail.hpp"
#include "training/interfaces.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

int free_port() {
  // Tests run side by side: a range for each process.
  static std::atomic<int> next = 10000 + 20 * int(::getpid() % 1000);
  return next++;
}

/// Ranks as threads of this process: they meet through the loopback interface all the same.
/// What each one says: its body's text or its error's line.
std::vector<std::string> in_a_world(int size, const std::function<std::string(World&)>& body,
                                    int timeout = 20) {
  const int port = free_port();
  std::vector<std::string> said(static_cast<size_t>(size));
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < size; ++rank)
    ranks.emplace_back([&, rank] {
      try {
        World world({Launcher::torchrun, rank, size, rank, "127.0.0.1", port}, {{}, timeout});
        said[size_t(rank)] = world.together([&] { return body(world); });
      } catch (const std::exception& error) {
        said[size_t(rank)] = error.what();
      }
    });
  for (auto& rank : ranks) rank.join();
  return said;
}

TEST(World, AloneNothingIsExchanged) {
  World world;
  torch::Tensor values = torch::ones({2});
  world.sum(values);
  EXPECT_EQ(values[0].item<float>(), 1);
  EXPECT_EQ(world.gather(7), std::vector<int64_t>{7});
  EXPECT_NO_THROW(world.check_same(3, "numbers"));
  EXPECT_EQ(world.together([] { return 5; }), 5);
}

TEST(World, SumsAndGathers) {
  const auto said = in_a_world(3, [](World& world) -> std::string {
    torch::Tensor values = torch::full({5}, double(world.rank() + 1), torch::kFloat64);
    world.sum(values);
    if (!torch::equal(values, torch::full({5}, 6.0, torch::kFloat64))) return "wrong sum";
    if (world.gather(10 * world.rank()) != std::vector<int64_t>{0, 10, 20}) return "wrong order";
    return "good";
  });
  EXPECT_THAT(said, Each("good"));
}

/// Gradients of a [3,2] matrix, of a [4,3] matrix by its factors, of a weight [5] that only rank 1
/// has a gradient of, and of one that nobody has one of.
struct Case {
  std::vector<torch::Tensor> weights{torch::zeros({3, 2}), torch::zeros({4, 3}), torch::zeros({5}),
                                     torch::zeros({7})};
  torch::Tensor left = torch::rand({5, 4}), right = torch::rand({5, 3});
};

/// Rank's part of the five samples when ranks have so many of them.
Gradients part(const Case& c, const std::vector<int64_t>& rows, int rank) {
  Gradients gradients(4);
  int64_t first = 0;
  for (int i = 0; i < rank; ++i) first += rows[size_t(i)];
  const int64_t count = rows[size_t(rank)];
  if (count == 0) return gradients;
  gradients[0] = torch::full({3, 2}, float(count));
  gradients[1] = OuterProducts{c.left.narrow(0, first, count), c.right.narrow(0, first, count)};
  if (rank == 1) gradients[2] = torch::ones({5});
  return gradients;
}

class Shares : public testing::TestWithParam<std::vector<int64_t>> {};

TEST_P(Shares, OfGradientsMakeTheBatchs) {
  const Case c;
  const auto said = in_a_world(int(GetParam().size()), [&](World& world) -> std::string {
    Gradients gradients = part(c, GetParam(), world.rank());
    world.combine(gradients, c.weights);
    if (!torch::equal(std::get<torch::Tensor>(gradients[0]), torch::full({3, 2}, 5.0f)))
      return "wrong sum";
    const auto& products = std::get<OuterProducts>(gradients[1]);
    if (!torch::equal(products.left, c.left) || !torch::equal(products.right, c.right))
      return "wrong factors";
    const auto& single = std::get<torch::Tensor>(gradients[2]);
    if (single.defined() != (GetParam()[1] > 0)) return "wrong presence";
    if (single.defined() && !torch::equal(single, torch::ones({5}))) return "wrong single";
    return std::get<torch::Tensor>(gradients[3]).defined() ? "out of nothing" : "good";
  });
  EXPECT_THAT(said, Each("good"));
}

INSTANTIATE_TEST_SUITE_P(World, Shares,
                         testing::Values(std::vector<int64_t>{3, 2}, std::vector<int64_t>{2, 2, 1},
                                         std::vector<int64_t>{5, 0}, std::vector<int64_t>{0, 5},
                                         std::vector<int64_t>{1, 1, 0, 3}));

TEST(World, EveryRankGetsTheSameBits) {
  std::vector<torch::Tensor> sums(3);
  in_a_world(3, [&](World& world) {
    torch::manual_seed(0);
    torch::Tensor values = torch::rand({1001}) * std::pow(3.0, world.rank());
    world.sum(values);
    sums[size_t(world.rank())] = values;
    return std::string();
  });
  EXPECT_TRUE(torch::equal(sums[0], sums[1]));
  EXPECT_TRUE(torch::equal(sums[0], sums[2]));
}

TEST(World, RanksThatDifferAreNamed) {
  const auto said = in_a_world(4, [](World& world) {
    world.check_same(5, "numbers");
    world.check_same(world.rank() == 1 || world.rank() == 3, "numbers");
    return std::string("went on");
  });
  // Said by one of them, since it is the same on all.
  EXPECT_EQ(std::ranges::count_if(said,
                                  [](const std::string& line) {
                                    return line.find("numbers: ranks 1 and 3 differ from rank 0") !=
                                           std::string::npos;
                                  }),
            1);
  EXPECT_EQ(
      std::ranges::count_if(
          said, [](const std::string& line) { return line.find("stopped, since rank") == 0; }),
      3);
}

TEST(World, AnErrorOnOneRankStopsTheOthers) {
  for (const int failing : {0, 2}) {
    const auto said = in_a_world(3, [&](World& world) -> std::string {
      torch::Tensor value = torch::ones({1});
      world.sum(value);
      if (world.rank() == failing) throw Error("photo.png: is no picture");
      world.sum(value);
      return "went on";
    });
    for (int rank = 0; rank < 3; ++rank)
      EXPECT_EQ(said[size_t(rank)],
                rank == failing
                    ? fmt::format("rank {}: photo.png: is no picture", failing)
                    : fmt::format("stopped, since rank {} failed; its own line says why", failing));
  }
}

TEST(World, ARankThatDoesNotComeToAnExchangeIsNamed) {
  const auto said = in_a_world(
      3,
      [](World& world) -> std::string {
        torch::Tensor value = torch::ones({1});
        world.sum(value);
        // Alive, but busy with something else for longer than the others wait.
        if (world.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(9));
        world.sum(value);
        return "went on";
      },
      // Long enough for all to find one another on a machine with other work.
      4);
  EXPECT_THAT(said, Each(HasSubstr("rank 1 did not come to an exchange within 4 s")));
}

TEST(World, ARankThatDoesNotComeAtAllIsNamed) {
  const int port = free_port();
  try {
    World({Launcher::torchrun, 0, 3, 0, "127.0.0.1", port}, {{}, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ranks 1 and 2 did not come within 1 s"));
  }
  try {
    World({Launcher::torchrun, 1, 3, 1, "127.0.0.1", port}, {{}, 1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("rank 1 cannot reach rank 0 at 127.0.0.1:"), Not(HasSubstr("\n"))));
  }
}

TEST(World, ARankThatIsTakenIsNotTakenAgain) {
  const int port = free_port();
  std::atomic<bool> refused = false;
  std::string line;
  const auto be = [&](int rank) {
    try {
      World world({Launcher::torchrun, rank, 2, rank, "127.0.0.1", port}, {{}, 20});
      world.together([&] {
        for (int i = 0; i < 1000 && !refused; ++i)
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return 0;
      });
    } catch (const Error& error) {
      line = error.what();
      refused = true;
    }
  };
  std::thread first(be, 0), second(be, 1), third(be, 1);
  for (std::thread* rank : {&first, &second, &third}) rank->join();
  EXPECT_THAT(line, HasSubstr("another process is rank 1 already"));
}

TEST(World, CoresAreShared) {
  std::vector<int> cores(2);
  in_a_world(2, [&](World& world) {
    cores[size_t(world.rank())] = world.cores_a_rank();
    return std::string();
  });
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  EXPECT_EQ(cores[0], std::max(1, CPU_COUNT(&mask) / 2));
  EXPECT_EQ(cores[1], cores[0]);
}

TEST(Interfaces, LoopbackLeadsToItself) {
  const auto here = address_towards("127.0.0.1");
  EXPECT_EQ(here.address, "127.0.0.1");
  EXPECT_TRUE(here.is_loopback);
  EXPECT_EQ(address_of(here.interface).address, "127.0.0.1");
  EXPECT_EQ(address_towards("127.0.1.1").interface, here.interface);
}

TEST(Interfaces, WhatIsNotThereIsNamedWithWhatIs) {
  try {
    address_of("none0");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("none0"), HasSubstr("lo (127.0.0.1)")));
  }
  EXPECT_THROW(address_towards("no-such-host.invalid"), Error);
}

}  // namespace
}  // namespace hyperconv
