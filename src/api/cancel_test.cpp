// A caller who watches a call, and ends it.
#include <stdexcept>
#include <thread>

#include "api/api_testing.hpp"
#include "api/call.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "base/watch.hpp"
#include "image/image.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

// Large enough to take more than a callback's interval.
constexpr int width = 2000, height = 1500;

class Cancel : public ApiTest {
 public:
  void develop(const ProgressCallback& progress) {
    develop_.picture({.data = samples_.data(), .width = width, .height = height, .white = 4000},
                     {.data = out_.data(), .width = width, .height = height}, progress);
  }
  void denoise(const ProgressCallback& progress) {
    denoise_.picture({.data = photo_.data(), .width = width, .height = height},
                     {.data = out_.data(), .width = width, .height = height}, {}, progress);
  }

  const std::vector<uint16_t> samples_ = numbers<uint16_t>(width * height, 0, 4000);
  const std::vector<uint8_t> photo_ = numbers<uint8_t>(width * height * 3, 0, 255);
  const std::vector<uint8_t> untouched_ = std::vector<uint8_t>(width * height * 3, 77);
  std::vector<uint8_t> out_ = untouched_;
  Develop develop_{develop_model_};
  Denoise denoise_{denoise_model_};
};

TEST_F(Cancel, AWatchedCallTellsHowFarItHasCome) {
  for (const auto& call : {&Cancel::develop, &Cancel::denoise}) {
    std::vector<double> told;
    const auto caller = std::this_thread::get_id();
    (this->*call)([&](double done) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      told.push_back(done);
      return true;
    });
    EXPECT_EQ(told.front(), 0);
    EXPECT_EQ(told.back(), 1);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_TRUE(std::ranges::any_of(told, [](double done) { return done > 0 && done < 1; }));
    EXPECT_NE(out_, untouched_);
  }
}

TEST_F(Cancel, ACancelledCallWritesNothingAndTheNextOneIsAsEver) {
  for (const auto& call : {&Cancel::develop, &Cancel::denoise}) {
    (this->*call)({});
    const auto want = out_;
    for (const double when : {0.0, 1e-9, 0.2}) {
      out_ = untouched_;
      // Later calls are no longer asked: the first answer decides.
      bool asked = false;
      EXPECT_EQ(code_of([&] {
                  (this->*call)([&](double done) { return !(asked = asked || done >= when); });
                }),
                ErrorCode::cancelled);
      EXPECT_TRUE(asked);
      EXPECT_EQ(out_, untouched_);
    }
    (this->*call)([](double) { return true; });
    EXPECT_EQ(out_, want);
  }
}

TEST_F(Cancel, WhatACallbackThrowsComesOut) {
  int asked = 0;
  EXPECT_THROW(develop([&](double) -> bool {
                 if (++asked == 2) throw std::domain_error("mine");
                 return true;
               }),
               std::domain_error);
  EXPECT_EQ(out_, untouched_);
}

TEST(Turn, WhoWaitsForItCanBeCancelled) {
  std::timed_mutex in_use;
  const std::lock_guard held(in_use);
  Watch watch;
  std::string said;
  std::thread second([&] {
    const WatchedThread watched(&watch);
    said = error_of([&] { Turn{in_use}; });
  });
  watch.cancel();
  second.join();
  EXPECT_EQ(said, "cancelled");
}

TEST_F(Cancel, ACancelledFileIsNotThere) {
  write_image(folder_ / "in.png", painted_scene(width, height));
  int asked = 0;
  EXPECT_EQ(code_of([&] {
              denoise_.file(folder_ / "in.png", folder_ / "out.png", {},
                            [&](double done) { return ++asked < 2 || done == 0; });
            }),
            ErrorCode::cancelled);
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    ++files;
  EXPECT_EQ(files, 3u) << "two models and in.png";
}

TEST(Watch, ReachesTheThreadsThatWorkForItAndNoOthers) {
  Watch watch;
  watch.cancel();
  Threads threads(4);
  const auto work = [&] { threads.parallel_for(100, [](int64_t) { throw_if_interrupted(); }); };
  {
    const WatchedThread watched(&watch);
    EXPECT_EQ(error_of(work), "cancelled");
  }
  work();
  EXPECT_EQ(Watch::current(), nullptr);
}

TEST(Watch, StagesAreWithinOneAnother) {
  Watch watch;
  const WatchedThread watched(&watch);
  {
    const WatchStage half(0.0, 0.5);
    {
      const WatchStage second(int64_t(1), int64_t(2));
      tell_done(1, 2);
      EXPECT_DOUBLE_EQ(watch.done(), 0.375);
      tell_done(0, 2);
      EXPECT_DOUBLE_EQ(watch.done(), 0.375) << "it never falls";
    }
    EXPECT_DOUBLE_EQ(watch.done(), 0.5);
  }
  tell_done(3, 4);
  EXPECT_DOUBLE_EQ(watch.done(), 0.75);
}

}  // namespace
}  // namespace hyperconv
