#include "pipeline/denoise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"
#include "simulation/scene.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Model> tiny(const Graph& graph, Task task = Task::denoise) {
  return std::make_shared<const Model>(untrained(graph, {.task = task, .name = "tiny"}, 3));
}

std::shared_ptr<const Model> residual_model() {
  return tiny(small_denoiser({.width = 4, .hidden = 3}));
}

/// What it adds is a 3x3 mean minus the middle: it blurs. `channels` more follow.
std::shared_ptr<const Model> blur_model(int channels = 3) {
  Graph graph;
  const NodeId input = graph.add("input", Input{3}, {});
  graph.add("conv", Conv2d{channels, 3}, {input});
  std::map<std::string, std::vector<float>> weights;
  weights["conv.bias"].assign(size_t(channels), 0);
  auto& w = weights["conv.weight"];
  w.assign(size_t(channels) * 27, 0);
  for (size_t c = 0; c < 3; ++c)
    for (size_t tap = 0; tap < 9; ++tap)
      w[c * 27 + c * 9 + tap] = 1.0f / 9 - (tap == 4 ? 1.0f : 0.0f);
  for (size_t c = 3; c < size_t(channels); ++c) w[c * 27] = 100;
  return std::make_shared<const Model>(graph, ModelInfo{Task::denoise, "blur", "", ""}, weights);
}

/// The top left of the painted scene, in any depth and number of channels.
template <class Sample>
Image photo(int width, int height, int channels = 3, int side = 0) {
  const int whole = std::max({64, width, height, side});
  const std::vector<float> scene = to_float(painted_scene(whole, whole));
  const double white = std::numeric_limits<Sample>::max();
  Image image{width, height, channels, {}, {}};
  std::vector<Sample> samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        const bool is_alpha = channels % 2 == 0 && c == channels - 1;
        const size_t at = size_t((y * whole + x) * 3 + (is_alpha ? 1 : c));
        samples.push_back(Sample(scene[at] * white + 0.5));
      }
  image.samples = std::move(samples);
  return image;
}

/// What the network says, all of it.
const DenoiseOptions unlimited{.engine = {}, .noise_limit = 0};

TEST(Denoiser, AddsWhatTheNetworkSays) {
  const Image noisy = photo<uint8_t>(70, 50);
  const auto in = std::get<std::vector<uint8_t>>(noisy.samples);
  const auto out =
      std::get<std::vector<uint8_t>>(Denoiser(blur_model(), unlimited).picture(noisy).samples);
  const auto at = [&](int y, int x, int c) {
    // Mirrored at the edges.
    y = y < 0 ? -y : y >= 50 ? 98 - y : y;
    x = x < 0 ? -x : x >= 70 ? 138 - x : x;
    return int(in[size_t((y * 70 + x) * 3 + c)]);
  };
  for (int y = 0; y < 50; ++y)
    for (int x = 0; x < 70; ++x)
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) sum += at(y + dy, x + dx, c);
        ASSERT_NEAR(int(out[size_t((y * 70 + x) * 3 + c)]), sum / 9.0, 0.51) << y << " " << x;
      }
}

// VDN's other three channels say how sure it is, and are not added.
TEST(Denoiser, TakesNetworksOfSixChannels) {
  const Image noisy = photo<uint16_t>(33, 21);
  EXPECT_EQ(Denoiser(blur_model(6)).picture(noisy).samples,
            Denoiser(blur_model(3)).picture(noisy).samples);
}

TEST(Denoiser, TakesPhotosOfAnySizeDepthAndChannels) {
  Denoiser denoiser(residual_model());
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {17, 2}, {64, 48}, {45, 67}})
    for (const int channels : {1, 2, 3, 4}) {
      const Image a = denoiser.picture(photo<uint8_t>(width, height, channels));
      const Image b = denoiser.picture(photo<uint16_t>(width, height, channels));
      for (const Image* image : {&a, &b}) {
        EXPECT_EQ(image->width, width);
        EXPECT_EQ(image->height, height);
        EXPECT_EQ(image->channels, channels);
      }
      EXPECT_EQ(a.samples.index(), 0u);
      EXPECT_EQ(b.samples.index(), 1u);
      EXPECT_NE(b.samples, photo<uint16_t>(width, height, channels).samples);
    }
}

TEST(Denoiser, DepthsAgree) {
  const Image shallow = photo<uint8_t>(50, 40);
  Image deep = shallow;
  std::vector<uint16_t> samples;
  for (const uint8_t s : std::get<std::vector<uint8_t>>(shallow.samples))
    samples.push_back(uint16_t(257 * s));
  deep.samples = samples;
  Denoiser denoiser(residual_model());
  const auto a = std::get<std::vector<uint8_t>>(denoiser.picture(shallow).samples);
  const auto b = std::get<std::vector<uint16_t>>(denoiser.picture(deep).samples);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(257.0 * a[i], b[i], 130);
}

TEST(Denoiser, StrengthZeroIsThePhotoBitForBit) {
  Denoiser denoiser(residual_model());
  const Image shallow = photo<uint8_t>(40, 30, 4), deep = photo<uint16_t>(40, 30);
  EXPECT_EQ(denoiser.picture(shallow, {0, 0}).samples, shallow.samples);
  EXPECT_EQ(denoiser.picture(deep, {0, 0}).samples, deep.samples);
  // Also where the network runs for its noise map.
  const Region all{0, 0, 30, 40};
  EXPECT_EQ(denoiser.picture_and_noise(deep, all, {0, 0}).picture.samples, deep.samples);
  EXPECT_THROW(denoiser.picture(deep, {1.1, 0}), Error);
  EXPECT_THROW(denoiser.picture(deep, {0, std::nan("")}), Error);
}

/// Of a grey photo's samples in rows [0, 100) and these columns, the root of the mean square of
/// their distance from `middle`.
double deviation(const Image& image, int first, int end, double middle) {
  const auto& samples = std::get<std::vector<uint16_t>>(image.samples);
  double sum = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = first; x < end; ++x)
      sum += std::pow(samples[size_t(y * image.width + x)] / 65535.0 - middle, 2);
  return std::sqrt(sum / (image.height * (end - first)));
}

// Noise everywhere, and fine stripes of the same mean at the right, which the blur would remove as
// it removes noise.
TEST(Denoiser, RemovesNoMoreThanThePhotosNoise) {
  Image photo{400, 100, 1, {}, {}};
  Random random(2);
  std::vector<uint16_t> samples;
  for (int i = 0; i < 400 * 100; ++i) {
    const int x = i % 400;
    const double stripes = x < 300 ? 0 : (x % 2 == 0 ? 0.1 : -0.1);
    samples.push_back(uint16_t(65535 * (0.45 + stripes + 0.005 * random.normal())));
  }
  photo.samples = samples;
  const Image all = Denoiser(blur_model(), unlimited).picture(photo);
  const Image limited = Denoiser(blur_model()).picture(photo);
  // White noise keeps a ninth of its variance, stripes a ninth of their height (3 of 9 pixels are
  // of one kind and 6 of the other).
  EXPECT_NEAR(deviation(all, 0, 290, 0.45), 0.005 / 3, 0.0001);
  EXPECT_NEAR(deviation(all, 310, 390, 0.45), 0.1 / 3, 0.001);
  // At 1.25 times a tenth's level (0.9) the limit shortens some noise a little.
  EXPECT_LT(deviation(limited, 0, 290, 0.45), 0.005 / 2.8);
  EXPECT_GT(deviation(limited, 310, 390, 0.45), 0.09);
  EXPECT_THROW(Denoiser(blur_model(), {.engine = {}, .noise_limit = -1}), Error);
}

bool is_cut(const std::vector<uint16_t>& samples, size_t pixel) {
  const auto first = samples.begin() + std::ptrdiff_t(3 * pixel);
  return std::any_of(first, first + 3, [](uint16_t s) { return s == 0 || s == 65535; });
}

double luma(const std::vector<uint16_t>& samples, size_t pixel) {
  return 0.2126 * samples[3 * pixel] + 0.7152 * samples[3 * pixel + 1] +
         0.0722 * samples[3 * pixel + 2];
}

TEST(Denoiser, LumaAndColourHaveAStrengthOfTheirOwn) {
  Denoiser denoiser(blur_model());
  const Image noisy = photo<uint16_t>(60, 40);
  const auto samples = [](const Image& image) {
    return std::get<std::vector<uint16_t>>(image.samples);
  };
  const auto in = samples(noisy), full = samples(denoiser.picture(noisy)),
             colour = samples(denoiser.picture(noisy, {0, 1})),
             bright = samples(denoiser.picture(noisy, {1, 0})),
             half = samples(denoiser.picture(noisy, {0.5, 0.5}));
  size_t looked_at = 0;
  for (size_t i = 0; i < in.size() / 3; ++i) {
    if (is_cut(colour, i) || is_cut(bright, i) || is_cut(full, i)) continue;
    ++looked_at;
    ASSERT_NEAR(luma(colour, i), luma(in, i), 1);
    ASSERT_NEAR(luma(bright, i), luma(full, i), 1);
    for (size_t c = 0; c < 3; ++c) {
      ASSERT_NEAR(half[3 * i + c], (in[3 * i + c] + full[3 * i + c]) / 2.0, 1);
      // The differences of colours are the photo's.
      ASSERT_NEAR(bright[3 * i + c] - luma(bright, i), in[3 * i + c] - luma(in, i), 2);
    }
  }
  EXPECT_GT(looked_at, in.size() / 6);
  EXPECT_NE(colour, in);
}

TEST(Denoiser, GreyIsSeenAsColourAndAlphaIsKept) {
  Denoiser denoiser(blur_model());
  const Image grey = photo<uint16_t>(30, 20, 1), with_alpha = photo<uint16_t>(30, 20, 2);
  const auto a = std::get<std::vector<uint16_t>>(denoiser.picture(grey).samples);
  const auto b = std::get<std::vector<uint16_t>>(denoiser.picture(with_alpha).samples);
  const auto alpha = std::get<std::vector<uint16_t>>(with_alpha.samples);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(b[2 * i], a[i]);
    ASSERT_EQ(b[2 * i + 1], alpha[2 * i + 1]);
  }
  // Colour's strength does nothing to grey.
  EXPECT_EQ(denoiser.picture(grey, {0, 1}).samples, grey.samples);
  EXPECT_EQ(std::get<std::vector<uint16_t>>(denoiser.picture(grey, {1, 0}).samples), a);
}

TEST(Denoiser, MetadataAreHandedOn) {
  Image noisy = photo<uint8_t>(20, 20);
  noisy.metadata = {{1, 2, 3}, {4, 5}, 6};
  const Image clean = Denoiser(blur_model()).picture(noisy);
  EXPECT_EQ(clean.metadata.icc, noisy.metadata.icc);
  EXPECT_EQ(clean.metadata.exif, noisy.metadata.exif);
  EXPECT_EQ(clean.metadata.orientation, 6);
}

Image cut_of(const Image& image, const Region& part) {
  Image cut{int(part.width), int(part.height), image.channels, {}, {}};
  std::vector<uint16_t> samples;
  const auto& all = std::get<std::vector<uint16_t>>(image.samples);
  for (int64_t y = part.top; y < part.top + part.height; ++y)
    for (int64_t x = part.left * 3; x < (part.left + part.width) * 3; ++x)
      samples.push_back(all[size_t(y * image.width * 3 + x)]);
  cut.samples = std::move(samples);
  return cut;
}

/// Layer by layer, convolutions make four rows at once, and where they begin decides the last bit.
void expect_same_but_for_roundings(const Image& a, const Image& b) {
  const auto& first = std::get<std::vector<uint16_t>>(a.samples);
  const auto& second = std::get<std::vector<uint16_t>>(b.samples);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) ASSERT_NEAR(first[i], second[i], 1) << i;
}

// Filters follow from the whole photo, and the margin is as wide as the network looks.
TEST(Denoiser, APartIsThatPartOfTheWhole) {
  Denoiser denoiser(residual_model());
  const Image noisy = photo<uint16_t>(300, 260);
  const Image whole = denoiser.picture(noisy);
  for (const Region& part : {Region{0, 0, 20, 30}, Region{101, 77, 33, 51}, Region{259, 299, 1, 1},
                             Region{0, 0, 260, 300}})
    EXPECT_EQ(denoiser.part(noisy, part).samples, cut_of(whole, part).samples);
  EXPECT_THROW(denoiser.part(noisy, {0, 0, 261, 10}), Error);
  EXPECT_THROW(denoiser.part(noisy, {0, 0, 0, 10}), Error);
  EXPECT_THROW(denoiser.part(noisy, {-1, 0, 5, 5}), Error);
}

TEST(Denoiser, LittleMemoryGivesTheSamePicture) {
  const Image noisy = photo<uint16_t>(500, 390);
  const Image whole = Denoiser(residual_model()).picture(noisy);
  const int64_t frame = int64_t(600) * 700 * 6 * 4;
  Denoiser small(residual_model(), {.engine = {.threads = 1}, .memory = frame / 2});
  EXPECT_EQ(small.picture(noisy).samples, whole.samples);
  Denoiser by_layers(residual_model(),
                     {.engine = {.threads = 1, .execution = Execution::whole}, .memory = frame});
  expect_same_but_for_roundings(by_layers.picture(noisy), whole);
  Denoiser none(residual_model(), {.engine = {}, .memory = 1000});
  try {
    none.picture(noisy);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("too little"));
  }
}

TEST(Denoiser, RefusesModelsForSomethingElse) {
  const auto message = [](const std::shared_ptr<const Model>& model) -> std::string {
    try {
      Denoiser denoiser(model);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_THAT(message(tiny(hyper_unet({.width = 4, .hidden = 2}), Task::develop)),
              HasSubstr("for the task 'develop', not for 'denoise'"));
  EXPECT_THAT(message(tiny(hyper_unet({.width = 4, .hidden = 2}))), HasSubstr("takes 4 channels"));
  Graph odd;
  odd.add("conv", Conv2d{5, 3}, {odd.add("input", Input{3}, {})});
  EXPECT_THAT(message(tiny(odd)), HasSubstr("[1,5,1,1]"));
  EXPECT_EQ(message(tiny(vdn_denoiser(4))), "taken");
}

TEST(NoiseMap, OfWhatWasRemovedIsItsLocalDeviation) {
  // A flat photo with noise on its right half: blurring it removes 8/9 of white noise's variance.
  Image noisy{200, 100, 3, {}, {}};
  Random random(1);
  const double sigma = 0.02;
  std::vector<uint16_t> samples;
  for (int i = 0; i < 200 * 100 * 3; ++i) {
    const bool is_noisy = (i / 3) % 200 >= 100;
    samples.push_back(uint16_t(65535 * (0.5 + (is_noisy ? sigma * random.normal() : 0))));
  }
  noisy.samples = samples;
  Denoiser denoiser(blur_model(), unlimited);
  const Image map = denoiser.removed_noise(noisy, {0, 0, 100, 200});
  const auto levels = std::get<std::vector<uint16_t>>(map.samples);
  double left = 0, right = 0;
  for (int y = 0; y < 100; ++y)
    for (int x = 0; x < 80; ++x) {
      left = std::max(left, double(levels[size_t((y * 200 + x) * 3)]));
      right += levels[size_t((y * 200 + 120 + x) * 3 + 1)] / 8000.0;
    }
  EXPECT_LT(left, 10);
  EXPECT_NEAR(right / 65535 / noise_map_scale, sigma * std::sqrt(8.0 / 9), 0.05 * sigma);
  EXPECT_EQ(denoiser.removed_noise(photo<uint8_t>(20, 20, 1), {5, 5, 3, 4}).channels, 1);
}

TEST(NoiseMap, OfAnSNetIsTheModeOfItsDistribution) {
  // log alpha = 1, log beta = -5 everywhere.
  Graph graph;
  graph.add("conv", Conv2d{6, 3}, {graph.add("input", Input{3}, {})});
  std::map<std::string, std::vector<float>> weights;
  weights["conv.weight"].assign(6 * 27, 0);
  weights["conv.bias"] = {1, 1, 1, -5, -5, -5};
  const auto model =
      std::make_shared<const Model>(graph, ModelInfo{Task::noise, "s", "", ""}, weights);
  const Image map = estimated_noise(model, photo<uint8_t>(40, 30), {1, 2, 10, 20});
  EXPECT_EQ(map.width, 20);
  EXPECT_EQ(map.height, 10);
  const double deviation = std::sqrt(std::exp(-5.0) / (std::exp(1.0) + 1));
  for (const uint16_t level : std::get<std::vector<uint16_t>>(map.samples))
    ASSERT_NEAR(level, 65535 * noise_map_scale * deviation, 1);
  EXPECT_THROW(estimated_noise(tiny(vdn_denoiser(4)), photo<uint8_t>(9, 9), {0, 0, 9, 9}), Error);
}

}  // namespace
}  // namespace hyperconv
