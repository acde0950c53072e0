// Every layout, on a small set made in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/damage.hpp"
#include "data/data_testing.hpp"
#include "data/pairs.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const PairSet& set) {
  std::vector<std::string> result;
  for (size_t i = 0; i < set.size(); ++i) result.push_back(set.name(i));
  return result;
}

class FindPairs : public testing::Test {
 protected:
  PairSet find(Split split = Split::train) const { return find_pairs(folder_.path(), split); }
  std::string error(Split split = Split::train) const {
    return error_of([&] { find(split); });
  }
  TemporaryFolder folder_;
};

// ---- Zurich RAW-to-DSLR

TEST_F(FindPairs, ZrrComesInTwoPartsAndNaturalOrder) {
  put_zrr(folder_ / "train", 12);
  put_zrr(folder_ / "test", 2);
  const PairSet train = find(Split::train);
  EXPECT_EQ(train.layout(), Layout::zrr);
  EXPECT_EQ(train.folder(), folder_ / "train");
  EXPECT_THAT(names(train),
              ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"));
  EXPECT_THAT(names(find(Split::test)), ElementsAre("0", "1"));
  const auto parts = find_splits(folder_.path());
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].split, Split::train);
  EXPECT_EQ(parts[0].set.size(), 12u);
  EXPECT_EQ(parts[1].split, Split::test);
  EXPECT_EQ(parts[1].set.size(), 2u);
  ASSERT_EQ(find_splits(folder_ / "test").size(), 1u);
  EXPECT_FALSE(find_splits(folder_ / "test")[0].split);
  // A part may be named itself; then there is only one.
  EXPECT_EQ(find_pairs(folder_ / "test", Split::train).size(), 2u);
}

TEST_F(FindPairs, ZrrIsPackedAndScaledByTenBitUnits) {
  // Two cells beside each other.
  put_picture(folder_ / "huawei_raw/7.png",
              Image{4, 2, 1, std::vector<uint16_t>{51, 102, 1020, 0, 204, 510, 5, 1023}, {}});
  put_picture(folder_ / "canon/7.jpg", Image{4, 2, 3, std::vector<uint8_t>(24, 128), {}});
  const PairSet set = find();
  EXPECT_TRUE(set.is_mosaic());
  const TensorPair pair = set.read(0);
  EXPECT_EQ(pair.input.shape(), (Shape{1, 4, 1, 2}));
  EXPECT_EQ(pair.target.shape(), (Shape{1, 3, 2, 4}));
  const auto f = [](int v) { return float(v) / 1020; };
  // B, Gb, R, Gr
  EXPECT_THAT(values(pair.input), ElementsAre(f(510), f(1023), f(102), f(0),  //
                                              f(51), f(1020), f(204), f(5)));
  EXPECT_THAT(values(pair.target), testing::Each(128.f / 255));
}

TEST_F(FindPairs, ZrrTakesEightBitsForTheSameUnitsAsSixteen) {
  const Image flat = random_picture<uint8_t>(8, 6, 1, 255, 1);
  const auto& samples = std::get<std::vector<uint8_t>>(flat.samples);
  const Image deep{8, 6, 1, std::vector<uint16_t>(samples.begin(), samples.end()), {}};
  put_picture(folder_ / "huawei_raw/0.png", flat);
  put_picture(folder_ / "huawei_raw/1.png", deep);
  for (const char* name : {"canon/0.jpg", "canon/1.jpg"})
    put_picture(folder_ / name, random_photo(8, 6, 2));
  const PairSet set = find();
  const Tensor eight = set.read(0).input, sixteen = set.read(1).input;
  EXPECT_EQ(values(eight), values(sixteen));
  EXPECT_EQ(eight.at(0, 2, 0, 0), float(samples[0]) / 1020);
}

TEST_F(FindPairs, SimulatedZrrSaysThatItIs) {
  put_zrr(folder_ / "train", 1);
  put_text(folder_ / "simzrr.json", "{}");
  EXPECT_EQ(find().layout(), Layout::simzrr);
  EXPECT_EQ(find_pairs(folder_ / "train").layout(), Layout::simzrr);
}

TEST_F(FindPairs, HalfAZrrSaysWhichHalfIsMissing) {
  fs::create_directories(folder_ / "train/huawei_raw");
  EXPECT_THAT(error(), AllOf(HasSubstr("train/canon"), HasSubstr("missing")));
  fs::create_directories(folder_ / "train/canon");
  EXPECT_THAT(error(), AllOf(HasSubstr("train"), HasSubstr("no N.png")));
}

TEST_F(FindPairs, DamagedZrrPairsAreNamed) {
  put_zrr(folder_.path(), 8);
  const auto raw = [&](const char* name) { return folder_ / "huawei_raw" / name; };
  fs::remove(folder_ / "canon/0.jpg");
  fs::remove(raw("1.png"));
  write_file(folder_ / "canon/2.jpg", std::string());
  put_picture(raw("3.png"), random_mosaic(8, 8, 1));
  put_picture(raw("4.png"), random_picture<uint16_t>(8, 6, 1, 65535, 1));
  put_picture(raw("5.png"), random_photo(8, 6, 1));
  auto bytes = read_file(raw("6.png"));
  bytes.resize(bytes.size() - 20);
  write_file(raw("6.png"), bytes);
  const PairSet set = find();
  ASSERT_EQ(set.size(), 8u);
  const auto line = [&](size_t i) { return error_of([&] { set.decode(i); }); };
  EXPECT_THAT(line(0), AllOf(HasSubstr("huawei_raw/0.png"), HasSubstr("canon/0.jpg is missing")));
  EXPECT_THAT(line(1), AllOf(HasSubstr("canon/1.jpg"), HasSubstr("huawei_raw/1.png is missing")));
  EXPECT_THAT(line(2), AllOf(HasSubstr("canon/2.jpg"), HasSubstr("empty")));
  EXPECT_THAT(line(3), AllOf(HasSubstr("huawei_raw/3.png"), HasSubstr("8x8"), HasSubstr("8x6")));
  EXPECT_THAT(line(4), AllOf(HasSubstr("huawei_raw/4.png"), HasSubstr("10 bits")));
  EXPECT_THAT(line(5), AllOf(HasSubstr("huawei_raw/5.png"), HasSubstr("3 channels")));
  EXPECT_THAT(line(6), AllOf(HasSubstr("huawei_raw/6.png"), HasSubstr("truncated")));
  EXPECT_NO_THROW(set.decode(7));
  // What needs no decoding is seen without it.
  for (const size_t i : {0, 1, 2}) EXPECT_EQ(set.visible_damage(i), line(i));
  for (const size_t i : {3, 4, 5, 6, 7}) EXPECT_FALSE(set.visible_damage(i));
}

TEST_F(FindPairs, OddMosaicsAreNone) {
  put_picture(folder_ / "huawei_raw/0.png", random_mosaic(8, 5, 1));
  put_picture(folder_ / "canon/0.jpg", random_photo(8, 5, 1));
  EXPECT_THAT(error_of([&] { find().decode(0); }), HasSubstr("even"));
}

// ---- SIDD

TEST_F(FindPairs, SiddSmall) {
  for (const char* scene : {"0002_001_S6_00100_00020_3200_N", "0001_001_S6_00100_00060_3200_L"})
    for (const char* half : {"NOISY_SRGB_010.PNG", "GT_SRGB_010.PNG"})
      put_picture(folder_ / "Data" / scene / half, random_photo(6, 4, half[0]));
  const PairSet set = find();
  EXPECT_EQ(set.layout(), Layout::sidd_srgb);
  EXPECT_FALSE(set.is_mosaic());
  EXPECT_THAT(names(set), ElementsAre("0001_001_S6_00100_00060_3200_L/010",
                                      "0002_001_S6_00100_00020_3200_N/010"));
  const TensorPair pair = set.read(1);
  EXPECT_EQ(pair.input.shape(), (Shape{1, 3, 4, 6}));
  const Image noisy = random_photo(6, 4, 'N');
  const std::vector<float> interleaved = to_float(noisy);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < 24; ++i)
      EXPECT_EQ(pair.input.data()[c * 24 + i], interleaved[size_t(3 * i + c)]);
  // Without the level Data, and from its parent.
  EXPECT_EQ(find_pairs(folder_ / "Data").size(), 2u);
}

TEST_F(FindPairs, SiddMediumHasTwoPairsAScene) {
  const fs::path scene = folder_ / "Data/0001_001_S6_00100_00060_3200_L";
  for (const char* name : {"0001_NOISY_SRGB_010.PNG", "0001_GT_SRGB_010.PNG",
                           "0001_NOISY_SRGB_011.PNG", "0001_GT_SRGB_011.PNG"})
    put_picture(scene / name, random_photo(4, 4, name[6]));
  fs::create_directories(folder_ / "Data/0002_001_S6_00100_00020_3200_N");
  put_picture(folder_ / "Data/0003_001_S6_00100_00060_3200_H/0003_NOISY_SRGB_010.PNG",
              random_photo(4, 4, 1));
  const PairSet set = find();
  EXPECT_THAT(
      names(set),
      ElementsAre("0001_001_S6_00100_00060_3200_L/010", "0001_001_S6_00100_00060_3200_L/011",
                  "0002_001_S6_00100_00020_3200_N", "0003_001_S6_00100_00060_3200_H/010"));
  EXPECT_NO_THROW(set.decode(0));
  EXPECT_NO_THROW(set.decode(1));
  EXPECT_THAT(error_of([&] { set.decode(2); }), HasSubstr("0002_001_S6_00100_00020_3200_N"));
  EXPECT_THAT(error_of([&] { set.decode(3); }), HasSubstr("0003_GT_SRGB_010.PNG is missing"));
}

TEST_F(FindPairs, SiddHasEightBits) {
  const fs::path scene = folder_ / "0001_001_S6_00100_00060_3200_L";
  put_picture(scene / "NOISY_SRGB_010.PNG", random_picture<uint16_t>(4, 4, 3, 65535, 1));
  put_picture(scene / "GT_SRGB_010.PNG", random_photo(4, 4, 1));
  EXPECT_THAT(error_of([&] { find().decode(0); }), HasSubstr("16 bits"));
}

// ---- Plain pairs

TEST_F(FindPairs, TwoFolders) {
  put_picture(folder_ / "Input/b.png", random_picture<uint16_t>(5, 3, 3, 65535, 1));
  put_picture(folder_ / "target/b.jpg", random_photo(5, 3, 2));
  put_picture(folder_ / "Input/a.png", random_picture<uint8_t>(5, 3, 1, 255, 3));
  put_picture(folder_ / "target/a.tif", random_photo(5, 3, 4));
  put_picture(folder_ / "target/c.png", random_photo(5, 3, 4));
  const PairSet set = find();
  EXPECT_EQ(set.layout(), Layout::folders);
  EXPECT_THAT(names(set), ElementsAre("a", "b", "c"));
  const TensorPair grey = set.read(0);
  for (int64_t c = 1; c < 3; ++c)
    for (int64_t x = 0; x < 5; ++x) EXPECT_EQ(grey.input.at(0, c, 1, x), grey.input.at(0, 0, 1, x));
  EXPECT_THAT(values(set.read(1).input), testing::Each(testing::Le(1.f)));
  EXPECT_THAT(error_of([&] { set.decode(2); }),
              AllOf(HasSubstr("c.png"), HasSubstr("Input/c.*"), HasSubstr("missing")));
}

TEST_F(FindPairs, AnyLayoutMayComeInParts) {
  put_picture(folder_ / "val/lq/a.png", random_photo(4, 4, 1));
  put_picture(folder_ / "val/gt/a.png", random_photo(4, 4, 2));
  EXPECT_EQ(find(Split::test).folder(), folder_ / "val");
  EXPECT_THAT(error(Split::train), HasSubstr("train/ (which is not there)"));
}

TEST_F(FindPairs, OneStemTwiceIsNoPair) {
  for (const char* name : {"noisy/a.png", "noisy/a.jpg", "clean/a.png"})
    put_picture(folder_ / name, random_photo(4, 4, 1));
  EXPECT_THAT(error_of([&] { find().decode(0); }), HasSubstr("which of them"));
}

TEST_F(FindPairs, Suffixes) {
  put_picture(folder_ / "Canon_2_Real.png", random_photo(4, 4, 1));
  put_picture(folder_ / "Canon_2_mean.PNG", random_photo(4, 4, 2));
  put_picture(folder_ / "Canon_10_real.JPG", random_photo(4, 4, 1));
  put_picture(folder_ / "Canon_10_mean.JPG", random_photo(4, 4, 2));
  const PairSet set = find();
  EXPECT_EQ(set.layout(), Layout::suffixes);
  EXPECT_THAT(names(set), ElementsAre("Canon_2", "Canon_10"));
  EXPECT_NO_THROW(set.decode(0));
  EXPECT_NO_THROW(set.decode(1));
}

TEST_F(FindPairs, TransparencyIsRefused) {
  put_picture(folder_ / "a_real.png", random_picture<uint8_t>(4, 4, 4, 255, 1));
  put_picture(folder_ / "a_mean.png", random_photo(4, 4, 2));
  EXPECT_THAT(error_of([&] { find().decode(0); }), AllOf(HasSubstr("a_real"), HasSubstr("alpha")));
}

// ---- Headerless

TEST_F(FindPairs, Rhid) {
  std::vector<uint8_t> bytes(512 * 512 * 2, 0);
  bytes[0] = 0xff, bytes[1] = 0x0f;  // red of the first cell
  write_file(folder_ / "8_1.raw", bytes);
  put_picture(folder_ / "8_1.png", random_photo(512, 512, 1));
  bytes.pop_back();
  write_file(folder_ / "8_2.raw", bytes);
  put_picture(folder_ / "8_2.png", random_photo(512, 512, 1));
  const PairSet set = find();
  EXPECT_EQ(set.layout(), Layout::rhid);
  const Tensor input = set.read(0).input;
  EXPECT_EQ(input.shape(), (Shape{1, 4, 256, 256}));
  EXPECT_EQ(input.at(0, 2, 0, 0), 1.f);
  EXPECT_EQ(input.at(0, 0, 0, 0), 0.f);
  EXPECT_THAT(error_of([&] { set.decode(1); }), AllOf(HasSubstr("8_2.raw"), HasSubstr("524287")));
}

// ---- None

TEST_F(FindPairs, NothingSaysWhatWasLookedFor) {
  EXPECT_THAT(error(), AllOf(HasSubstr(folder_.path().string()), HasSubstr("huawei_raw"),
                             HasSubstr("NOISY_SRGB"), HasSubstr("train/ (which is not there)")));
  EXPECT_THAT(error_of([&] { find_splits(folder_.path()); }), HasSubstr("validation/"));
  fs::create_directories(folder_ / "test");
  EXPECT_THAT(error(Split::test), HasSubstr("or in test/, val/ (which is not there)"));
  EXPECT_THAT(error_of([&] { find_pairs(folder_ / "none"); }), HasSubstr("none"));
  write_file(folder_ / "file", std::string("x"));
  EXPECT_THAT(error_of([&] { find_pairs(folder_ / "file"); }), HasSubstr("no folder"));
}

// ---- Damage

class Damage : public FindPairs {};

TEST_F(Damage, MoreThanOneInAHundredStops) {
  put_zrr(folder_.path(), 1);
  for (int i = 1; i < 200; ++i) {
    fs::copy(folder_ / "canon/0.jpg", folder_ / "canon" / (std::to_string(i) + ".jpg"));
    fs::copy(folder_ / "huawei_raw/0.png", folder_ / "huawei_raw" / (std::to_string(i) + ".png"));
  }
  const PairSet set = find();
  DamageLog log(set);
  log.note(7, "7 is bad");
  log.note(3, "3 is bad");
  log.note(7, "7 is bad");
  EXPECT_EQ(log.count(), 2u);
  EXPECT_THAT(log.lines(), ElementsAre("3 is bad", "7 is bad"));
  EXPECT_THAT(error_of([&] { log.note(8, "8 is bad"); }),
              AllOf(HasSubstr("3 of 200"), HasSubstr("3 is bad"), HasSubstr("1 %")));
}

TEST_F(Damage, OfASmallSetNoneIsForgiven) {
  put_zrr(folder_.path(), 3);
  const PairSet set = find();
  DamageLog log(set);
  EXPECT_THAT(error_of([&] { log.note(0, "bad"); }), HasSubstr("1 of 3"));
}

// ---- Real files

TEST(SharedPairs, RhidAndPolyu) {
  const auto shared = shared_data();
  if (!shared) GTEST_SKIP() << "no shared data";
  const PairSet rhid = find_pairs(*shared / "rhid");
  EXPECT_EQ(rhid.layout(), Layout::rhid);
  EXPECT_EQ(rhid.size(), 4u);
  for (size_t i = 0; i < rhid.size(); ++i) {
    const TensorPair pair = rhid.read(i);
    EXPECT_EQ(pair.input.shape(), (Shape{1, 4, 256, 256}));
    EXPECT_EQ(pair.target.shape(), (Shape{1, 3, 512, 512}));
    const auto input = values(pair.input);
    EXPECT_LE(*std::ranges::max_element(input), 1.f);
    EXPECT_GT(*std::ranges::max_element(input), .1f);
  }
  const PairSet polyu = find_pairs(*shared / "polyu");
  EXPECT_EQ(polyu.layout(), Layout::suffixes);
  EXPECT_EQ(polyu.size(), 10u);
  EXPECT_EQ(polyu.name(0), "Canon5D2_fruit");
  EXPECT_NO_THROW(polyu.decode(0));
}

TEST(SharedPairs, SiddSmall) {
  const auto shared = shared_data();
  if (!shared) GTEST_SKIP() << "no shared data";
  const PairSet train = find_pairs(*shared / "sidd_small_256", Split::train);
  const PairSet val = find_pairs(*shared / "sidd_small_256", Split::test);
  EXPECT_EQ(train.layout(), Layout::sidd_srgb);
  EXPECT_EQ(train.size(), 111u);
  EXPECT_EQ(val.size(), 20u);
  EXPECT_EQ(val.read(0).input.shape(), (Shape{1, 3, 256, 256}));
}

}  // namespace
}  // namespace hyperconv
