#include "tools/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

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
