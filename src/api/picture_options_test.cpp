// The picture that a caller wants: each option does what the rooms below do by it, in memory and
// from file to file alike, and what cannot be is refused in one line with nothing written.
#include <algorithm>
#include <limits>

#include "api/api_testing.hpp"
#include "image/image.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/removed_noise.hpp"
#include "raw/raw_testing.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr int width = 48, height = 40;
constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
using Samples = std::vector<uint16_t>;

class Wanted : public testing::Test {
 protected:
  Wanted() {
    save("develop", model_);
    save("develop-xtrans", x_trans_model_);
    develop_.emplace(model_);
    CraftedDng dng;
    dng.width = width;
    dng.height = height;
    dng.samples = noise_samples(size_t(width) * height, 1000, 4095);
    dng.noise = {1e-3, 1e-6};
    dng.crop_origin = {6, 4};
    dng.crop_size = {32, 24};
    OpcodeList list;
    list.opcode(3);  // FixVignetteRadial
    for (const double value : {0.8, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5}) list.f64(value);
    dng.opcodes3 = list.bytes();
    const auto bytes = dng.encode();
    write_file(file_, std::string(bytes.begin(), bytes.end()));
    raw_.emplace(file_);
    frame_ = read_camera_file(file_);
  }

  void save(const std::string& network, const std::filesystem::path& path) {
    const ModelInfo info{.task = Task::develop, .name = "tiny", .domain = Domain::stabilised};
    save_model(path, untrained_network(network, {.width = 6}, info, 3), Precision::f32);
  }

  Developer developer() const {
    const auto model = std::make_shared<const Model>(Model::load(model_));
    return Developer(model, {.engine = {.precision = fastest_precision(model->graph())}});
  }

  /// In memory, of the size that is said; nothing else is written.
  template <class Photo>
  Samples picture(const Photo& photo, const PictureOptions& options = {}) {
    const auto [wide, high] = Develop::picture_size(photo, options);
    Samples samples(size_t(wide) * size_t(high) * 3 + 1, 0xabcd);
    develop_->picture(
        photo, {.data = samples.data(), .width = wide, .height = high, .type = SampleType::u16},
        options);
    EXPECT_EQ(samples.back(), 0xabcd);
    samples.pop_back();
    return samples;
  }

  /// Through a file.
  Image filed(const FileOptions& options, const std::string& name = "out.tif") {
    develop_->file(file_, folder_ / name, options);
    return read_image(folder_ / name);
  }

  /// Of a RawFile, of a file and, as far as it goes, of a MosaicView.
  void expect_refused(const PictureOptions& options, const std::string& words) {
    Samples samples(untouched());
    const ImageBuffer out{samples.data(), width, height, 3, 0, SampleType::u16};
    const auto target = folder_ / "refused.tif";
    for (const std::function<void()>& action : std::initializer_list<std::function<void()>>{
             [&] { develop_->picture(*raw_, out, options); },
             [&] { develop_->picture(raw_->mosaic(), out, options); },
             [&] { develop_->file(file_, target, {.picture = options}); }}) {
      EXPECT_EQ(code_of(action), ErrorCode::bad_argument);
      EXPECT_THAT(error_of(action), HasSubstr(words));
    }
    EXPECT_EQ(samples, untouched());
    EXPECT_FALSE(std::filesystem::exists(target));
  }
  void expect_file_refused(const FileOptions& options, const std::string& name,
                           const std::string& words) {
    const auto action = [&] { develop_->file(file_, folder_ / name, options); };
    EXPECT_EQ(code_of(action), ErrorCode::bad_argument) << name;
    EXPECT_THAT(error_of(action), HasSubstr(words));
    EXPECT_FALSE(std::filesystem::exists(folder_ / name));
  }

  TemporaryFolder folder_;
  const std::filesystem::path model_ = folder_ / "m.safetensors",
                              x_trans_model_ = folder_ / "x.safetensors",
                              file_ = folder_ / "in.dng";
  std::optional<Develop> develop_;
  std::optional<RawFile> raw_;
  Mosaic frame_;
};

const Samples& samples_of(const Image& image) { return std::get<Samples>(image.samples); }

TEST_F(Wanted, NothingIsTheSameAsSayingNothing) {
  Samples plain(size_t(width) * height * 3);
  const ImageBuffer out{plain.data(), width, height, 3, 0, SampleType::u16};
  develop_->picture(raw_->mosaic(), out);
  EXPECT_EQ(picture(raw_->mosaic()), plain);
  EXPECT_EQ(picture(*raw_), plain);
  EXPECT_EQ(samples_of(filed({})), plain);
  develop_->file(file_, folder_ / "old.tif");
  EXPECT_EQ(samples_of(read_image(folder_ / "old.tif")), plain);
  EXPECT_EQ(samples_of(developer().picture(frame_)), plain);
}

TEST_F(Wanted, RenderingsAreTheDevelopers) {
  const Region part{5, 3, 20, 31};
  const PictureOptions options{.exposure = -0.7,
                               .highlights = HighlightMode::rebuild,
                               .colour_space = OutputSpace::adobe_rgb,
                               .part = part};
  const Rendering rendering{
      .stops = -0.7, .highlights = HighlightMode::rebuild, .space = OutputSpace::adobe_rgb};
  const Image want = developer().picture(frame_, {.rendering = rendering, .part = part});
  EXPECT_EQ(picture(*raw_, options), samples_of(want));
  EXPECT_EQ(picture(raw_->mosaic(), options), samples_of(want));
  const Image file = filed({.picture = options});
  EXPECT_EQ(samples_of(file), samples_of(want));
  EXPECT_EQ(file.metadata.icc, profile_of(OutputSpace::adobe_rgb, 3));
  // As the part of the whole.
  PictureOptions whole = options;
  whole.part.reset();
  const Image all{width, height, 3, picture(*raw_, whole), {}};
  EXPECT_EQ(samples_of(part_of(all, part)), samples_of(want));
}

TEST_F(Wanted, WhiteBalancesAreTheRawRooms) {
  const Samples as_shot = picture(*raw_);
  for (const WantedBalance& wanted : std::initializer_list<WantedBalance>{
           Automatic{}, LightColour{3200, 20}, GreyPlace{20, 15}}) {
    Mosaic balanced = frame_;
    balance_as_wanted(balanced, wanted);
    const Image want = developer().picture(balanced);
    EXPECT_NE(samples_of(want), as_shot);
    EXPECT_EQ(picture(*raw_, {.white_balance = wanted}), samples_of(want));
    EXPECT_EQ(picture(raw_->mosaic(), {.white_balance = wanted}), samples_of(want));
    EXPECT_EQ(samples_of(filed({.picture = {.white_balance = wanted}})), samples_of(want));
  }
}

TEST_F(Wanted, SomeOfTheGrainIsKept) {
  Developer developer = this->developer();
  const Image grainy = developer.picture(frame_, {.keeps_grain = true}),
              clean = developer.picture(frame_);
  ASSERT_NE(samples_of(grainy), samples_of(clean));
  const DenoiseStrength strength{0.6, 0.9};
  const Samples want = samples_of(with_some_grain(grainy, clean, strength));
  EXPECT_EQ(picture(*raw_, {.strength = strength}), want);
  EXPECT_EQ(picture(raw_->mosaic(), {.strength = strength}), want);
  EXPECT_EQ(samples_of(filed({.picture = {.strength = strength}})), want);
  EXPECT_EQ(picture(*raw_, {.strength = {0, 0}}), samples_of(grainy));
}

TEST_F(Wanted, PicturesAreTurnedCroppedAndResized) {
  const Image plain{width, height, 3, picture(*raw_), {}};
  Image on_its_side = plain;
  on_its_side.metadata.orientation = 6;
  EXPECT_EQ(picture(*raw_, {.rotate = 90}), samples_of(upright(on_its_side)));
  EXPECT_EQ(Develop::picture_size(*raw_, {.rotate = 270}), (PictureSize{height, width}));
  EXPECT_EQ(picture(*raw_, {.crop = Crop::camera}), samples_of(part_of(plain, {4, 6, 24, 32})));
  const PictureOptions all{.crop = Crop::camera, .rotate = 90, .size = LongestSide{16}};
  EXPECT_EQ(Develop::picture_size(*raw_, all), (PictureSize{12, 16}));
  const Image file = filed({.picture = all});
  EXPECT_EQ(file.width, 12);
  EXPECT_EQ(file.height, 16);
  EXPECT_EQ(picture(*raw_, all), samples_of(file));
  EXPECT_EQ(Develop::picture_size(raw_->mosaic(), {.rotate = 90, .size = ShareOfSize{0.5}}),
            (PictureSize{20, 24}));
  EXPECT_EQ(Develop::picture_size(*raw_, {.size = WithinSize{24, 8}}), (PictureSize{10, 8}));
}

TEST_F(Wanted, LensesAreCorrected) {
  Mosaic facts = frame_;
  const auto lens = lens_of_opcodes(facts);
  ASSERT_TRUE(lens);
  const Image want = developer().picture(frame_, {.lens = lens.get()});
  EXPECT_EQ(picture(*raw_, {.lens = "auto"}), samples_of(want));
  EXPECT_NE(samples_of(want), picture(*raw_, {.lens = "none"}));
  const Image file = filed({.picture = {.lens = "auto"}});
  EXPECT_EQ(samples_of(file), samples_of(want));
  EXPECT_THAT(std::string(file.metadata.xmp.begin(), file.metadata.xmp.end()),
              HasSubstr("FixVignetteRadial"));
}

TEST_F(Wanted, FilesAreWrittenAsWanted) {
  EXPECT_EQ(filed({.depth = 8}, "out.png").samples.index(), 0u);
  const auto size_at = [&](int quality) {
    develop_->file(file_, folder_ / "out.jpg", {.quality = quality});
    return std::filesystem::file_size(folder_ / "out.jpg");
  };
  EXPECT_LT(size_at(30), size_at(95));
  // Which we do not read ourselves.
  EXPECT_THAT(error_of([&] { filed({.picture = {.exposure = 2}, .depth = 32}, "floats.tif"); }),
              HasSubstr("floating-point samples"));
  EXPECT_FALSE(filed({}).metadata.exif.empty());
  EXPECT_LT(filed({.strip_metadata = true}).metadata.exif.size(), filed({}).metadata.exif.size());
}

TEST_F(Wanted, ADngKeepsWhatARawConverterWouldDo) {
  const PictureOptions options{
      .strength = {0.5, 0.5}, .white_balance = LightColour{4000, 0}, .rotate = 180};
  develop_->file(file_, folder_ / "out.dng", {.picture = options});
  const auto written = std::get<LinearFrame>(read_raw_frame(folder_ / "out.dng"));
  Mosaic balanced = frame_;
  balance_as_wanted(balanced, options.white_balance);
  EXPECT_NEAR(written.facts.white_balance[0], balanced.white_balance[0], 1e-4);
  EXPECT_EQ(written.facts.orientation, 3);
  ASSERT_TRUE(written.facts.noise_reduction);
  EXPECT_NEAR(written.facts.noise_reduction->applied, 0.5, 1e-6);
  for (const FileOptions& refused :
       std::initializer_list<FileOptions>{{.picture = {.exposure = 1}},
                                          {.picture = {.highlights = HighlightMode::blend}},
                                          {.picture = {.colour_space = OutputSpace::rec2020}},
                                          {.picture = {.lens = "auto"}},
                                          {.picture = {.part = Region{0, 0, 8, 8}}},
                                          {.picture = {.crop = Crop::camera}},
                                          {.picture = {.size = LongestSide{20}}},
                                          {.depth = 16}})
    expect_file_refused(refused, "refused.dng", "would have no effect");
}

TEST_F(Wanted, WhatCannotBeIsRefused) {
  expect_refused({.strength = {1.1, 1}}, "strength is 1.1");
  expect_refused({.strength = {1, nan}}, "strength is nan");
  expect_refused({.white_balance = LightColour{1999, 0}},
                 "cannot be 1999 kelvin with a tint of 0; 2000");
  expect_refused({.white_balance = LightColour{5000, nan}}, "2000 to 15000 kelvin");
  expect_refused({.white_balance = GreyPlace{-1, 0}}, "cannot be of a grey place at -1,0");
  expect_refused({.white_balance = GreyPlace{width, 0}}, "has no grey place at 48,0");
  expect_refused({.exposure = 10.5}, "exposure is 10.5 stops");
  expect_refused({.exposure = nan}, "exposure is nan");
  expect_refused({.highlights = HighlightMode(3)}, "highlights are 3");
  expect_refused({.colour_space = OutputSpace(-1)}, "colour space is -1");
  expect_refused({.crop = Crop(2)}, "crop is 2");
  expect_refused({.rotate = 45}, "turned by 45 degrees");
  expect_refused({.size = LongestSide{0}}, "sides of 1 to 65535");
  expect_refused({.size = ShareOfSize{nan}}, "cannot be a share of nan; sides");
  expect_refused({.size = WithinSize{10, 70000}},
                 "cannot be within 10x70000 pixels; sides of 1 to 65535");
  expect_refused({.part = Region{0, 0, height + 1, 8}}, "40");
  expect_refused({.part = Region{0, 0, 0, 8}}, "");
  expect_refused({.part = Region{0, 0, 8, 8}, .crop = Crop::camera}, "no effect");
  expect_refused({.part = Region{0, 0, 8, 8}, .size = LongestSide{8}}, "no effect");
  expect_file_refused({.quality = 0}, "out.jpg", "quality is 0");
  expect_file_refused({.depth = 16}, "out.jpg", "");
  expect_file_refused({.depth = 7}, "out.png", "");
  expect_file_refused({.picture = {.size = LongestSide{8}}, .depth = 32}, "out.tif",
                      "leave one of them out");
}

TEST_F(Wanted, AMosaicViewKnowsNoLensAndNoCrop) {
  Samples samples(untouched());
  const ImageBuffer out{samples.data(), width, height, 3, 0, SampleType::u16};
  for (const PictureOptions& options :
       std::initializer_list<PictureOptions>{{.lens = "auto"}, {.crop = Crop::camera}}) {
    const auto action = [&] { develop_->picture(raw_->mosaic(), out, options); };
    EXPECT_EQ(code_of(action), ErrorCode::bad_argument);
    EXPECT_THAT(error_of(action), HasSubstr("take the RawFile"));
    EXPECT_THROW(Develop::picture_size(raw_->mosaic(), options), Error);
  }
  EXPECT_EQ(samples, untouched());
}

TEST_F(Wanted, TheBufferMustHaveThePicturesSize) {
  Samples samples(untouched());
  const ImageBuffer out{samples.data(), width, height, 3, 0, SampleType::u16};
  EXPECT_THAT(error_of([&] { develop_->picture(*raw_, out, {.rotate = 90}); }),
              HasSubstr("the result is 40x48"));
  EXPECT_EQ(samples, untouched());
}

TEST_F(Wanted, AModelThatIsNotToldTheNoiseCannotKeepAnyOfIt) {
  const auto path = folder_ / "untold.safetensors";
  save_model(path,
             untrained(make_network("develop-16", {.width = 4, .hidden = 3}),
                       {.task = Task::develop, .name = "tiny"}, 3),
             Precision::f32);
  develop_.emplace(path);
  expect_refused({.strength = {0.5, 1}}, "is not told the noise");
}

TEST_F(Wanted, NoiseIsNotRemovedTwiceUnlessToldSo) {
  Mosaic denoised = frame_;
  denoised.noise_reduction = {1, true};
  write_dng(folder_ / "done.dng", denoised);
  const RawFile done(folder_ / "done.dng");
  EXPECT_THAT(error_of([&] { picture(done); }),
              HasSubstr("the photo: its noise was removed already"));
  picture(done, {.strength = {0, 0}});
  develop_.emplace(model_, Options{.again = true});
  picture(done);
}

TEST_F(Wanted, MonochromeFilesHaveNoColoursToChange) {
  LinearFrame grey;
  grey.facts.width = width;
  grey.facts.height = height;
  grey.light = Tensor({1, 1, height, width});
  std::fill_n(grey.light.data(), grey.light.size(), 0.25f);
  write_linear_dng(file_, grey.light, grey.facts);
  save("develop-rgb", model_);
  develop_.emplace(model_);
  EXPECT_EQ(filed({.picture = {.exposure = 1}}).channels, 1);
  expect_file_refused({.picture = {.white_balance = Automatic{}}}, "grey.png", "is monochrome");
  expect_file_refused({.picture = {.highlights = HighlightMode::blend}}, "grey.png",
                      "is monochrome");
  expect_file_refused({.depth = 32}, "grey.tif", "is monochrome");
}

// ---- X-Trans

TEST_F(Wanted, XTransIsDevelopedInMemory) {
  Mosaic mosaic = frame_;
  mosaic.cfa = XTrans{2, 5};
  write_dng(folder_ / "x.dng", mosaic);
  const RawFile raw(folder_ / "x.dng");
  const MosaicView view = raw.mosaic();
  ASSERT_TRUE(view.x_trans);
  EXPECT_EQ((XTrans{view.x_trans->row, view.x_trans->column}), XTrans({2, 5}));
  // The Bayer model is another's.
  EXPECT_THAT(error_of([&] { picture(view); }), HasSubstr("this one is x-trans"));
  develop_.emplace(x_trans_model_);
  const auto model = std::make_shared<const Model>(Model::load(x_trans_model_));
  Developer developer(model, {.engine = {.precision = fastest_precision(model->graph())}});
  const Image want = developer.picture(read_camera_file(folder_ / "x.dng"));
  EXPECT_EQ(picture(view), samples_of(want));
  EXPECT_EQ(picture(raw), samples_of(want));
  std::vector<float> light(size_t(width) * height * 3);
  develop_->camera_rgb(view, {light.data(), width, height, 3, 0, SampleType::f32});
  EXPECT_EQ(light[3], developer.camera_rgb(mosaic).at(0, 0, 0, 1));
}

TEST_F(Wanted, XTransThatCannotBeIsRefused) {
  Samples samples(untouched());
  const ImageBuffer out{samples.data(), width, height, 3, 0, SampleType::u16};
  develop_.emplace(x_trans_model_);
  MosaicView view = raw_->mosaic();
  view.x_trans = XTransPhase{0, 6};
  EXPECT_THAT(error_of([&] { develop_->picture(view, out); }), HasSubstr("0,0 to 5,5"));
  view.x_trans = XTransPhase{};
  view.black[1] = 7;
  EXPECT_THAT(error_of([&] { develop_->picture(view, out); }), HasSubstr("black levels differ"));
  view.black[1] = view.black[0];
  view.width = view.height = 5;
  EXPECT_THAT(error_of([&] {
                develop_->picture(view, {samples.data(), 5, 5, 3, 0, SampleType::u16});
              }),
              HasSubstr("at least 6x6"));
  EXPECT_EQ(samples, untouched());
}

}  // namespace
}  // namespace hyperconv
