#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "api/api_testing.hpp"
#include "image/image.hpp"
#include "pipeline/denoise.hpp"
#include "pipeline/develop.hpp"
#include "raw/mosaic.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr int width = 64, height = 64;
constexpr auto nan = std::numeric_limits<double>::quiet_NaN();

class Api : public ApiTest {
 protected:
  /// Mosaic and output as they should be.
  MosaicView mosaic() const {
    return {.data = samples_.data(),
            .width = width,
            .height = height,
            .cfa = Cfa::gbrg,
            .black = {500, 510, 490, 500},
            .white = 4000,
            .white_balance = {2, 1, 1.5}};
  }
  ImageView photo() const { return {.data = photo_.data(), .width = width, .height = height}; }
  ImageBuffer output(int channels = 3) {
    return {.data = out_.data(),
            .width = width,
            .height = height,
            .channels = channels,
            .type = SampleType::u16};
  }

  /// It is refused, by a line that says so, and nothing is written.
  void expect_refused(const std::function<void()>& action, const std::string& words) {
    EXPECT_EQ(code_of(action), ErrorCode::bad_argument);
    EXPECT_THAT(error_of(action), HasSubstr(words));
    EXPECT_EQ(out_, untouched());
  }
  void expect_refused(const MosaicView& mosaic, const std::string& words) {
    expect_refused([&] { develop_.picture(mosaic, output()); }, words);
  }
  void expect_refused(const ImageView& photo, const std::string& words) {
    expect_refused([&] { denoise_.picture(photo, output()); }, words);
  }

  const std::vector<uint16_t> samples_ = numbers<uint16_t>(width * height, 450, 4000);
  const std::vector<uint8_t> photo_ = numbers<uint8_t>(width * height * 3, 0, 255);
  std::vector<uint16_t> out_ = untouched();
  Develop develop_{develop_model_};
  Denoise denoise_{denoise_model_};
};

Mosaic internal(const MosaicView& view, const std::vector<uint16_t>& samples) {
  Mosaic mosaic;
  mosaic.width = view.width;
  mosaic.height = view.height;
  mosaic.samples = samples;
  mosaic.cfa = view.cfa;
  mosaic.black = view.black;
  mosaic.white = view.white;
  mosaic.white_balance = view.white_balance;
  return mosaic;
}

std::shared_ptr<const Model> model_of(const std::filesystem::path& path) {
  return std::make_shared<const Model>(Model::load(path));
}

Developer developer_of(const std::filesystem::path& path) {
  const auto model = model_of(path);
  return Developer(model, {.engine = {.precision = fastest_precision(model->graph())}});
}

TEST_F(Api, DevelopsAsTheProgramDoes) {
  develop_.picture(mosaic(), output());
  Developer developer = developer_of(develop_model_);
  const Image want = developer.picture(internal(mosaic(), samples_));
  out_.resize(want.count());
  EXPECT_EQ(out_, std::get<std::vector<uint16_t>>(want.samples));
}

TEST_F(Api, RowsMayLieApart) {
  develop_.picture(mosaic(), output());
  std::vector<uint16_t> apart((width + 5) * height), got((width * 3 + 7) * height, 0xabcd);
  for (size_t y = 0; y < height; ++y)
    std::copy_n(&samples_[y * width], width, &apart[y * (width + 5)]);
  MosaicView in = mosaic();
  in.data = apart.data();
  in.stride = (width + 5) * 2;
  ImageBuffer out = output();
  out.data = got.data();
  out.stride = (width * 3 + 7) * 2;
  develop_.picture(in, out);
  for (size_t y = 0; y < height; ++y) {
    EXPECT_TRUE(
        std::equal(&out_[y * width * 3], &out_[(y + 1) * width * 3], &got[y * (width * 3 + 7)]));
    EXPECT_EQ(got[(y + 1) * (width * 3 + 7) - 1], 0xabcd) << "the gap was written into";
  }
}

TEST_F(Api, SamplesNeedNoAlignment) {
  develop_.picture(mosaic(), output());
  std::vector<std::byte> in(samples_.size() * 2 + 1), got(width * height * 3 * 2 + 1);
  std::memcpy(in.data() + 1, samples_.data(), samples_.size() * 2);
  MosaicView odd = mosaic();
  odd.data = in.data() + 1;
  ImageBuffer out = output();
  out.data = got.data() + 1;
  develop_.picture(odd, out);
  EXPECT_EQ(std::memcmp(got.data() + 1, out_.data(), got.size() - 1), 0);
}

// Rounded to a 56000th of the range, less than a level of the 3500 here.
TEST_F(Api, AMosaicOfFloatsIsTheSame) {
  std::vector<float> same(samples_.begin(), samples_.end());
  for (float& sample : same) sample = (sample - 1000) / 65535;
  MosaicView floats = mosaic();
  floats.data = same.data();
  floats.type = SampleType::f32;
  for (double& black : floats.black) black = (black + 1000) / 65535;
  for (float& sample : same) sample += 2000.0f / 65535;
  floats.white = (floats.white + 1000) / 65535;
  std::vector<float> want(width * height * 3), got = want;
  ImageBuffer out = output();
  out.type = SampleType::f32;
  out.data = want.data();
  develop_.camera_rgb(mosaic(), out);
  out.data = got.data();
  develop_.camera_rgb(floats, out);
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i)
    worst = std::max(worst, std::abs(double(got[i]) - double(want[i])));
  // In bf16 a float's rounding of a sample may turn one of a layer's, by 2^-8.
  const bool is_bf16 = fastest_precision(model_of(develop_model_)->graph()).has_value();
  EXPECT_LT(worst, is_bf16 ? 1e-2 : 1e-3);
  EXPECT_GT(*std::ranges::max_element(want), 0.1);
}

TEST_F(Api, CameraRgbIsTheDevelopers) {
  std::vector<float> got(width * height * 3);
  ImageBuffer out = output();
  out.type = SampleType::f32;
  out.data = got.data();
  develop_.camera_rgb(mosaic(), out);
  const Tensor want = developer_of(develop_model_).camera_rgb(internal(mosaic(), samples_));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        ASSERT_EQ(got[size_t((y * width + x) * 3 + c)], want.at(0, c, y, x));
}

TEST_F(Api, DenoisesAsTheProgramDoes) {
  std::vector<uint8_t> got(photo_.size());
  ImageBuffer out = output();
  out.type = SampleType::u8;
  out.data = got.data();
  denoise_.picture(photo(), out, {.luma = 1, .colour = 0.5});
  const Image in{width, height, 3, photo_, {}};
  const Image want = Denoiser(model_of(denoise_model_)).picture(in, {.luma = 1, .colour = 0.5});
  EXPECT_EQ(got, std::get<std::vector<uint8_t>>(want.samples));
  EXPECT_NE(got, photo_);
}

TEST_F(Api, APhotoMayBeDenoisedInPlace) {
  std::vector<uint8_t> want(photo_.size()), in_place = photo_;
  ImageBuffer out = output();
  out.type = SampleType::u8;
  out.data = want.data();
  denoise_.picture(photo(), out);
  ImageView in = photo();
  in.data = out.data = in_place.data();
  denoise_.picture(in, out);
  EXPECT_EQ(in_place, want);
}

TEST_F(Api, StrengthZeroChangesNothingInAnySampleType) {
  for (const SampleType type : {SampleType::u8, SampleType::u16, SampleType::f32})
    for (int channels = 1; channels <= 4; ++channels) {
      const auto in = numbers<float>(width * height * size_t(channels), 0, 1);
      std::vector<float> got(in.size());
      // Any bytes are samples of u8 and u16.
      const ImageView view{in.data(), width, height, channels, 0, type};
      denoise_.picture(view, {got.data(), width, height, channels, 0, type}, {0, 0});
      const size_t bytes = in.size() * (type == SampleType::u8    ? 1
                                        : type == SampleType::u16 ? 2
                                                                  : 4);
      EXPECT_EQ(std::memcmp(got.data(), in.data(), bytes), 0) << channels;
    }
}

TEST_F(Api, APartIsThePartOfTheWhole) {
  denoise_.picture(photo(), output());
  std::vector<uint16_t> part(20 * 10 * 3);
  denoise_.part(photo(), {.top = 7, .left = 30, .height = 10, .width = 20},
                {.data = part.data(), .width = 20, .height = 10, .type = SampleType::u16});
  for (size_t y = 0; y < 10; ++y)
    EXPECT_TRUE(std::equal(&part[y * 60], &part[y * 60 + 60], &out_[((y + 7) * width + 30) * 3]));
}

TEST_F(Api, FilesGoThrough) {
  const auto in = folder_ / "in.png", raw = folder_ / "in.dng";
  write_image(in, painted_scene(width, height));
  denoise_.file(in, folder_ / "out.jpg");
  EXPECT_EQ(read_image(folder_ / "out.jpg").width, width);
  Mosaic mosaic = internal(this->mosaic(), samples_);
  mosaic.orientation = 6;
  mosaic.shot.model = "One";
  write_dng(raw, mosaic);
  develop_.file(raw, folder_ / "out.tif");
  EXPECT_EQ(read_image(folder_ / "out.tif").width, height) << "not turned";
  develop_.file(raw, folder_ / "out.dng");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out.dng"));

  const RawFile file(raw);
  EXPECT_EQ(file.orientation(), 6);
  EXPECT_EQ(file.shot().model, "One");
  EXPECT_EQ(file.mosaic().width, width);
  EXPECT_EQ(std::memcmp(file.mosaic().data, samples_.data(), samples_.size() * 2), 0);
}

TEST_F(Api, NoiseIsNotRemovedTwiceUnlessToldSo) {
  const auto raw = folder_ / "in.dng", out = folder_ / "out.png";
  Mosaic denoised = internal(this->mosaic(), samples_);
  denoised.noise_reduction = {1, true};
  write_dng(raw, denoised);
  EXPECT_EQ(code_of([&] { develop_.file(raw, out); }), ErrorCode::bad_argument);
  EXPECT_FALSE(std::filesystem::exists(out));
  Develop again(develop_model_, {.again = true});
  again.file(raw, out);
  EXPECT_EQ(read_image(out).width, width);
  // Of cameras that join shots some is gone, which is no reason.
  denoised.noise_reduction = {0.5, false};
  write_dng(raw, denoised);
  develop_.file(raw, out);
}

TEST_F(Api, FramesOfThreeColoursWantTheirModel) {
  LinearFrame frame;
  frame.light = Tensor({1, 3, 40, 48});
  std::fill_n(frame.light.data(), frame.light.size(), 0.25f);
  frame.facts.width = 48;
  frame.facts.height = 40;
  write_linear_dng(folder_ / "in.dng", frame.light, frame.facts);
  const auto out = folder_ / "out.png";
  EXPECT_THAT(error_of([&] { develop_.file(folder_ / "in.dng", out); }),
              testing::HasSubstr("this one is three-colours"));
  const auto path = folder_ / "rgb.safetensors";
  save_model(path, untrained_network("develop-rgb", {.width = 6}, {.name = "tiny"}, 1),
             Precision::f16);
  Develop colours(path);
  colours.file(folder_ / "in.dng", out);
  EXPECT_EQ(read_image(out).height, 40);
}

TEST_F(Api, WhatFailsInFilesSaysWhatKindOfFailureItIs) {
  write_file(folder_ / "bad.dng", "no RAW file");
  write_file(folder_ / "bad.png", "no picture");
  write_file(folder_ / "bad.safetensors", "no model");
  const auto missing = folder_ / "missing.dng", out = folder_ / "out.png";
  EXPECT_EQ(code_of([&] { RawFile(folder_ / "bad.dng"); }), ErrorCode::bad_file);
  EXPECT_EQ(code_of([&] { RawFile{missing}; }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { develop_.file(missing, out); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { develop_.file(folder_ / "bad.dng", out); }), ErrorCode::bad_file);
  EXPECT_EQ(code_of([&] { denoise_.file(folder_ / "bad.png", out); }), ErrorCode::bad_file);
  EXPECT_EQ(code_of([&] { denoise_.file(folder_ / "bad.png", folder_ / "out.doc"); }),
            ErrorCode::bad_argument);
  EXPECT_EQ(code_of([&] { denoise_.file(folder_ / "bad.png", folder_ / "bad.png"); }),
            ErrorCode::bad_argument);
  EXPECT_EQ(code_of([&] { Develop(folder_ / "bad.safetensors"); }), ErrorCode::bad_file);
  EXPECT_EQ(code_of([&] { Develop(folder_ / "missing.safetensors"); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { read_model_facts(folder_ / "bad.safetensors"); }), ErrorCode::bad_file);
  write_image(folder_ / "in.png", painted_scene(width, height));
  EXPECT_EQ(code_of([&] { denoise_.file(folder_ / "in.png", folder_ / "none" / "out.png"); }),
            ErrorCode::io);
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Api, RefusesMosaicsThatAreNone) {
  MosaicView bad = mosaic();
  bad.data = nullptr;
  expect_refused(bad, "null pointer");
  bad = mosaic();
  bad.width = 0;
  expect_refused([&] { develop_.picture(bad, {}); }, "");
  bad = mosaic();
  bad.stride = width * 2 - 1;
  expect_refused(bad, "stride of 127 bytes");
  bad.stride = -width * 2;
  expect_refused(bad, "stride of -128 bytes");
  bad = mosaic();
  bad.cfa = Cfa(4);
  expect_refused(bad, "pattern is 4");
  bad = mosaic();
  bad.type = SampleType(3);
  expect_refused(bad, "sample type 3");
  bad = mosaic();
  bad.height = 1 << 21;
  expect_refused([&] { develop_.picture(bad, {out_.data(), width, 1 << 21, 3}); }, "at most");
}

TEST_F(Api, RefusesFactsThatCannotBe) {
  MosaicView bad = mosaic();
  bad.black[2] = bad.white;
  expect_refused(bad, "black level");
  bad = mosaic();
  bad.black[1] = nan;
  expect_refused(bad, "black level nan");
  bad = mosaic();
  bad.white = nan;
  expect_refused(bad, "white level nan");
  bad.white = 70000;
  expect_refused(bad, "white level is 70000");
  bad = mosaic();
  bad.white_balance[0] = 0;
  expect_refused(bad, "white balance multiplier is 0");
  bad = mosaic();
  bad.xyz_to_camera = {{{1, 0, 0}, {0, nan, 0}, {0, 0, 1}}};
  expect_refused(bad, "colour matrix");
  bad.xyz_to_camera = {{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}};
  expect_refused(bad, "colour matrix");
  bad = mosaic();
  bad.noise = {-1, 0};
  expect_refused(bad, "noise variance is -1");
}

TEST_F(Api, RefusesSamplesThatAreNoNumbers) {
  auto floats = numbers<float>(width * height * 3, 0, 1);
  floats[3 * width * 5 + 3 * 7] = float(nan);
  ImageView in = photo();
  in.data = floats.data();
  in.type = SampleType::f32;
  expect_refused(in, "nan, at column 7 of row 5");
  floats[3 * width * 5 + 3 * 7] = -std::numeric_limits<float>::infinity();
  expect_refused(in, "-inf, at column 7 of row 5");
  MosaicView raw = mosaic();
  raw.data = floats.data();
  raw.type = SampleType::f32;
  raw.black = {};
  raw.white = 1;
  expect_refused(raw, "-inf");
}

TEST_F(Api, RefusesPhotosAndOutputsThatAreNone) {
  ImageView bad = photo();
  bad.data = nullptr;
  expect_refused(bad, "the photo is a null pointer");
  bad = photo();
  bad.stride = 10;
  expect_refused(bad, "stride of 10");
  bad = photo();
  bad.channels = 5;
  expect_refused([&] { denoise_.picture(bad, output(5)); }, "5 channels");
  const auto refused = [&](const std::function<void(ImageBuffer&)>& spoil,
                           const std::string& words) {
    ImageBuffer out = output();
    spoil(out);
    expect_refused([&] { denoise_.picture(photo(), out); }, words);
    expect_refused([&] { develop_.picture(mosaic(), out); }, words);
  };
  refused([](ImageBuffer& out) { out.data = nullptr; }, "the output is a null pointer");
  refused([](ImageBuffer& out) { out.width -= 1; }, "63x64");
  refused([](ImageBuffer& out) { out.channels = 4; }, "of 4 channels");
  refused([](ImageBuffer& out) { out.stride = width * 3; }, "stride of 192");
  refused([](ImageBuffer& out) { out.height = 0; }, "64x0");
  expect_refused([&] { denoise_.picture(photo(), output(), {1.5, 1}); }, "strength is 1.5");
  expect_refused([&] { denoise_.picture(photo(), output(), {1, nan}); }, "strength is nan");
  expect_refused([&] { develop_.camera_rgb(mosaic(), output()); }, "as f32");
  for (const Region& part : {Region{0, 1, height, width}, Region{-1, 0, height, width},
                             Region{std::numeric_limits<int64_t>::max(), 0, height, width}})
    expect_refused([&] { denoise_.part(photo(), part, output()); }, "not within");
}

TEST_F(Api, RefusesAModelForAnotherTaskAndOptionsThatCannotBe) {
  expect_refused([&] { Develop{denoise_model_}; }, "for the task 'denoise'");
  expect_refused([&] { Denoise{develop_model_}; }, "for the task 'develop'");
  expect_refused([&] { Develop(develop_model_, {.threads = -1}); }, "-1 threads");
  expect_refused([&] { Develop(develop_model_, {.memory = 0}); }, "0 bytes");
  expect_refused([&] { shipped_model("paint"); }, "'paint'");
}

TEST_F(Api, TooLittleMemoryIsSaid) {
  Develop small(develop_model_, {.memory = 1000});
  EXPECT_EQ(code_of([&] { small.picture(mosaic(), output()); }), ErrorCode::out_of_memory);
}

TEST_F(Api, TheShippedModelIsFoundWhereTheEnvironmentSays) {
  ::setenv("HYPERCONV_MODELS", folder_.path().c_str(), 1);
  EXPECT_EQ(shipped_model("develop"), folder_ / "develop.safetensors");
  EXPECT_NO_THROW(Develop(""));
  std::filesystem::remove(denoise_model_);
  EXPECT_EQ(code_of([] { shipped_model("denoise"); }), ErrorCode::io);
  ::unsetenv("HYPERCONV_MODELS");
  EXPECT_EQ(read_model_facts(develop_model_).name, "tiny");
}

TEST_F(Api, TwoThreadsMayCallOneObject) {
  develop_.picture(mosaic(), output());
  std::vector<std::vector<uint16_t>> got(4, untouched());
  std::vector<std::thread> threads;
  for (auto& samples : got)
    threads.emplace_back([&] {
      ImageBuffer out = output();
      out.data = samples.data();
      for (int i = 0; i < 3; ++i) develop_.picture(mosaic(), out);
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& samples : got) EXPECT_EQ(samples, out_);
}

TEST_F(Api, TheVersionIsTheProjects) { EXPECT_THAT(version(), testing::MatchesRegex("[0-9.]+")); }

}  // namespace
}  // namespace hyperconv
