#include "studies/results.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

Facts row(int number) {
  return {{"name", "run, " + std::to_string(number)}, {"value", std::to_string(number)}};
}

TEST(Results, AreWhatWasAppended) {
  const TemporaryFolder folder;
  const auto path = folder / "r.csv";
  EXPECT_EQ(read_results(path).size(), 0u);
  append_result(path, row(1));
  append_result(path, row(2));
  const Results results = read_results(path);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results.text(1, "name"), "run  2");
  EXPECT_EQ(results.number(0, "value"), 1);
  EXPECT_THROW(results.number(0, "name"), Error);
  EXPECT_THROW(results.text(0, "colour"), Error);
  EXPECT_EQ(results.distinct("value").size(), 2u);
}

TEST(Results, ManyAppendAtOnce) {
  const TemporaryFolder folder;
  const auto path = folder / "r.csv";
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < 8; ++w)
      writers.emplace_back([&, w] {
        for (int i = 0; i < 20; ++i) append_result(path, row(100 * w + i));
      });
  }
  EXPECT_EQ(read_results(path).distinct("value").size(), 160u);
}

TEST(Results, AHalfWrittenLineIsTakenOut) {
  const TemporaryFolder folder;
  const auto path = folder / "r.csv";
  write_file(path, std::string("# by hand\nname,value\nfirst,1\nsecond,2"));
  EXPECT_EQ(read_results(path).size(), 1u);
  append_result(path, row(3));
  const Results results = read_results(path);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results.number(1, "value"), 3);
}

TEST(Results, OtherColumnsAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder / "r.csv";
  write_file(path, std::string("name,size\na,1\n"));
  EXPECT_THROW(append_result(path, row(1)), Error);
  write_file(path, std::string("name,value\na,1,2\n"));
  try {
    read_results(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("line 2"));
  }
}

// By hand: mean 2, deviation 1, t(2 degrees) = 4.303.
TEST(Results, IntervalIsStudents) {
  const Mean mean = mean_of({1, 2, 3});
  EXPECT_DOUBLE_EQ(mean.mean, 2);
  EXPECT_NEAR(mean.interval, 4.303 / std::sqrt(3.0), 1e-6);
  EXPECT_EQ(mean_of({5}).interval, 0);
  EXPECT_EQ(to_text(mean, 2), "2.00 ± 2.48");
  EXPECT_EQ(to_text(mean_of({5}), 1), "5.0");
  EXPECT_EQ(to_text(mean_of({}), 1), "-");
  EXPECT_EQ(mean_of({}).count, 0u);
}

}  // namespace
}  // namespace hyperconv
