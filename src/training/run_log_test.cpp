#include "training/run_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.hpp"
#include "base/testing.hpp"

namespace hyperconv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "tensorboard"))
    files.push_back(entry.path());
  return files;
}

/// Payloads of a TFRecord file, each with both checksums checked.
std::vector<std::string> records_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  std::vector<std::string> records;
  const auto checked = [&](size_t at, size_t size) {
    uint32_t stored = 0;
    std::memcpy(&stored, bytes.data() + at + size, sizeof stored);
    const uint32_t crc = crc32c({bytes.data() + at, size});
    EXPECT_EQ(stored, ((crc >> 15) | (crc << 17)) + 0xa282ead8);
  };
  for (size_t at = 0; at < bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    checked(at, 8);
    checked(at + 12, length);
    records.emplace_back(bytes.begin() + long(at) + 12, bytes.begin() + long(at + 12 + length));
    at += 16 + length;
  }
  return records;
}

// Of RFC 3720, B.4.
TEST(Crc32c, IsCastagnolis) {
  EXPECT_EQ(crc32c(std::vector<uint8_t>(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::vector<uint8_t>(32, 0xff)), 0x62a8ab43u);
}

TEST(RunLog, WritesTableAndEvents) {
  const TemporaryFolder folder;
  {
    RunLog log(folder.path(), 0);
    log.add({.step = 300, .loss = 0.5, .learning_rate = 1e-3, .patches_per_second = 12});
    log.add({.step = 600, .loss = 0.25, .learning_rate = 1e-3, .validation_psnr = 21.5});
  }
  EXPECT_EQ(text_of(folder / "log.csv"),
            "step,loss,learning_rate,gradient_norm,patches_per_second,validation_psnr\n"
            "300,0.5,1.000e-03,0.0000,12.0,\n600,0.25,1.000e-03,0.0000,0.0,21.5000\n");
  const auto files = event_files(folder.path());
  ASSERT_EQ(files.size(), 1u);
  const auto records = records_of(files[0]);
  ASSERT_EQ(records.size(), 1u + 4 + 5);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  // After the wall time's nine bytes: step 300, then summary { value { tag: "loss" value: 0.5 } }.
  EXPECT_EQ(records[1].substr(9),
            std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f", 18));
  EXPECT_THAT(records[9], HasSubstr("validation_psnr"));
}

TEST(RunLog, ARunThatGoesOnForgetsWhatItWillDoAgain) {
  const TemporaryFolder folder;
  {
    RunLog log(folder.path(), 0);
    for (const int64_t step : {10, 20, 30}) log.add({.step = step});
  }
  RunLog log(folder.path(), 20);
  log.add({.step = 30, .loss = 1});
  const std::string table = text_of(folder / "log.csv");
  EXPECT_EQ(std::ranges::count(table, '\n'), 4);
  EXPECT_THAT(table, HasSubstr("\n30,1,"));
}

TEST(RunLog, DrawsItsCurves) {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  RunLog log(folder.path(), 0);
  log.draw_curves();  // nothing to draw yet
  EXPECT_FALSE(std::filesystem::exists(folder / "log.png"));
  for (const int64_t step : {10, 20, 30})
    log.add({.step = step, .loss = 1.0 / double(step), .validation_psnr = 20.0 + double(step)});
  log.draw_curves();
  EXPECT_GT(read_file(folder / "log.png").size(), 5000u);
  EXPECT_THAT(text_of(folder / "log.svg"), HasSubstr("validation"));
  // Without a validation there is no right axis.
  RunLog plain((std::filesystem::create_directory(folder / "b"), folder / "b"), 0);
  for (const int64_t step : {10, 20}) plain.add({.step = step, .loss = 1.0 / double(step)});
  plain.draw_curves();
  EXPECT_GT(read_file(folder / "b/log.png").size(), 5000u);
  EXPECT_THAT(text_of(folder / "b/log.svg"), testing::Not(HasSubstr("validation")));
}

}  // namespace
}  // namespace hyperconv
