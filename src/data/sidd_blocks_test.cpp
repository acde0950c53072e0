#include "data/sidd_blocks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <matio.h>

#include <thread>

#include "data/data_testing.hpp"

// HDF5 1.10 loses a few bytes where a file is damaged; the leak sanitizer asks for this name.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

/// How a .mat is stored.
struct Format {
  const char* name;
  mat_ft version;
  matio_compression compression;
};
void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

using Dims = std::array<size_t, 5>;
constexpr Dims small = {3, 2, 6, 4, 3};

/// The sample at [i,j,y,x,c] of every test's array.
uint8_t sample(size_t i, size_t j, size_t y, size_t x, size_t c, int offset) {
  return uint8_t(101 * i + 53 * j + 17 * y + 7 * x + 31 * c + size_t(offset));
}

void put_mat(const fs::path& path, const std::string& variable, const Dims& dims,
             const Format& format, int offset, matio_classes kind = MAT_C_UINT8,
             matio_types type = MAT_T_UINT8) {
  std::vector<uint8_t> samples;
  for (size_t c = 0; c < dims[4]; ++c)
    for (size_t x = 0; x < dims[3]; ++x)
      for (size_t y = 0; y < dims[2]; ++y)
        for (size_t j = 0; j < dims[1]; ++j)
          for (size_t i = 0; i < dims[0]; ++i) samples.push_back(sample(i, j, y, x, c, offset));
  Dims shape = dims;
  mat_t* mat = Mat_CreateVer(path.c_str(), nullptr, format.version);
  ASSERT_NE(mat, nullptr);
  matvar_t* var = Mat_VarCreate(variable.c_str(), kind, type, 5, shape.data(), samples.data(), 0);
  ASSERT_EQ(Mat_VarWrite(mat, var, format.compression), 0);
  Mat_VarFree(var);
  Mat_Close(mat);
}

class SiddMat : public testing::TestWithParam<Format> {
 protected:
  void put(const Dims& noisy = small, const Dims& clean = small) const {
    put_mat(folder_ / "ValidationNoisyBlocksSrgb.mat", "ValidationNoisyBlocksSrgb", noisy,
            GetParam(), 0);
    put_mat(folder_ / "ValidationGtBlocksSrgb.mat", "ValidationGtBlocksSrgb", clean, GetParam(), 5);
  }
  std::string error() const {
    return error_of([&] { find_pairs(folder_.path()); });
  }
  TemporaryFolder folder_;
};

TEST_P(SiddMat, EveryBlockIsRead) {
  put();
  const PairSet set = find_pairs(folder_.path());
  EXPECT_EQ(set.layout(), Layout::sidd_blocks);
  EXPECT_FALSE(set.is_mosaic());
  ASSERT_EQ(set.size(), 6u);
  EXPECT_EQ(set.name(3), "2/2");
  for (size_t index = 0; index < 6; ++index) {
    const Pair pair = set.decode(index);
    const auto& noisy = std::get<std::vector<uint8_t>>(pair.input.samples);
    const auto& clean = std::get<std::vector<uint8_t>>(pair.target.samples);
    ASSERT_EQ(pair.input.width, 4);
    ASSERT_EQ(pair.input.height, 6);
    for (size_t y = 0; y < 6; ++y)
      for (size_t x = 0; x < 4; ++x)
        for (size_t c = 0; c < 3; ++c) {
          EXPECT_EQ(noisy[(y * 4 + x) * 3 + c], sample(index / 2, index % 2, y, x, c, 0));
          EXPECT_EQ(clean[(y * 4 + x) * 3 + c], sample(index / 2, index % 2, y, x, c, 5));
        }
  }
  EXPECT_EQ(set.read(0).target.shape(), (Shape{1, 3, 6, 4}));
}

TEST_P(SiddMat, ManyThreadsMayReadAtOnce) {
  put();
  const PairSet set = find_pairs(folder_.path()), other = find_pairs(folder_.path());
  std::vector<std::thread> threads;
  std::vector<Image> found(8);
  for (size_t i = 0; i < 8; ++i)
    threads.emplace_back([&, i] { found[i] = (i % 2 ? set : other).decode(5).input; });
  for (auto& thread : threads) thread.join();
  for (const Image& image : found) EXPECT_EQ(image.samples, found[0].samples);
}

TEST_P(SiddMat, WhatIsNotWhatItShouldBeIsSaid) {
  put(small, {3, 2, 6, 5, 3});
  EXPECT_THAT(error(), AllOf(HasSubstr("Gt"), HasSubstr("other dimensions")));
  put({3, 2, 6, 4, 1}, small);
  EXPECT_THAT(error(), AllOf(HasSubstr("Noisy"), HasSubstr("last is 3")));
  put_mat(folder_ / "ValidationNoisyBlocksSrgb.mat", "Other", small, GetParam(), 0);
  EXPECT_THAT(error(), HasSubstr("no variable ValidationNoisyBlocksSrgb"));
  put_mat(folder_ / "ValidationNoisyBlocksSrgb.mat", "ValidationNoisyBlocksSrgb", small, GetParam(),
          0, MAT_C_INT8, MAT_T_INT8);
  EXPECT_THAT(error(), HasSubstr("uint8"));
  fs::remove(folder_ / "ValidationGtBlocksSrgb.mat");
  put_mat(folder_ / "ValidationNoisyBlocksSrgb.mat", "ValidationNoisyBlocksSrgb", small, GetParam(),
          0);
  EXPECT_THAT(error(), AllOf(HasSubstr("ValidationGtBlocksSrgb.mat"), HasSubstr("missing")));
}

// A file may end anywhere and hold anything: one line, or the right samples, but never a crash.
TEST_P(SiddMat, DamagedFilesAreNamed) {
  put();
  const fs::path path = folder_ / "ValidationGtBlocksSrgb.mat";
  const auto whole = read_file(path);
  Random random(1);
  int failed = 0;
  const auto attempt = [&](const std::vector<uint8_t>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    try {
      find_pairs(folder_.path()).decode(0);
    } catch (const Error& error) {
      ++failed;
      EXPECT_THAT(error.what(), HasSubstr("ValidationGtBlocksSrgb"));
    }
  };
  for (size_t size = 0; size + 8 < whole.size(); size += 1 + whole.size() / 40)
    attempt({whole.begin(), whole.begin() + std::ptrdiff_t(size)});
  EXPECT_GE(failed, 35);
  for (int i = 0; i < 60; ++i) {
    auto bytes = whole;
    for (int flips = 0; flips < 4; ++flips)
      bytes[size_t(random.below(int64_t(bytes.size())))] ^= uint8_t(1 << random.below(8));
    attempt(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SiddMat,
                         testing::Values(Format{"v5", MAT_FT_MAT5, MAT_COMPRESSION_NONE},
                                         Format{"v5_compressed", MAT_FT_MAT5, MAT_COMPRESSION_ZLIB},
                                         Format{"v73", MAT_FT_MAT73, MAT_COMPRESSION_NONE},
                                         Format{"v73_compressed", MAT_FT_MAT73,
                                                MAT_COMPRESSION_ZLIB}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(SiddMatFile, OtherFilesAreNoMatlab) {
  const TemporaryFolder folder;
  write_file(folder / "ValidationNoisyBlocksSrgb.mat", std::string(1000, 'x'));
  write_file(folder / "ValidationGtBlocksSrgb.mat", std::string());
  EXPECT_THAT(error_of([&] { find_pairs(folder.path()); }), HasSubstr("ValidationNoisy"));
}

}  // namespace
}  // namespace hyperconv
