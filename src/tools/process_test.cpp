#include "tools/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ProcessTest : public testing::Test {
 protected:
  Process shell(const std::string& script, std::vector<std::string> environment = {}) {
    return Process({.name = "a shell",
                    .arguments = {"/bin/sh", "-c", script},
                    .environment = std::move(environment),
                    .messages = folder_ / "messages"});
  }

  TemporaryFolder folder_;
};

// Zombies count as ended; so does a process that never was.
bool runs(pid_t id) {
  std::ifstream stat("/proc/" + std::to_string(id) + "/stat");
  std::string number, name, state;
  return (stat >> number >> name >> state) && state != "Z" && state != "X";
}

bool ends_soon(pid_t id) {
  for (int i = 0; i < 250 && runs(id); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return !runs(id);
}

TEST_F(ProcessTest, AnswersLineByLine) {
  Process echo = shell("while read -r line; do echo \"<$line>\"; done");
  EXPECT_EQ(echo.ask("one"), "<one>");
  const std::string long_line(100'000, 'x');  // more than a socket takes at once
  EXPECT_EQ(echo.ask(long_line), "<" + long_line + ">");
}

TEST_F(ProcessTest, ReadsLinesThatComeTogether) {
  Process two = shell("printf 'first\\nsecond\\n'; sleep 60");
  EXPECT_EQ(two.read_line(), "first");
  EXPECT_EQ(two.read_line(), "second");
}

TEST_F(ProcessTest, TheGivenEnvironmentGoesBeforeOurs) {
  ASSERT_NE(std::getenv("PATH"), nullptr);
  Process shown = shell("echo $NEW $PATH; echo ${HOME-none}", {"PATH=/changed", "NEW=here"});
  EXPECT_EQ(shown.read_line(), "here /changed");
  const char* home = std::getenv("HOME");
  EXPECT_EQ(shown.read_line(), home == nullptr ? "none" : home);
}

TEST_F(ProcessTest, ToldHowItEnded) {
  Process failing = shell("echo a first word >&2; echo 'no such model' >&2; exit 3");
  EXPECT_THAT(error_of([&] { failing.read_line(); }),
              AllOf(HasSubstr("a shell ended with exit code 3"), HasSubstr("no such model")));
  Process killed = shell("kill -KILL $$");
  EXPECT_THAT(error_of([&] { killed.ask("hello"); }), HasSubstr("memory"));
}

TEST_F(ProcessTest, AMissingProgramIsNamed) {
  EXPECT_THAT(
      error_of([&] {
        Process({.name = "it", .arguments = {"/nowhere/it"}, .messages = folder_ / "messages"});
      }),
      HasSubstr("/nowhere/it"));
}

TEST_F(ProcessTest, WhatItStartedEndsWithIt) {
  pid_t started = 0;
  {
    Process parent = shell("sleep 60 & echo $!; wait");
    started = std::stoi(parent.read_line());
    ASSERT_TRUE(runs(started));
  }
  EXPECT_TRUE(ends_soon(started));
}

TEST_F(ProcessTest, EndsWithUsHoweverWeEnd) {
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t middle = ::fork();
  ASSERT_GE(middle, 0);
  if (middle == 0) {
    Process child = shell("echo $$; while :; do sleep 60; done");
    const pid_t id = std::stoi(child.read_line());
    if (::write(ends[1], &id, sizeof id) < 0) std::_Exit(1);
    for (;;) ::pause();
  }
  pid_t id = 0;
  ASSERT_EQ(::read(ends[0], &id, sizeof id), ssize_t(sizeof id));
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_TRUE(runs(id));
  ::kill(middle, SIGKILL);
  ::waitpid(middle, nullptr, 0);
  EXPECT_TRUE(ends_soon(id));
}

TEST_F(ProcessTest, APausedOneDoesNothing) {
  Process counter = shell("echo ready; while :; do echo x >>" + (folder_ / "count").string() +
                          "; sleep 0.01; done");
  counter.read_line();
  const auto size = [&] {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(folder_ / "count", missing);
    return missing ? 0 : bytes;
  };
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); };
  counter.pause();
  wait();
  const auto paused = size();
  wait();
  EXPECT_EQ(size(), paused);
  counter.resume();
  for (int i = 0; i < 20 && size() == paused; ++i) wait();
  EXPECT_GT(size(), paused);
}

TEST_F(ProcessTest, AnInterruptEndsTheWait) {
  Process silent = shell("sleep 60");
  set_interrupted(true);
  EXPECT_EQ(error_of([&] { silent.read_line(); }), "interrupted");
  set_interrupted(false);
}

class Program : public testing::Test {
 protected:
  ProgramCall shell(const std::string& script) const {
    return {"/bin/sh", {"-c", script}, folder_ / "out", folder_ / "err", {}};
  }

  TemporaryFolder folder_;
};

TEST_F(Program, GivesStatusOutputAndErrors) {
  EXPECT_EQ(run_and_wait(shell("echo said; echo wrong >&2; exit 3")), 3);
  EXPECT_EQ(text_of(folder_ / "out"), "said\n");
  EXPECT_EQ(text_of(folder_ / "err"), "wrong\n");
  EXPECT_EQ(run_and_wait(shell("kill -9 $$")), 128 + 9);
}

TEST_F(Program, WithholdsVariables) {
  ::setenv("HYPERCONV_TEST_RANK", "1", 1);
  ProgramCall call = shell("echo ${HYPERCONV_TEST_RANK:-none}${PATH:+ path}");
  EXPECT_EQ(run_and_wait(call), 0);
  EXPECT_EQ(text_of(folder_ / "out"), "1 path\n");
  call.withheld = [](const std::string& name) { return name == "HYPERCONV_TEST_RANK"; };
  EXPECT_EQ(run_and_wait(call), 0);
  EXPECT_EQ(text_of(folder_ / "out"), "none path\n");
  ::unsetenv("HYPERCONV_TEST_RANK");
}

TEST_F(Program, IsToldOnceWhenWeAreInterrupted) {
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    set_interrupted(true);
  });
  const int status =
      run_and_wait(shell("trap 'echo told; exit 5' TERM; while :; do sleep 0.01; done"));
  later.join();
  set_interrupted(false);
  EXPECT_EQ(status, 5);
  EXPECT_EQ(text_of(folder_ / "out"), "told\n");
}

TEST_F(Program, NamesWhatCannotBeRun) {
  ProgramCall call = shell("");
  call.program = folder_ / "nothing";
  EXPECT_THROW(run_and_wait(call), Error);
  call = shell("true");
  call.output = folder_ / "no/such/folder";
  EXPECT_THROW(run_and_wait(call), Error);
}

std::string message_of(const std::function<std::string()>& work) {
  try {
    run_in_child(work);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Child, ReturnsWhatItsWorkReturned) {
  const std::string long_text(200'000, 'x');  // more than a pipe holds
  EXPECT_EQ(run_in_child([&] { return long_text; }).result, long_text);
  EXPECT_EQ(run_in_child([] { return std::string(); }).result, "");
}

TEST(Child, ItsMemoryIsItsOwn) {
  const size_t before = run_in_child([] { return std::string(); }).peak_resident_bytes;
  const size_t with = run_in_child([] {
                        std::vector<char> memory(64 << 20, 1);
                        return std::string(1, memory[memory.size() / 2]);
                      }).peak_resident_bytes;
  EXPECT_GT(with, before + (60 << 20));
  const size_t after = run_in_child([] { return std::string(); }).peak_resident_bytes;
  EXPECT_LT(after, before + (8 << 20));
}

TEST(Child, ItsErrorsAreOurs) {
  EXPECT_EQ(message_of([]() -> std::string { throw Error("no such photo"); }), "no such photo");
  EXPECT_THAT(message_of([] {
                std::raise(SIGKILL);
                return std::string();
              }),
              HasSubstr("memory"));
  EXPECT_THAT(message_of([]() -> std::string { std::_Exit(3); }), HasSubstr("exit code 3"));
}

}  // namespace
}  // namespace hyperconv
