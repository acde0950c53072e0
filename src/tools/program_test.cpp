#include "tools/program.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

class Program : public testing::Test {
 protected:
  ProgramCall shell(const std::string& script) const {
    return {"/bin/sh", {"-c", script}, folder_ / "out", folder_ / "err", {}};
  }

  TemporaryFolder folder_;
};

TEST_F(Program, GivesStatusOutputAndErrors) {
  EXPECT_EQ(run_program(shell("echo said; echo wrong >&2; exit 3")), 3);
  EXPECT_EQ(text_of(folder_ / "out"), "said\n");
  EXPECT_EQ(text_of(folder_ / "err"), "wrong\n");
  EXPECT_EQ(run_program(shell("kill -9 $$")), 128 + 9);
}

TEST_F(Program, WithholdsVariables) {
  ::setenv("HYPERCONV_TEST_RANK", "1", 1);
  ProgramCall call = shell("echo ${HYPERCONV_TEST_RANK:-none}${PATH:+ path}");
  EXPECT_EQ(run_program(call), 0);
  EXPECT_EQ(text_of(folder_ / "out"), "1 path\n");
  call.withheld = [](const std::string& name) { return name == "HYPERCONV_TEST_RANK"; };
  EXPECT_EQ(run_program(call), 0);
  EXPECT_EQ(text_of(folder_ / "out"), "none path\n");
  ::unsetenv("HYPERCONV_TEST_RANK");
}

TEST_F(Program, IsToldOnceWhenWeAreInterrupted) {
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    set_interrupted(true);
  });
  const int status =
      run_program(shell("trap 'echo told; exit 5' TERM; while :; do sleep 0.01; done"));
  later.join();
  set_interrupted(false);
  EXPECT_EQ(status, 5);
  EXPECT_EQ(text_of(folder_ / "out"), "told\n");
}

TEST_F(Program, NamesWhatCannotBeRun) {
  ProgramCall call = shell("");
  call.program = folder_ / "nothing";
  EXPECT_THROW(run_program(call), Error);
  call = shell("true");
  call.output = folder_ / "no/such/folder";
  EXPECT_THROW(run_program(call), Error);
}

}  // namespace
}  // namespace hyperconv
