// Bad input to the C API, which no compiler keeps away. That it works at all is shown by a C
// program, c_program.c.
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

#include "api/api_testing.hpp"
#include "hyperconv/hyperconv.h"
#include "raw/mosaic.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr int width = 64, height = 48;
constexpr auto nan = std::numeric_limits<double>::quiet_NaN();

using DevelopHandle = std::unique_ptr<hyperconv_develop, decltype(&hyperconv_develop_destroy)>;
using DenoiseHandle = std::unique_ptr<hyperconv_denoise, decltype(&hyperconv_denoise_destroy)>;

class CApi : public ApiTest {
 protected:
  CApi() {
    hyperconv_develop* develop = nullptr;
    hyperconv_denoise* denoise = nullptr;
    EXPECT_EQ(hyperconv_develop_create(develop_model_.c_str(), nullptr, &develop), HYPERCONV_OK);
    EXPECT_EQ(hyperconv_denoise_create(denoise_model_.c_str(), nullptr, &denoise), HYPERCONV_OK);
    develop_.reset(develop);
    denoise_.reset(denoise);
    mosaic_.data = samples_.data();
    mosaic_.width = width;
    mosaic_.height = height;
    mosaic_.white = 4000;
    photo_ = {samples_.data(), width / 2, height / 2, 3, 0, HYPERCONV_U8};
    out_ = {written_.data(), width, height, 3, 0, HYPERCONV_U16};
    small_out_ = {written_.data(), width / 2, height / 2, 3, 0, HYPERCONV_U8};
  }

  /// It has given BAD_ARGUMENT, the last error says so, and nothing is written.
  void expect_refused(hyperconv_code code, const std::string& words) {
    EXPECT_EQ(code, HYPERCONV_BAD_ARGUMENT);
    EXPECT_EQ(hyperconv_last_error(), HYPERCONV_BAD_ARGUMENT);
    EXPECT_THAT(hyperconv_last_error_line(), HasSubstr(words));
    EXPECT_EQ(written_, untouched());
  }
  hyperconv_code develop(const hyperconv_mosaic& mosaic) {
    return hyperconv_develop_picture(develop_.get(), &mosaic, &out_, nullptr, nullptr);
  }
  hyperconv_code denoise(const hyperconv_image& photo, double luma = 1) {
    return hyperconv_denoise_picture(denoise_.get(), &photo, &small_out_, luma, 1, nullptr,
                                     nullptr);
  }

  const std::vector<uint16_t> samples_ = numbers<uint16_t>(width * height, 0, 4000);
  std::vector<uint16_t> written_ = untouched();
  hyperconv_mosaic mosaic_ = hyperconv_mosaic_defaults();
  hyperconv_image photo_{};
  hyperconv_buffer out_{}, small_out_{};
  DevelopHandle develop_{nullptr, hyperconv_develop_destroy};
  DenoiseHandle denoise_{nullptr, hyperconv_denoise_destroy};
};

TEST_F(CApi, GivesWhatTheCppApiGives) {
  ASSERT_EQ(develop(mosaic_), HYPERCONV_OK);
  std::vector<uint16_t> want = untouched();
  Develop(develop_model_)
      .picture({.data = samples_.data(), .width = width, .height = height, .white = 4000},
               {.data = want.data(), .width = width, .height = height, .type = SampleType::u16});
  EXPECT_EQ(written_, want);
  ASSERT_EQ(denoise(photo_, 0.5), HYPERCONV_OK);
  Denoise(denoise_model_)
      .picture({.data = samples_.data(), .width = width / 2, .height = height / 2},
               {.data = want.data(), .width = width / 2, .height = height / 2}, {0.5, 1});
  EXPECT_EQ(written_, want);
}

TEST_F(CApi, HandsOverMatrixAndNoise) {
  mosaic_.has_matrix = 1;
  const double matrix[9] = {0.6, -0.1, -0.1, -0.4, 1.2, 0.3, -0.1, 0.2, 0.6};
  std::copy_n(matrix, 9, mosaic_.xyz_to_camera);
  ASSERT_EQ(develop(mosaic_), HYPERCONV_OK);
  std::vector<uint16_t> want = untouched();
  Develop(develop_model_)
      .picture({.data = samples_.data(),
                .width = width,
                .height = height,
                .white = 4000,
                .xyz_to_camera = Matrix3{{{0.6, -0.1, -0.1}, {-0.4, 1.2, 0.3}, {-0.1, 0.2, 0.6}}}},
               {.data = want.data(), .width = width, .height = height, .type = SampleType::u16});
  EXPECT_EQ(written_, want);
  written_ = untouched();
  mosaic_.has_noise = 1;
  mosaic_.noise_read = -2;
  expect_refused(develop(mosaic_), "noise variance is -2");
}

TEST_F(CApi, MakesThePictureThatIsWanted) {
  hyperconv_picture_options options = hyperconv_picture_options_defaults();
  const auto wanted = [&] {
    return hyperconv_develop_wanted(develop_.get(), &mosaic_, &options, &out_, nullptr, nullptr);
  };
  ASSERT_EQ(develop(mosaic_), HYPERCONV_OK);
  const auto plain = written_;
  written_ = untouched();
  ASSERT_EQ(wanted(), HYPERCONV_OK);
  EXPECT_EQ(written_, plain);

  options.balance = HYPERCONV_GREY_PLACE;
  options.grey_x = 20;
  options.grey_y = 30;
  options.exposure = -1;
  options.highlights = HYPERCONV_REBUILD;
  options.colour_space = HYPERCONV_REC2020;
  options.rotate = 90;
  options.longest_side = 32;
  int wide = 0, high = 0;
  ASSERT_EQ(hyperconv_picture_size(&mosaic_, &options, &wide, &high), HYPERCONV_OK);
  EXPECT_EQ(wide, 24);
  EXPECT_EQ(high, 32);
  out_.width = wide;
  out_.height = high;
  ASSERT_EQ(wanted(), HYPERCONV_OK);
  std::vector<uint16_t> want = written_;
  Develop(develop_model_)
      .picture({.data = samples_.data(), .width = width, .height = height, .white = 4000},
               {.data = want.data(), .width = 24, .height = 32, .type = SampleType::u16},
               {.white_balance = GreyPlace{20, 30},
                .exposure = -1,
                .highlights = HighlightMode::rebuild,
                .colour_space = OutputSpace::rec2020,
                .rotate = 90,
                .size = LongestSide{32}});
  EXPECT_EQ(written_, want);
  EXPECT_NE(written_, plain);
}

TEST_F(CApi, RefusesWhatCannotBeWanted) {
  const auto bad = [&](const std::function<void(hyperconv_picture_options&)>& spoil) {
    hyperconv_picture_options options = hyperconv_picture_options_defaults();
    spoil(options);
    return hyperconv_develop_wanted(develop_.get(), &mosaic_, &options, &out_, nullptr, nullptr);
  };
  using Options = hyperconv_picture_options;
  expect_refused(bad([](Options& o) { o.luma = 2; }), "strength is 2");
  expect_refused(bad([](Options& o) { o.balance = 4; }), "balance is 4");
  expect_refused(bad([](Options& o) {
                   o.balance = HYPERCONV_LIGHT;
                   o.kelvin = nan;
                 }),
                 "2000 to 15000 kelvin");
  expect_refused(bad([](Options& o) { o.exposure = nan; }), "exposure is nan");
  expect_refused(bad([](Options& o) { o.highlights = -1; }), "highlights are -1");
  expect_refused(bad([](Options& o) { o.colour_space = 5; }), "colour space is 5");
  expect_refused(bad([](Options& o) { o.rotate = 1; }), "turned by 1 degrees");
  expect_refused(bad([](Options& o) { o.longest_side = -3; }), "sides of 1 to 65535");
  expect_refused(bad([](Options& o) { o.longest_side = o.fit_width = 3; }), "several ways");
  expect_refused(bad([](Options& o) { o.fit_width = 3; }), "sides of 1 to 65535");
  expect_refused(bad([](Options& o) { o.has_part = 1; }), "part");
  expect_refused(bad([](Options& o) { o.lens = "auto"; }), "take the RawFile");
  const hyperconv_picture_options options = hyperconv_picture_options_defaults();
  hyperconv_file_options file = hyperconv_file_options_defaults();
  file.quality = 101;
  expect_refused(hyperconv_develop_file_wanted(develop_.get(), "/none.dng", "/none/a.jpg", &file,
                                               nullptr, nullptr),
                 "quality is 101");
  int side = 0;
  expect_refused(hyperconv_picture_size(&mosaic_, nullptr, &side, &side), "null pointer");
  expect_refused(hyperconv_raw_picture_size(nullptr, &options, &side, &side), "null pointer");
  expect_refused(hyperconv_develop_raw(develop_.get(), nullptr, &options, &out_, nullptr, nullptr),
                 "null pointer");
  expect_refused(
      hyperconv_develop_wanted(develop_.get(), &mosaic_, nullptr, &out_, nullptr, nullptr),
      "null pointer");
  expect_refused(
      hyperconv_develop_file_wanted(develop_.get(), "a.dng", "a.png", nullptr, nullptr, nullptr),
      "null pointer");
}

TEST_F(CApi, TellsXTransInBothDirections) {
  Mosaic mosaic;
  mosaic.width = width;
  mosaic.height = height;
  mosaic.samples = samples_;
  mosaic.cfa = XTrans{1, 4};
  write_dng(folder_ / "x.dng", mosaic);
  hyperconv_raw* raw = nullptr;
  ASSERT_EQ(hyperconv_raw_read((folder_ / "x.dng").c_str(), &raw), HYPERCONV_OK);
  hyperconv_mosaic read = hyperconv_mosaic_defaults();
  ASSERT_EQ(hyperconv_raw_mosaic(raw, &read), HYPERCONV_OK);
  EXPECT_EQ(read.cfa, HYPERCONV_X_TRANS);
  EXPECT_EQ(read.x_trans_row, 1);
  EXPECT_EQ(read.x_trans_column, 4);
  expect_refused(develop(read), "this one is x-trans");
  read.x_trans_row = 9;
  expect_refused(develop(read), "0,0 to 5,5");
  hyperconv_raw_destroy(raw);
}

TEST_F(CApi, RefusesNullPointers) {
  hyperconv_develop* made = nullptr;
  hyperconv_raw* raw = nullptr;
  char path[8];
  const auto pointer = [&](hyperconv_code code) { expect_refused(code, "is a null pointer"); };
  pointer(hyperconv_develop_create(nullptr, nullptr, nullptr));
  pointer(hyperconv_denoise_create(nullptr, nullptr, nullptr));
  pointer(hyperconv_develop_picture(nullptr, &mosaic_, &out_, nullptr, nullptr));
  pointer(hyperconv_develop_picture(develop_.get(), nullptr, &out_, nullptr, nullptr));
  pointer(hyperconv_develop_picture(develop_.get(), &mosaic_, nullptr, nullptr, nullptr));
  pointer(hyperconv_develop_camera_rgb(nullptr, &mosaic_, &out_, nullptr, nullptr));
  pointer(hyperconv_develop_file(develop_.get(), nullptr, "a.png", nullptr, nullptr));
  pointer(hyperconv_develop_file(develop_.get(), "a.dng", nullptr, nullptr, nullptr));
  pointer(hyperconv_denoise_picture(nullptr, &photo_, &out_, 1, 1, nullptr, nullptr));
  pointer(hyperconv_denoise_picture(denoise_.get(), nullptr, &out_, 1, 1, nullptr, nullptr));
  pointer(hyperconv_denoise_picture(denoise_.get(), &photo_, nullptr, 1, 1, nullptr, nullptr));
  pointer(hyperconv_denoise_file(denoise_.get(), nullptr, "a.png", 1, 1, nullptr, nullptr));
  pointer(hyperconv_raw_read(nullptr, &raw));
  pointer(hyperconv_raw_read("a.dng", nullptr));
  pointer(hyperconv_raw_mosaic(nullptr, &mosaic_));
  pointer(hyperconv_shipped_model(nullptr, path, sizeof path));
  pointer(hyperconv_shipped_model("develop", nullptr, 0));
  hyperconv_develop_destroy(nullptr);
  hyperconv_denoise_destroy(nullptr);
  hyperconv_raw_destroy(nullptr);
  EXPECT_EQ(hyperconv_raw_orientation(nullptr), 0);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(raw, nullptr);
}

TEST_F(CApi, RefusesBadMosaicsAndPhotos) {
  const auto bad = [&](const std::function<void(hyperconv_mosaic&)>& spoil) {
    hyperconv_mosaic mosaic = mosaic_;
    spoil(mosaic);
    return develop(mosaic);
  };
  expect_refused(bad([](auto& m) { m.data = nullptr; }), "null pointer");
  expect_refused(bad([](auto& m) { m.width = 0; }), "0x48");
  expect_refused(bad([](auto& m) { m.height = -1; }), "64x-1");
  expect_refused(bad([](auto& m) { m.stride = 100; }), "stride of 100");
  expect_refused(bad([](auto& m) { m.cfa = 9; }), "pattern is 9");
  expect_refused(bad([](auto& m) { m.type = -1; }), "sample type -1");
  expect_refused(bad([](auto& m) { m.black[3] = nan; }), "black level nan");
  expect_refused(bad([](auto& m) { m.white_balance[2] = nan; }), "multiplier is nan");

  hyperconv_image photo = photo_;
  photo.stride = 5;
  expect_refused(denoise(photo), "stride of 5");
  expect_refused(denoise(photo_, 2), "strength is 2");
  std::vector<float> floats(size_t(photo_.width * photo_.height * 3), 0.5f);
  floats.back() = float(nan);
  photo = photo_;
  photo.data = floats.data();
  photo.type = HYPERCONV_F32;
  expect_refused(denoise(photo), "at column 31 of row 23");
}

TEST_F(CApi, RefusesWrongModelsAndSaysWhatIsMissing) {
  hyperconv_develop* made = nullptr;
  expect_refused(hyperconv_develop_create(denoise_model_.c_str(), nullptr, &made),
                 "for the task 'denoise'");
  const hyperconv_options options = {-3, 0, 0};
  expect_refused(hyperconv_develop_create(develop_model_.c_str(), &options, &made), "-3 threads");
  EXPECT_EQ(hyperconv_develop_create("/missing.safetensors", nullptr, &made), HYPERCONV_IO);
  hyperconv_raw* raw = nullptr;
  EXPECT_EQ(hyperconv_raw_read(develop_model_.c_str(), &raw), HYPERCONV_BAD_FILE);
  EXPECT_EQ(raw, nullptr);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(hyperconv_denoise_file(denoise_.get(), "/missing.png", "/tmp/out.png", 1, 1, nullptr,
                                   nullptr),
            HYPERCONV_IO);
}

TEST_F(CApi, TheLastErrorIsTheThreadsOwn) {
  EXPECT_EQ(hyperconv_develop_create(nullptr, nullptr, nullptr), HYPERCONV_BAD_ARGUMENT);
  std::thread([] {
    EXPECT_EQ(hyperconv_last_error(), HYPERCONV_OK);
    EXPECT_STREQ(hyperconv_last_error_line(), "");
  }).join();
  EXPECT_EQ(develop(mosaic_), HYPERCONV_OK);
  EXPECT_EQ(hyperconv_last_error(), HYPERCONV_BAD_ARGUMENT) << "success clears nothing";
}

TEST_F(CApi, AProgressFunctionCancels) {
  int asked = 0;
  const auto cancel = [](double, void* user) { return ++*static_cast<int*>(user); };
  EXPECT_EQ(hyperconv_develop_picture(develop_.get(), &mosaic_, &out_, cancel, &asked),
            HYPERCONV_CANCELLED);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(written_, untouched());
}

TEST_F(CApi, NoExceptionPassesThrough) {
  const auto throws = [](double, void*) -> int { throw std::runtime_error("thrown by a caller"); };
  EXPECT_EQ(hyperconv_develop_picture(develop_.get(), &mosaic_, &out_, throws, nullptr),
            HYPERCONV_INTERNAL);
  EXPECT_STREQ(hyperconv_last_error_line(), "thrown by a caller");
}

TEST_F(CApi, TheVersionIsThatOfItsHeader) {
  EXPECT_EQ(std::string(hyperconv_version()), std::to_string(HYPERCONV_VERSION_MAJOR) + "." +
                                                  std::to_string(HYPERCONV_VERSION_MINOR) + "." +
                                                  std::to_string(HYPERCONV_VERSION_PATCH));
}

TEST_F(CApi, AShippedModelsPathMustFit) {
  ::setenv("HYPERCONV_MODELS", folder_.path().c_str(), 1);
  const std::string want = folder_ / "develop.safetensors";
  std::vector<char> path(want.size() + 1);
  EXPECT_EQ(hyperconv_shipped_model("develop", path.data(), path.size()), HYPERCONV_OK);
  EXPECT_EQ(path.data(), want);
  expect_refused(hyperconv_shipped_model("develop", path.data(), path.size() - 1), "room for");
  expect_refused(hyperconv_shipped_model("paint", path.data(), path.size()), "'paint'");
  ::unsetenv("HYPERCONV_MODELS");
}

}  // namespace
}  // namespace hyperconv
