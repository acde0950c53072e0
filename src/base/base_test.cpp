#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>

#include "base/file.hpp"
#include "base/half.hpp"
#include "base/memory.hpp"
#include "base/random.hpp"
#include "base/tensor.hpp"
#include "base/testing.hpp"
#include "base/threads.hpp"
#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  int files() const {
    return int(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TemporaryFolder folder_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  write_file(folder_ / "a.txt", "hello");
  const auto bytes = read_file(folder_ / "a.txt");
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "hello");
  EXPECT_EQ(MappedFile(folder_ / "a.txt").bytes().size(), 5u);
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, UncommittedFileLeavesNothingAndTheOldOneStays) {
  write_file(folder_ / "a.txt", "old");
  {
    PendingFile file(folder_ / "a.txt");
    const uint8_t byte = 1;
    file.write({&byte, 1});
  }
  EXPECT_EQ(files(), 1);
  EXPECT_EQ(read_file(folder_ / "a.txt").size(), 3u);
}

TEST_F(FileTest, FolderAppearsWholeOrNotAtAll) {
  {
    PendingFolder lost(folder_ / "a");
    lost.write("b/c.txt", "text");
    EXPECT_FALSE(fs::exists(folder_ / "a"));
  }
  EXPECT_EQ(files(), 0);
  fs::create_directory(folder_ / "a");
  PendingFolder kept((folder_ / "a").string() + "/");
  kept.write("b/c.txt", "text");
  kept.write("d.txt", std::string());
  EXPECT_TRUE(fs::is_empty(folder_ / "a"));
  kept.commit();
  EXPECT_EQ(read_file(folder_ / "a/b/c.txt").size(), 4u);
  EXPECT_EQ(read_file(folder_ / "a/d.txt").size(), 0u);
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, FolderReplacesNothing) {
  write_file(folder_ / "a.txt", "x");
  EXPECT_THROW(PendingFolder(folder_ / "a.txt"), Error);
  EXPECT_THROW(PendingFolder(folder_.path()), Error);
  EXPECT_THROW(PendingFolder(folder_ / "none/a"), Error);
  EXPECT_THROW(PendingFolder(folder_ / "b").write("b/" + std::string(300, 'n'), "x"), Error);
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, RefusesFoldersAndMissingPlaces) {
  EXPECT_THROW(read_file(folder_.path()), Error);
  EXPECT_THROW(read_file(folder_ / "none"), Error);
  EXPECT_THROW(write_file(folder_.path(), "x"), Error);
  EXPECT_THROW(write_file("/dev/null", "x"), Error);
  EXPECT_THROW(write_file(folder_.path() / "none" / "a.txt", "x"), Error);
}

TEST(Random, IsTheSameEverywhere) {
  Random random(42);
  EXPECT_EQ(random.bits(), 1546998764402558742u);
  EXPECT_EQ(random.bits(), 6990951692964543102u);
}

TEST(Random, NormalHasUnitVariance) {
  Random random(1, 2);
  double sum = 0, squares = 0;
  constexpr int count = 200000;
  for (int i = 0; i < count; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
  }
  // Five standard errors of the mean and of the variance.
  EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(double(count)));
  EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2.0 / count));
}

TEST(Half, AllF16ValuesSurvive) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = f16_to_float(uint16_t(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(float_to_f16(value), bits) << value;
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(f16_to_float(float_to_f16(1.0f + 0x1.0p-11f)), 1.0f);
  EXPECT_EQ(f16_to_float(float_to_f16(1.0f + 0x1.8p-10f)), 1.0f + 0x1.0p-9f);
  EXPECT_EQ(bf16_to_float(float_to_bf16(1.0f + 0x1.0p-8f)), 1.0f);
  EXPECT_EQ(bf16_to_float(float_to_bf16(-3.5f)), -3.5f);
  EXPECT_TRUE(std::isinf(f16_to_float(float_to_f16(1e6f))));
}

TEST(Threads, EveryTaskRunsOnce) {
  for (int count : {1, 2, 3, 7}) {
    Threads threads(count);
    std::vector<std::atomic<int>> hits(1000);
    threads.parallel_for(1000, [&](int64_t i) { ++hits[size_t(i)]; });
    for (const auto& hit : hits) ASSERT_EQ(hit, 1);
  }
}

// A batch of photos makes some for each photo, for hours.
TEST(Threads, MadeAgainAndAgainTheyTakeNoMoreMemory) {
  const auto use = [](int times) {
    for (int i = 0; i < times; ++i) Threads(2).parallel_for(8, [](int64_t) {});
  };
  use(1000);
  const size_t before = peak_resident_bytes();
  use(4000);
  // Some MB are the system's and its other threads' chance; an arena kept for each were far more.
  EXPECT_LT(peak_resident_bytes() - before, 8u << 20);
}

TEST(Threads, HandsOnTheException) {
  Threads threads(3);
  EXPECT_THROW(threads.parallel_for(10,
                                    [](int64_t i) {
                                      if (i == 5) throw Error("five");
                                    }),
               Error);
}

TEST(Arena, IsZeroedAndAligned) {
  const Arena arena(size_t(5) << 20);
  EXPECT_EQ(reinterpret_cast<size_t>(arena.data()) % (size_t(2) << 20), 0u);
  EXPECT_EQ(arena.data()[arena.size() - 1], std::byte{0});
}

TEST(Arena, SaysWhatCannotBeHad) { EXPECT_THROW(Arena(size_t(1) << 60), Error); }

TEST(Tensor, BeginsWithZerosAndIsCopiedByItsValues) {
  for (const Shape& shape : {Shape{1, 2, 3, 5}, Shape{1, 3, 900, 1000}, Shape{0, 1, 2, 3}}) {
    Tensor a(shape);
    EXPECT_EQ(a.size(), size_t(shape.count()));
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data()[i], 0);
    for (size_t i = 0; i < a.size(); ++i) a.data()[i] = float(i);
    Tensor b = a, c;
    c = b;
    if (a.size() > 0) a.data()[0] = -1;
    for (size_t i = 0; i < b.size(); ++i) ASSERT_EQ(c.data()[i], float(i));
    const Tensor moved = std::move(b);
    EXPECT_EQ(moved.shape(), shape);
    EXPECT_EQ(b.shape(), Shape());  // NOLINT: what is left of it is empty
    EXPECT_EQ(b.size(), 0u);
    Tensor empty;
    c = empty;
    EXPECT_EQ(c.size(), 0u);
  }
}

TEST(Tensor, SaysWhatCannotBeHad) { EXPECT_THROW(Tensor({1, 1 << 20, 1 << 20, 1 << 20}), Error); }

}  // namespace
}  // namespace hyperconv
