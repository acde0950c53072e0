// What the tests of this room need. Not part of the library.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/random.hpp"
#include "base/testing.hpp"
#include "hyperconv/hyperconv.hpp"
#include "network/zoo.hpp"

namespace hyperconv {

/// Small networks in files, and a folder that is gone with the test.
class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    save(develop_model_, make_network("develop-16", {.width = 4, .hidden = 3}), Task::develop);
    save(denoise_model_, small_denoiser({.width = 4, .hidden = 3}), Task::denoise);
  }

  TemporaryFolder folder_;
  const std::filesystem::path develop_model_ = folder_ / "develop.safetensors";
  const std::filesystem::path denoise_model_ = folder_ / "denoise.safetensors";

 private:
  static void save(const std::filesystem::path& path, const Graph& graph, Task task) {
    save_model(path, untrained(graph, {.task = task, .name = "tiny", .summary = "none"}, 3),
               Precision::f32);
  }
};

/// Numbers that all differ from their neighbours, in [least, most].
template <class Sample>
std::vector<Sample> numbers(size_t count, double least, double most) {
  Random random(5);
  std::vector<Sample> samples(count);
  for (Sample& sample : samples) {
    const double share = double(random.bits() % 10000) / 9999;
    sample = Sample(least + (most - least) * share);
  }
  return samples;
}

/// A picture of this many samples that nobody has written into.
inline const std::vector<uint16_t>& untouched() {
  static const std::vector<uint16_t> samples(64 * 48 * 4, 0xabcd);
  return samples;
}

/// The code that `action` fails with; the line must be one.
inline ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_STRNE(error.what(), "");
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

}  // namespace hyperconv
