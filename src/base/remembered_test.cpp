#include "base/remembered.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// A cache folder of the test's own.
class Remembered : public testing::Test {
 protected:
  Remembered() { ::setenv("HYPERCONV_CACHE", (folder_ / "cache").c_str(), 1); }
  ~Remembered() override { ::unsetenv("HYPERCONV_CACHE"); }

  TemporaryFolder folder_;
};

TEST_F(Remembered, KeepsTheLastValueOfEachKey) {
  EXPECT_EQ(remembered("speed"), std::nullopt);
  remember("speed", "slow");
  remember("other key, with words", "12.5 of 13");
  remember("speed", "fast");
  EXPECT_EQ(remembered("speed"), "fast");
  EXPECT_EQ(remembered("other key, with words"), "12.5 of 13");
  EXPECT_EQ(remembered("spee"), std::nullopt);
  const auto bytes = read_file(folder_ / "cache" / "measured");
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()),
            "other key, with words\t12.5 of 13\nspeed\tfast\n");
}

TEST_F(Remembered, WhatIsNoLineOfItsOwnIsPassedOver) {
  fs::create_directory(folder_ / "cache");
  write_file(folder_ / "cache" / "measured", std::string("no tab\n\n\tno key\nspeed\tfast"));
  EXPECT_EQ(remembered("speed"), "fast");
  EXPECT_EQ(remembered("no tab"), std::nullopt);
  write_file(folder_ / "cache" / "measured", std::string((1 << 16) + 1, 'x'));
  EXPECT_EQ(remembered("speed"), std::nullopt);
}

TEST_F(Remembered, AFolderThatCannotBeUsedIsNoError) {
  write_file(folder_ / "cache", std::string("a file is there"));
  remember("speed", "fast");
  EXPECT_EQ(remembered("speed"), std::nullopt);
}

TEST_F(Remembered, AnEmptyNameKeepsNothing) {
  ::setenv("HYPERCONV_CACHE", "", 1);
  remember("speed", "fast");
  EXPECT_EQ(remembered("speed"), std::nullopt);
  EXPECT_FALSE(fs::exists(folder_ / "cache"));
}

TEST_F(Remembered, LiesInTheUsersCacheFolder) {
  ::unsetenv("HYPERCONV_CACHE");
  const char* const before = std::getenv("XDG_CACHE_HOME");
  const std::string was = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  remember("speed", "fast");
  EXPECT_EQ(remembered("speed"), "fast");
  EXPECT_TRUE(fs::exists(folder_ / "hyperconv" / "measured"));
  if (before == nullptr)
    ::unsetenv("XDG_CACHE_HOME");
  else
    ::setenv("XDG_CACHE_HOME", was.c_str(), 1);
}

}  // namespace
}  // namespace hyperconv
