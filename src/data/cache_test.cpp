#include "data/cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/interrupt.hpp"
#include "data/data_testing.hpp"
#include "data/sampler.hpp"
#include "data/source.hpp"
#include "tools/hash.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

void expect_same(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.channels, b.channels);
  // A mosaic may have become shorter; its values may not.
  const auto wide = [](const Image& image) {
    return std::visit([](const auto& s) { return std::vector<uint16_t>(s.begin(), s.end()); },
                      image.samples);
  };
  EXPECT_EQ(wide(a), wide(b));
}

constexpr size_t trailer_size = 24;

/// Where the index begins: the first figure of the trailer.
uint64_t index_start(const std::vector<uint8_t>& cache) {
  uint64_t start = 0;
  std::memcpy(&start, cache.data() + cache.size() - trailer_size, sizeof start);
  return start;
}

int64_t index_and_trailer(const std::vector<uint8_t>& cache) {
  return int64_t(cache.size() - index_start(cache));
}

/// The first `from` of the index becomes `to`, and size and hash are made to fit.
std::vector<uint8_t> with_index_changed(const std::vector<uint8_t>& cache, const std::string& from,
                                        const std::string& to) {
  const uint64_t start = index_start(cache);
  std::string index(cache.begin() + std::ptrdiff_t(start), cache.end() - trailer_size);
  const size_t place = index.find(from);
  EXPECT_NE(place, std::string::npos) << index;
  index.replace(place, from.size(), to);
  const uint64_t trailer[] = {start, index.size(), hash_of(index)};
  std::vector<uint8_t> changed(cache.begin(), cache.begin() + std::ptrdiff_t(start));
  changed.insert(changed.end(), index.begin(), index.end());
  const auto* bytes = reinterpret_cast<const uint8_t*>(trailer);
  changed.insert(changed.end(), bytes, bytes + trailer_size);
  return changed;
}

class Cache : public testing::Test {
 protected:
  Cache() { put_zrr(folder_ / "set", 5); }
  PairSet set() const { return find_pairs(folder_ / "set"); }
  PairSet cached() { return cached_pairs(set(), cache_, threads_); }
  fs::path raw(int i) const { return folder_ / ("set/huawei_raw/" + std::to_string(i) + ".png"); }
  std::vector<uint8_t> bytes() const { return read_file(cache_); }

  Threads threads_{3};
  TemporaryFolder folder_;
  fs::path cache_ = folder_ / "cache";
};

TEST_F(Cache, HoldsTheSamePairs) {
  // Small values, which are stored in 8 bits, and a photo of 16.
  put_picture(raw(5), random_picture<uint16_t>(8, 6, 1, 255, 1));
  put_picture(folder_ / "set/canon/5.jpg", random_photo(8, 6, 2));
  put_picture(folder_ / "deep/input/a.png", random_picture<uint16_t>(5, 7, 3, 65535, 3));
  put_picture(folder_ / "deep/target/a.png", random_photo(5, 7, 4));
  for (const char* name : {"set", "deep"}) {
    const PairSet original = find_pairs(folder_ / name);
    const PairSet cached =
        cached_pairs(original, folder_ / (name + std::string(".cache")), threads_);
    EXPECT_EQ(cached.layout(), original.layout());
    EXPECT_EQ(cached.folder(), original.folder());
    ASSERT_EQ(cached.size(), original.size());
    for (size_t i = 0; i < original.size(); ++i) {
      EXPECT_EQ(cached.name(i), original.name(i));
      const Pair a = original.decode(i), b = cached.decode(i);
      EXPECT_EQ(b.name, a.name);
      expect_same(a.input, b.input);
      expect_same(a.target, b.target);
      EXPECT_EQ(values(original.read(i).input), values(cached.read(i).input));
    }
  }
}

TEST_F(Cache, GivesTheSamePatches) {
  const auto patches = [](const PairSet& pairs) {
    const PairSampler sampler(pairs, {.patch = 4, .seed = 2});
    std::vector<std::vector<float>> found;
    for (int64_t i = 0; i < 40; ++i)
      found.push_back(values(to_tensors(sampler.sample(i), pairs.kind()).input));
    return found;
  };
  EXPECT_EQ(patches(set()), patches(cached()));
}

TEST_F(Cache, IsTheSameFileWithAnyNumberOfThreadsAndIsNotRemade) {
  cached();
  const auto first = bytes();
  const auto time = fs::last_write_time(cache_);
  cached();
  EXPECT_EQ(fs::last_write_time(cache_), time);
  fs::remove(cache_);
  Threads one(1);
  cached_pairs(set(), cache_, one);
  EXPECT_EQ(bytes(), first);
}

TEST_F(Cache, IsRemadeWhenTheFolderChanges) {
  EXPECT_EQ(cached().size(), 5u);
  // Another size.
  put_picture(raw(3), random_mosaic(8, 6, 77));
  expect_same(cached().decode(3).input, random_mosaic(8, 6, 77));
  // Another time only.
  const auto before = bytes();
  fs::last_write_time(raw(2), fs::last_write_time(raw(2)) + std::chrono::seconds(1));
  cached();
  EXPECT_NE(bytes(), before);
  // A pair more.
  put_picture(raw(5), random_mosaic(8, 6, 1));
  put_picture(folder_ / "set/canon/5.jpg", random_photo(8, 6, 2));
  EXPECT_EQ(cached().size(), 6u);
}

TEST_F(Cache, ADamagedCacheIsRemade) {
  cached();
  const auto sound = bytes();
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    auto broken = sound;
    // The index and what is behind it; samples have no hash.
    const auto place = int64_t(broken.size()) - 1 - random.below(index_and_trailer(sound));
    if (i % 2 == 0)
      broken[size_t(place)] ^= uint8_t(1 << random.below(8));
    else
      broken.resize(size_t(place));
    write_file(cache_, broken);
    cached();
    EXPECT_EQ(bytes(), sound);
  }
}

TEST_F(Cache, AnIndexThatLiesIsRemade) {
  // Even with the right hash, its figures must not lead outside the file.
  cached();
  const auto sound = bytes();
  for (const auto& [from, to] :
       {std::pair("[8,6,1,16,", "[9,6,1,16,"), std::pair("[8,6,3,8,", "[8,6,3,9,"),
        std::pair("[8,6,3,8,", "[8,6,4,8,"), std::pair("[8,6,3,8,", "[8,0,3,8,"),
        std::pair("[8,6,3,8,", "[8,6,3,8,9"), std::pair("[8,6,3,8,", "[8,6,3,8,-"),
        std::pair("[8,6,1,16,", "[8,6,3,16,"), std::pair("\"version\":2", "\"version\":1"),
        std::pair("\"pairs\"", "\"pears\"")}) {
    write_file(cache_, with_index_changed(sound, from, to));
    EXPECT_NO_THROW(cached()) << to;
    EXPECT_EQ(bytes(), sound) << to;
  }
}

TEST_F(Cache, KnowsDamagedPairs) {
  put_zrr(folder_ / "set", 150);
  write_file(raw(7), std::string());
  const PairSet pairs = cached();
  const std::string line = error_of([&] { pairs.decode(7); });
  EXPECT_THAT(line, AllOf(HasSubstr("huawei_raw/7.png"), HasSubstr("empty")));
  EXPECT_EQ(pairs.visible_damage(7), line);
  EXPECT_FALSE(pairs.visible_damage(8));
  write_file(raw(9), std::string());
  const auto before = bytes();
  EXPECT_THAT(error_of([&] { cached(); }), HasSubstr("2 of 150"));
  EXPECT_EQ(bytes(), before);
}

TEST_F(Cache, ReplacesNothingThatIsNoCache) {
  write_file(cache_, std::string("my diary"));
  EXPECT_THAT(error_of([&] { cached(); }), HasSubstr("no cache"));
  EXPECT_EQ(bytes().size(), 8u);
  EXPECT_THAT(error_of([&] { cached_pairs(set(), folder_ / "none/cache", threads_); }),
              HasSubstr("none"));
}

TEST_F(Cache, InterruptedLeavesNothing) {
  set_interrupted(true);
  EXPECT_THAT(error_of([&] { cached(); }), HasSubstr("interrupted"));
  set_interrupted(false);
  EXPECT_FALSE(fs::exists(cache_));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

// Of many pairs some may be damaged; this one is not, and the cache would say so for ever.
TEST_F(Cache, InterruptedInItsLastPairLeavesNothing) {
  put_zrr(folder_ / "set", 150);
  const std::string error =
      error_of([&] { cached_pairs(InterruptedAtItsEnd::of(set()), cache_, threads_); });
  set_interrupted(false);
  EXPECT_EQ(error, "interrupted");
  EXPECT_FALSE(fs::exists(cache_));
}

}  // namespace
}  // namespace hyperconv
