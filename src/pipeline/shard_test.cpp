#include "pipeline/shard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

Shard shard_of(const Variables& variables) {
  return shard_from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string error_of(const Variables& variables) {
  try {
    shard_of(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Shard, SharesCoverTheListOnce) {
  for (int64_t item = 0; item < 20; ++item) {
    int owners = 0;
    for (int64_t index = 0; index < 3; ++index) owners += Shard{index, 3}.has(item) ? 1 : 0;
    EXPECT_EQ(owners, 1);
  }
  EXPECT_TRUE(Shard{}.has(7));
}

TEST(Shard, IsReadFromText) {
  const Shard shard = shard_from_string("2/8");
  EXPECT_EQ(shard.index, 1);
  EXPECT_EQ(shard.count, 8);
  EXPECT_EQ(to_string(shard), "2/8");
  for (const char* text : {"", "2", "0/8", "9/8", "a/b", "2/8/3", "-1/2", "1/"})
    EXPECT_THROW(shard_from_string(text), Error) << text;
}

TEST(Shard, IsFoundWithEveryLauncher) {
  EXPECT_TRUE(shard_of({}).is_all());
  const auto expect = [](const Variables& variables, int64_t index, int64_t count) {
    const Shard shard = shard_of(variables);
    EXPECT_EQ(shard.index, index);
    EXPECT_EQ(shard.count, count);
  };
  expect({{"RANK", "1"}, {"WORLD_SIZE", "4"}}, 1, 4);
  expect({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 0, 2);
  expect({{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "3"}}, 2, 3);
  // A batch script, in which srun has started nothing.
  expect({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "3"}}, 0, 1);
  expect({{"SLURM_ARRAY_TASK_ID", "12"},
          {"SLURM_ARRAY_TASK_MIN", "10"},
          {"SLURM_ARRAY_TASK_COUNT", "5"},
          {"SLURM_PROCID", "0"},
          {"SLURM_STEP_NUM_TASKS", "1"}},
         2, 5);
}

TEST(Shard, VariablesThatMakeNoSenseAreNamed) {
  EXPECT_THAT(error_of({{"RANK", "1"}}), HasSubstr("WORLD_SIZE"));
  EXPECT_THAT(error_of({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), HasSubstr("'x'"));
  EXPECT_THAT(error_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), HasSubstr("beyond"));
}

}  // namespace
}  // namespace hyperconv
