#include "pipeline/develop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/testing.hpp"
#include "engine/reference/reference.hpp"
#include "hyperconv/error.hpp"
#include "network/zoo.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"
#include "raw/stabilised.hpp"
#include "simulation/linear_shot.hpp"
#include "simulation/scene.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

std::shared_ptr<const Model> tiny_model(Task task = Task::develop) {
  const Graph graph = hyper_unet({.width = 4, .hidden = 4, .linear_path = true});
  return std::make_shared<const Model>(untrained(graph, {.task = task, .name = "tiny"}, 3));
}

/// A network that hands its input on: R, the mean of both greens, B of the cell to its four pixels.
std::shared_ptr<const Model> nearest_neighbour_model(Domain domain = Domain::linear) {
  Graph graph;
  const NodeId input = graph.add("input", Input{4}, {});
  const NodeId conv = graph.add("conv", Conv2d{12, 1}, {input});
  graph.add("output", PixelShuffle{2}, {conv});
  std::map<std::string, std::vector<float>> weights;
  weights["conv.bias"].assign(12, 0);
  auto& w = weights["conv.weight"];
  w.assign(12 * 4, 0);
  for (size_t pixel = 0; pixel < 4; ++pixel) {
    w[(0 + pixel) * 4 + 0] = 1;
    w[(4 + pixel) * 4 + 1] = 0.5f;
    w[(4 + pixel) * 4 + 2] = 0.5f;
    w[(8 + pixel) * 4 + 3] = 1;
  }
  return std::make_shared<const Model>(graph, ModelInfo{.name = "nearest", .domain = domain},
                                       weights);
}

/// The top left of the painted scene, which cannot be painted smaller than 64x64.
Mosaic scene_mosaic(int width, int height, Cfa cfa = Cfa::rggb) {
  constexpr int side = 80;
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(side, side)), camera);
  Random random(1);
  Mosaic whole = expose(scene, camera, {.cfa = cfa, .noise = {1e-3, 1e-6}}, random);
  Mosaic part = whole;
  part.width = width;
  part.height = height;
  part.samples.clear();
  for (int y = 0; y < height; ++y)
    part.samples.insert(part.samples.end(), &whole.samples[size_t(y * side)],
                        &whole.samples[size_t(y * side)] + width);
  return part;
}

// What the network hands on is the same in any light, but for the mean of both greens.
TEST(Developer, ADomainsCurveLeadsBackToLinearLight) {
  Mosaic mosaic = scene_mosaic(40, 36);
  Developer linear(nearest_neighbour_model());
  Developer stabilised(nearest_neighbour_model(Domain::stabilised));
  const Tensor want = linear.camera_rgb(mosaic);
  const Image picture = linear.picture(mosaic);
  for (const NoiseProfile noise : {NoiseProfile{1e-3, 1e-6}, {2e-2, 1e-3}, {0, 0}}) {
    mosaic.noise = noise;
    const Tensor got = stabilised.camera_rgb(mosaic);
    ASSERT_EQ(got.shape(), want.shape());
    for (const int64_t c : {0, 2})
      for (int64_t y = 0; y < want.shape().h; ++y)
        for (int64_t x = 0; x < want.shape().w; ++x)
          // A few roundings of values up to 1, squared (raw/stabilised_test.cpp).
          ASSERT_NEAR(got.at(0, c, y, x), want.at(0, c, y, x), 3e-6);
    // As the picture shows it: the same but where the greens differ, which is noise.
    const Image other = stabilised.picture(mosaic);
    const auto& a = std::get<std::vector<uint16_t>>(picture.samples);
    const auto& b = std::get<std::vector<uint16_t>>(other.samples);
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double(a[i]) - double(b[i]));
    EXPECT_LT(sum / double(a.size()), 0.01 * 65535);
  }
}

/// Adds to every cell what it is told of R's shot noise.
std::shared_ptr<const Model> telling_model(const std::string& name = "noise", int channels = 6) {
  Graph graph;
  const NodeId input = graph.add("input", Input{4}, {});
  const NodeId told = graph.add(name, SideInput{channels}, {});
  const NodeId first = graph.add("first", Conv2d{12, 1}, {told});
  const NodeId cells = graph.add("cells", Conv2d{12, 1}, {input});
  graph.add("output", PixelShuffle{2}, {graph.add("sum", Add{}, {cells, first})});
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name].assign(size_t(p.count()), 0);
  for (size_t out = 0; out < 12; ++out) weights["first.weight"][out * size_t(channels)] = 1;
  return std::make_shared<const Model>(graph, ModelInfo{.name = "telling"}, weights);
}

TEST(Developer, TellsTheNetworkTheNoise) {
  Mosaic mosaic = scene_mosaic(40, 36);
  mosaic.noise = NoiseProfile{1e-3, 1e-6};
  const auto told = [&](const NoiseProfile& noise) {
    return noise_condition(noise, balance_gains(mosaic.white_balance))[0];
  };
  Developer developer(telling_model());
  EXPECT_FLOAT_EQ(developer.camera_rgb(mosaic).at(0, 1, 7, 9), told(*mosaic.noise));
  EXPECT_EQ(developer.noise()->profile, *mosaic.noise);
  EXPECT_EQ(developer.noise()->source, NoiseSource::file);

  const NoiseProfile given{5e-3, 1e-5};
  Developer with_given(telling_model(), {.noise = given});
  EXPECT_FLOAT_EQ(with_given.camera_rgb(mosaic).at(0, 1, 7, 9), told(given));
  EXPECT_EQ(with_given.noise()->source, NoiseSource::given);

  // Estimated: within a factor of two of the truth, even on so small a picture.
  mosaic.noise.reset();
  developer.camera_rgb(mosaic);
  EXPECT_EQ(developer.noise()->source, NoiseSource::estimated);
}

// A model that is told nothing of noise takes none away: its picture is the mosaic's own grain.
TEST(Developer, KeepsTheGrainByTellingOfNoNoise) {
  Mosaic mosaic = scene_mosaic(40, 36);
  mosaic.noise = NoiseProfile{1e-3, 1e-6};
  Developer developer(telling_model());
  const float none = noise_condition({}, balance_gains(mosaic.white_balance))[0];
  EXPECT_FLOAT_EQ(developer.camera_rgb(mosaic, true).at(0, 1, 7, 9), none);
  EXPECT_EQ(developer.noise()->profile, *mosaic.noise);  // what is known of it stays
  EXPECT_THAT(error_of([&] { Developer(tiny_model()).camera_rgb(mosaic, true); }),
              testing::HasSubstr("not told the noise"));
}

TEST(Developer, APartIsThatPartOfThePicture) {
  const Mosaic mosaic = scene_mosaic(61, 47);
  Developer developer(tiny_model());
  for (const HighlightMode mode : {HighlightMode::clip, HighlightMode::rebuild}) {
    const Rendering rendering{.highlights = mode};
    const Image whole = developer.picture(mosaic, rendering);
    const Region part{5, 8, 20, 31};
    const Image seen = developer.picture(mosaic, {.rendering = rendering, .part = part});
    ASSERT_EQ(seen.width, part.width);
    ASSERT_EQ(seen.height, part.height);
    const auto& all = std::get<std::vector<uint16_t>>(whole.samples);
    const auto& some = std::get<std::vector<uint16_t>>(seen.samples);
    for (int64_t y = 0; y < part.height; ++y)
      for (int64_t i = 0; i < 3 * part.width; ++i)
        ASSERT_EQ(some[size_t(y * 3 * part.width + i)],
                  all[size_t(((part.top + y) * 61 + part.left) * 3 + i)]);
  }
  EXPECT_THAT(error_of([&] {
                developer.picture(mosaic, PictureRequest{.part = Region{0, 40, 10, 30}});
              }),
              testing::HasSubstr("not within"));
}

TEST(Developer, RefusesOtherSideInputs) {
  EXPECT_THAT(error_of([] { Developer(telling_model("exposure")); }),
              testing::HasSubstr("'exposure'"));
  EXPECT_THAT(error_of([] { Developer(telling_model("noise", 5)); }),
              testing::HasSubstr("of 5 numbers"));
}

TEST(Developer, TakesPhotosOfAnySize) {
  Developer developer(tiny_model());
  for (const auto& [width, height] : {std::array{2, 2}, std::array{3, 2}, std::array{2, 9},
                                      std::array{17, 31}, std::array{64, 40}, std::array{65, 41}}) {
    const Image picture = developer.picture(scene_mosaic(width, height));
    EXPECT_EQ(picture.width, width);
    EXPECT_EQ(picture.height, height);
  }
}

// Every pixel of the padded run equals the run of a frame mirrored much farther: nothing of the
// network's own zero padding reaches the photo.
TEST(Developer, EdgesDoNotFeelThePadding) {
  const auto graph = plain_unet({.width = 3});
  const auto model = std::make_shared<const Model>(untrained(graph, {}, 8));
  const Mosaic mosaic = scene_mosaic(30, 22, Cfa::grbg);
  const Tensor photo = Developer(model).camera_rgb(mosaic);
  // By a multiple of what the network pools, or its grid would lie differently.
  const PackedMosaic wide = pack_mosaic(mosaic, receptive_field(graph) + 80, 4);
  const Tensor frame = reference::run(*model, wide.cells);
  double largest = 0, difference = 0;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < 22; ++y)
      for (int64_t x = 0; x < 30; ++x) {
        const double expected = frame.at(0, c, wide.top + y, wide.left + x);
        largest = std::max(largest, std::fabs(expected));
        difference = std::max(difference, std::fabs(photo.at(0, c, y, x) - expected));
      }
  // Rounding of a dozen layers in float.
  EXPECT_LT(difference, 1e-5 * largest);
}

TEST(Developer, AllPhasesShowTheSamePicture) {
  // Cutting a row or column off changes the phase; the network must see the same cells.
  const Mosaic whole = scene_mosaic(40, 32);
  const auto cut = [&](int dy, int dx) {
    Mosaic part = whole;
    part.cfa = shifted(*whole.cfa.bayer(), dy, dx);
    part.width = whole.width - dx;
    part.height = whole.height - dy;
    part.samples.clear();
    for (int y = dy; y < whole.height; ++y)
      for (int x = dx; x < whole.width; ++x)
        part.samples.push_back(whole.samples[size_t(y * whole.width + x)]);
    return part;
  };
  Developer developer(nearest_neighbour_model());
  const Tensor full = developer.camera_rgb(whole);
  for (const auto& [dy, dx] : {std::array{0, 1}, std::array{1, 0}, std::array{1, 1}}) {
    const Tensor part = developer.camera_rgb(cut(dy, dx));
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 2; y < 28; ++y)
        for (int64_t x = 2; x < 36; ++x)
          ASSERT_EQ(part.at(0, c, y, x), full.at(0, c, y + dy, x + dx)) << dy << dx;
  }
}

Mosaic x_trans_mosaic() {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(190, 150)), camera);
  Random random(1);
  Mosaic mosaic = expose(scene, camera, {.cfa = XTrans{1, 4}, .noise = {1e-3, 1e-6}}, random);
  mosaic.noise = NoiseProfile{1e-3, 1e-6};
  return mosaic;
}

/// The plain interpolation that a network for X-Trans begins with, and nothing else.
std::shared_ptr<const Model> interpolating_model() {
  Graph graph;
  const NodeId input = graph.add("input", Input{36}, {});
  const NodeId colours = graph.add("colours", Conv2d{108, 3}, {input});
  const NodeId cells = graph.add("cells", PixelShuffle{3}, {colours});
  const NodeId sorted = graph.add("sorted", Conv2d{12, 1}, {cells});
  graph.add("output", PixelShuffle{2}, {sorted});
  std::map<std::string, std::vector<float>> weights;
  for (const Parameter& p : parameters(graph)) weights[p.name].assign(size_t(p.count()), 0);
  weights["colours.weight"] = x_trans_interpolation();
  // Four times the colour and the pixel of each channel: see zoo.hpp.
  constexpr std::array<size_t, 12> outputs = {0, 5, 6, 11, 1, 2, 3, 4, 7, 8, 9, 10};
  for (size_t i = 0; i < 12; ++i) weights["sorted.weight"][outputs[i] * 12 + i] = 1;
  const ModelInfo info{.name = "interpolating", .packing = Packing::x_trans};
  return std::make_shared<const Model>(graph, info, weights);
}

TEST(Developer, XTransInAnyPhaseShowsTheSamePicture) {
  const Mosaic whole = x_trans_mosaic();
  Developer developer(interpolating_model());
  EXPECT_EQ(developer.packing(), Packing::x_trans);
  const Tensor full = developer.camera_rgb(whole);
  ASSERT_EQ(full.shape(), (Shape{1, 3, 150, 190}));
  for (int64_t y = 0; y < 150; ++y)
    for (int64_t x = 0; x < 190; ++x) {
      // What was measured stays: the gain is the white balance's, less the smallest of it.
      const int colour = cfa_colour(whole.cfa, y, x);
      const double least =
          *std::min_element(whole.white_balance.begin(), whole.white_balance.end());
      const double light = (whole.samples[size_t(y * 190 + x)] - whole.black[0]) /
                           (whole.white - whole.black[0]) * whole.white_balance[size_t(colour)] /
                           least;
      ASSERT_NEAR(full.at(0, colour, y, x), std::min(light, 1.0), 1e-5) << y << "," << x;
    }
  for (int dy = 0; dy < 6; ++dy) {
    const int dx = (5 * dy + 2) % 6;
    Mosaic later = whole;
    later.cfa = XTrans{(1 + dy) % 6, (4 + dx) % 6};
    later.width = whole.width - dx;
    later.height = whole.height - dy;
    later.samples.clear();
    for (int y = dy; y < whole.height; ++y)
      later.samples.insert(later.samples.end(), &whole.samples[size_t(y * whole.width + dx)],
                           &whole.samples[size_t(y * whole.width)] + whole.width);
    const Tensor moved = developer.camera_rgb(later);
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 8; y < 140; ++y)
        for (int64_t x = 8; x < 180; ++x)
          ASSERT_NEAR(moved.at(0, c, y - dy, x - dx), full.at(0, c, y, x), 1e-6) << dy << dx;
  }
}

TEST(Developer, XTransIsTheSameInPartsAndOnAnyNumberOfThreads) {
  const Mosaic mosaic = x_trans_mosaic();
  const ModelInfo info{.task = Task::develop, .name = "tiny", .domain = Domain::stabilised};
  const auto model =
      std::make_shared<const Model>(untrained_network("develop-xtrans", {.width = 6}, info, 3));
  // Enough for small parts with vectors of 16 floats, and not for the whole.
  Developer developer(model), small(model, {.engine = {.threads = 3}, .memory = 9'000'000});
  const Image picture = developer.picture(mosaic);
  EXPECT_EQ(small.picture(mosaic).samples, picture.samples);
  const Region part{31, 47, 40, 55};
  const Image cut = developer.picture(mosaic, {.part = part});
  const auto& all = std::get<std::vector<uint16_t>>(picture.samples);
  for (int64_t y = 0; y < part.height; ++y)
    for (int64_t i = 0; i < 3 * part.width; ++i)
      ASSERT_EQ(std::get<std::vector<uint16_t>>(cut.samples)[size_t(y * 3 * part.width + i)],
                all[size_t(((part.top + y) * 190 + part.left) * 3 + i)]);
}

// Rows as they are made are those of the picture: of the whole and of a part, with parts beside one
// another and below.
TEST(Developer, RowsAreThePictures) {
  const Mosaic mosaic = scene_mosaic(96, 1240);
  const ModelInfo info{.task = Task::develop, .name = "tiny", .domain = Domain::stabilised};
  const auto model =
      std::make_shared<const Model>(untrained_network("develop", {.width = 6}, info, 3));
  Developer developer(model), small(model, {.memory = 6'000'000});
  for (const std::optional<Region>& part :
       {std::optional<Region>(), std::optional<Region>({31, 7, 1100, 55})}) {
    const PictureRequest request{.rendering = {.highlights = HighlightMode::blend}, .part = part};
    const Image picture = developer.picture(mosaic, request);
    for (Developer* one : {&developer, &small}) {
      std::vector<uint16_t> rows;
      int calls = 0;
      one->picture_rows(mosaic, request, [&](const Image& next) {
        ASSERT_EQ(next.width, picture.width);
        const auto& samples = std::get<std::vector<uint16_t>>(next.samples);
        rows.insert(rows.end(), samples.begin(), samples.end());
        ++calls;
      });
      EXPECT_EQ(rows, std::get<std::vector<uint16_t>>(picture.samples));
      EXPECT_GT(calls, 2);
    }
  }
}

TEST(Developer, RefusesAMosaicOfAnotherPacking) {
  Mosaic mosaic = scene_mosaic(40, 36);
  mosaic.cfa = XTrans{};
  Developer developer(nearest_neighbour_model());
  EXPECT_THAT(error_of([&] { developer.camera_rgb(mosaic); }),
              testing::HasSubstr("develops frames of bayer, and this one is x-trans"));
}

/// A network that hands frames of three colours on as they are.
std::shared_ptr<const Model> copying_model(Domain domain = Domain::linear) {
  Graph graph;
  const NodeId input = graph.add("input", Input{12}, {});
  const NodeId sorted = graph.add("sorted", Conv2d{12, 1}, {input});
  graph.add("output", PixelShuffle{2}, {sorted});
  std::map<std::string, std::vector<float>> weights;
  weights["sorted.bias"].assign(12, 0);
  weights["sorted.weight"].assign(12 * 12, 0);
  for (size_t i = 0; i < 12; ++i) {
    const auto [colour, row, column] = three_colour_places[i];
    weights["sorted.weight"][size_t(4 * colour + 2 * row + column) * 12 + i] = 1;
  }
  const ModelInfo info{.name = "copying", .domain = domain, .packing = Packing::three_colours};
  return std::make_shared<const Model>(graph, info, weights);
}

LinearFrame linear_shot(const LinearShot& shot, double exposure = 0.8) {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(191, 150)), camera);
  Random random(1);
  const SensorSettings sensor{.noise = {1e-3, 1e-6}, .exposure = exposure};
  return linear_frame(take_linear(scene, camera, sensor, shot, NormalNumbers::one_by_one, random),
                      camera, sensor, shot);
}

TEST(Developer, FramesOfThreeColoursGoThroughInEveryPhase) {
  for (const Domain domain : {Domain::linear, Domain::stabilised}) {
    Developer developer(copying_model(domain));
    EXPECT_EQ(developer.packing(), Packing::three_colours);
    for (const std::array<int, 2>& lost : {std::array{0, 0}, std::array{0, 1}, std::array{1, 1}}) {
      const LinearFrame frame = linear_shot({.demosaicking = Demosaicking::malvar, .lost = lost});
      const Tensor rgb = developer.camera_rgb(frame);
      ASSERT_EQ(rgb.shape(), frame.light.shape());
      for (size_t i = 0; i < rgb.size(); ++i)
        ASSERT_NEAR(rgb.data()[i], std::min(frame.light.data()[i], 1.f), 2e-5);
    }
  }
}

TEST(Developer, MonochromeFramesStayMonochrome) {
  const LinearFrame frame = linear_shot({.is_monochrome = true});
  Developer developer(copying_model());
  const Tensor grey = developer.camera_rgb(frame);
  ASSERT_EQ(grey.shape(), frame.light.shape());
  for (size_t i = 0; i < grey.size(); ++i)
    ASSERT_NEAR(grey.data()[i], std::min(frame.light.data()[i], 1.f), 1e-6);
  // What the picture of the frame as it is shows, a step of rounding aside.
  const Image picture = developer.picture(frame), plain = picture_of(frame);
  ASSERT_EQ(picture.channels, 1);
  const auto& got = std::get<std::vector<uint16_t>>(picture.samples);
  const auto& want = std::get<std::vector<uint16_t>>(plain.samples);
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 2);
  const Image part = developer.picture(frame, {.part = Region{10, 20, 30, 40}});
  EXPECT_EQ(std::get<std::vector<uint16_t>>(part.samples)[41], got[11 * 191 + 21]);
}

TEST(Developer, FramesOfThreeColoursAreTheSameInPartsAndOnAnyNumberOfThreads) {
  const LinearFrame frame = linear_shot({});
  const ModelInfo info{.task = Task::develop, .name = "tiny", .domain = Domain::stabilised};
  const auto model =
      std::make_shared<const Model>(untrained_network("develop-rgb", {.width = 6}, info, 3));
  Developer developer(model), small(model, {.engine = {.threads = 3}, .memory = 6'000'000});
  const Image picture = developer.picture(frame);
  EXPECT_EQ(small.picture(frame).samples, picture.samples);
  // Told that there is no noise, it does something else.
  EXPECT_NE(developer.picture(frame, {.keeps_grain = true}).samples, picture.samples);
}

/// An untrained network makes what it likes of a frame.
TEST(Developer, WhatWasMeasuredIsChangedByItsNoiseAtMost) {
  const ModelInfo info{.task = Task::develop, .name = "tiny", .domain = Domain::stabilised};
  Developer developer(
      std::make_shared<const Model>(untrained_network("develop-rgb", {.width = 6}, info, 3)));
  for (const LinearShot& shot : {LinearShot{}, LinearShot{.is_monochrome = true}}) {
    LinearFrame frame = linear_shot(shot);
    const auto most_change = [&] {
      const Tensor made = developer.camera_rgb(frame);
      double most = 0;
      for (size_t i = 0; i < made.size(); ++i) {
        const double own = std::min(frame.light.data()[i], 1.f);
        most = std::max(most, std::abs(double(made.data()[i]) - own));
      }
      return most;
    };
    frame.facts.noise = NoiseProfile{};
    EXPECT_LT(most_change(), 1e-5);
    frame.facts.noise = NoiseProfile{0, 1e-4};
    const double gain = std::ranges::max(balance_gains(frame.facts.white_balance));
    EXPECT_LT(most_change(), 4 * gain * 1e-2 + 1e-5);
    EXPECT_GT(most_change(), 1e-2);
  }
  // What a demosaicker made is not so true, of Bayer and X-Trans.
  LinearFrame bayer = linear_shot({.demosaicking = Demosaicking::bilinear}), x_trans;
  Random random(1);
  const SimulatedCamera camera = standard_camera();
  const Mosaic mosaic =
      expose(scene_in_camera_colours(linear_srgb(painted_scene(191, 150)), camera), camera,
             {.cfa = XTrans{1, 2}, .noise = {1e-3, 1e-6}}, random);
  x_trans.facts = mosaic;
  x_trans.light = bilinear_camera_rgb(mosaic);
  x_trans.demosaicked_from = demosaicked_from(x_trans.light);
  EXPECT_EQ(x_trans.demosaicked_from, mosaic.cfa);
  for (LinearFrame* frame : {&bayer, &x_trans}) {
    frame->facts.noise = NoiseProfile{};
    const Tensor made = developer.camera_rgb(*frame);
    double most = 0;
    for (size_t i = 0; i < made.size(); ++i)
      most = std::max(most, std::abs(double(made.data()[i]) - double(frame->light.data()[i])));
    EXPECT_GT(most, 0.1);
  }
}

TEST(Developer, HighlightsOfThreeColoursAreRebuilt) {
  const LinearFrame frame = linear_shot({}, 2);
  Developer developer(copying_model());
  const Image clip = developer.picture(frame);
  const Image rebuilt = developer.picture(frame, {.highlights = HighlightMode::rebuild});
  const auto whites = [](const Image& picture) {
    return std::ranges::count_if(std::get<std::vector<uint16_t>>(picture.samples),
                                 [](uint16_t sample) { return sample > 65000; });
  };
  ASSERT_GT(whites(clip), 100);
  EXPECT_LT(whites(rebuilt), whites(clip));
}

TEST(Developer, AFrameOfThreeColoursIsNoMosaic) {
  EXPECT_THAT(error_of([&] { Developer(nearest_neighbour_model()).camera_rgb(linear_shot({})); }),
              testing::HasSubstr("develops frames of bayer, and this one is three-colours"));
  EXPECT_THAT(error_of([&] { Developer(copying_model()).camera_rgb(scene_mosaic(40, 36)); }),
              testing::HasSubstr("develops frames of three-colours, and this one is bayer"));
}

std::shared_ptr<const Model> untrained_model(const Graph& graph, Domain domain = Domain::linear) {
  return std::make_shared<const Model>(
      untrained(graph, {.task = Task::develop, .name = "tiny", .domain = domain}, 3));
}

/// Of another phase and odd sizes, and as large as several parts.
Mosaic tall_mosaic() {
  const SimulatedCamera camera = standard_camera();
  const Tensor scene = scene_in_camera_colours(linear_srgb(painted_scene(302, 402)), camera);
  Random random(1);
  Mosaic mosaic = expose(scene, camera, {.cfa = Cfa::gbrg, .noise = {1e-3, 1e-6}}, random);
  mosaic.height -= 1;
  mosaic.samples.resize(size_t(mosaic.width) * size_t(mosaic.height));
  mosaic.noise = NoiseProfile{1e-3, 1e-6};
  return mosaic;
}

// The oracle: the whole photo at once.
TEST(Developer, LittleMemoryGivesTheSamePictureBitForBit) {
  const Mosaic mosaic = tall_mosaic();
  const Graph told = develop_network({.widths = {4, 6}, .hidden = 3, .sees_photo = true});
  for (const auto& model : {tiny_model(), untrained_model(told, Domain::stabilised)}) {
    Developer developer(model);
    const Tensor rgb = developer.camera_rgb(mosaic);
    const Image whole = developer.picture(mosaic);
    for (const int threads : {1, 3}) {
      Developer small(model, {.engine = {.threads = threads}, .memory = 1'400'000});
      EXPECT_EQ(small.picture(mosaic).samples, whole.samples) << threads;
      const Tensor parts = small.camera_rgb(mosaic);
      ASSERT_EQ(parts.shape(), rgb.shape());
      for (size_t i = 0; i < rgb.size(); ++i) ASSERT_EQ(parts.data()[i], rgb.data()[i]) << i;
    }
  }
}

TEST(Developer, SaysWhenEvenPartsNeedMoreMemory) {
  EXPECT_THAT(
      error_of([] { Developer(tiny_model(), {.memory = 10'000}).picture(scene_mosaic(64, 48)); }),
      testing::HasSubstr("9.31e-06 GiB of memory are too little: even in parts"));
  const auto layers =
      untrained_model(hyper_unet({.width = 4, .hidden = 3, .conditioning = Conditioning::layer}));
  EXPECT_THAT(
      error_of([&] { Developer(layers, {.memory = 10'000}).picture(scene_mosaic(64, 48)); }),
      testing::HasSubstr(
          "looks at the whole of a layer, so that this network cannot run in parts"));
}

TEST(Developer, GreyStaysGrey) {
  const SimulatedCamera camera = standard_camera();
  Tensor grey({1, 3, 16, 16});
  for (size_t i = 0; i < grey.size(); ++i) grey.data()[i] = 0.4f;
  Random random(1);
  const Mosaic mosaic = expose(grey, camera, {.bits = 14}, random);
  const Image picture = Developer(nearest_neighbour_model()).picture(mosaic);
  const auto samples = to_float(picture);
  for (size_t i = 0; i < samples.size(); i += 3) {
    // One step of 14 bits at 0.4, amplified by the white balance, through the curve's slope of 0.9.
    EXPECT_NEAR(samples[i], samples[i + 1], 3e-4);
    EXPECT_NEAR(samples[i + 2], samples[i + 1], 3e-4);
    EXPECT_NEAR(samples[i + 1], encode_srgb(0.4), 3e-4);
  }
}

TEST(Developer, HandsOrientationOn) {
  Mosaic mosaic = scene_mosaic(32, 24);
  mosaic.orientation = 6;
  const Image picture = Developer(tiny_model()).picture(mosaic);
  EXPECT_EQ(picture.metadata.orientation, 6);
  EXPECT_EQ(upright(picture).width, 24);
}

TEST(Developer, RefusesModelsOfOtherTasksAndShapes) {
  try {
    Developer developer(tiny_model(Task::denoise));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("denoise"));
  }
  Graph graph;
  graph.add("input", Input{4}, {});
  const auto same = std::make_shared<const Model>(graph, ModelInfo{},
                                                  std::map<std::string, std::vector<float>>{});
  EXPECT_THROW(Developer{same}, Error);
}

}  // namespace
}  // namespace hyperconv
