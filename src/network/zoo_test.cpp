#include "network/zoo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/x_trans.hpp"
#include "hyperconv/error.hpp"
#include "network/cost.hpp"

namespace hyperconv {
namespace {

// The paper's sizes as packed mosaics: FLOPs at 3072x4096, conv memory at 2976x3968.
constexpr Shape flops_size{1, 4, 1536, 2048};
constexpr Shape memory_size{1, 4, 1488, 1984};

struct Row {
  const char* network;
  double parameters_m, flops_t, conv_memory_gib;
};

class PosterTable : public testing::TestWithParam<Row> {};

// The figures of the reconstruction (docs/design.md); half a unit of their last digit.
TEST_P(PosterTable, IsMet) {
  const Row& row = GetParam();
  const Graph graph = make_network(row.network);
  EXPECT_NEAR(double(total_cost(graph, flops_size).flops) / 1e12, row.flops_t, 0.0006);
  EXPECT_NEAR(double(total_cost(graph, memory_size).conv_memory_bytes) / (1 << 30),
              row.conv_memory_gib, 0.006);
  EXPECT_NEAR(double(total_cost(graph, flops_size).parameters) / 1e6, row.parameters_m,
              0.003 * row.parameters_m);
}

INSTANTIATE_TEST_SUITE_P(Zoo, PosterTable,
                         testing::Values(Row{"plain-1.3t", 0.422, 1.283, 3.83},
                                         Row{"plain-0.6t", 0.189, 0.580, 2.60},
                                         Row{"hyper-i", 276, 0.693, 3.39},
                                         Row{"hyper-ii", 95, 0.277, 2.17},
                                         Row{"hyper-iii", 90, 0.180, 1.76}),
                         [](const auto& row) {
                           std::string name = row.param.network;
                           for (char& c : name)
                             if (!isalnum(c)) c = '_';
                           return name;
                         });

struct ComparatorRow {
  const char* network;
  double parameters_m, flops_t, conv_memory_gib;
  Shape memory_size;
};

class ComparatorTable : public testing::TestWithParam<ComparatorRow> {};

// The figures of the comparators' published code within 1 %. PyNET's memory is for rows that are a
// multiple of 32: it takes no others.
TEST_P(ComparatorTable, IsMet) {
  const ComparatorRow& row = GetParam();
  const Graph graph = make_network(row.network);
  const Cost cost = total_cost(graph, flops_size);
  EXPECT_NEAR(double(cost.flops) / 1e12, row.flops_t, 0.01 * row.flops_t);
  EXPECT_NEAR(double(cost.parameters) / 1e6, row.parameters_m, 0.01 * row.parameters_m);
  EXPECT_NEAR(double(total_cost(graph, row.memory_size).conv_memory_bytes) / (1 << 30),
              row.conv_memory_gib, 0.01 * row.conv_memory_gib);
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, ComparatorTable,
    testing::Values(ComparatorRow{"pynet", 47.555, 42.91, 29.72, {1, 4, 1440, 1984}},
                    ComparatorRow{"pynet-ca", 51.304, 44.91, 32.82, memory_size},
                    ComparatorRow{"awnet", 52.205, 9.398, 27.84, memory_size}),
    [](const auto& row) {
      return std::string(row.param.network).substr(0, 5) + std::to_string(row.index);
    });

TEST(Zoo, VdnHasItsPapersSize) {
  const Shape block{1, 3, 256, 256};
  const Cost denoiser = total_cost(make_network("vdn"), block);
  EXPECT_NEAR(double(denoiser.parameters) / 1e6, 7.701, 0.01);
  EXPECT_NEAR(double(denoiser.flops) / 2e9, 37, 0.37);
  EXPECT_NEAR(double(total_cost(make_network("vdn-s"), block).parameters) / 1e6, 0.116, 0.001);
}

TEST(Zoo, VdnsHyperFormsHaveTheirShareOfItsFlops) {
  const Shape block{1, 3, 256, 256};
  const auto whole = double(total_cost(make_network("vdn"), block).flops);
  for (const auto& [name, share] : {std::pair{"4", 0.25}, {"10", 0.1}, {"20", 0.05}}) {
    const Cost hyper = total_cost(make_network(std::string("vdn-hyper-") + name), block);
    const Cost plain = total_cost(make_network(std::string("vdn-plain-") + name), block);
    EXPECT_EQ(hyper.flops, plain.flops);
    EXPECT_LE(double(hyper.flops), 1.01 * share * whole) << name;
    EXPECT_GE(double(hyper.flops), 0.95 * share * whole) << name;
    EXPECT_GT(hyper.parameters, 10 * plain.parameters);
  }
}

// 12 megapixels in 2.5 s on two cores, and a file of at most 12 MB.
TEST(Zoo, TheShippedDenoiserIsSmall) {
  const Cost cost = total_cost(make_network("denoise-16"), {1, 3, 3008, 4000});
  EXPECT_LT(cost.flops, int64_t(0.28e12));
  EXPECT_LT(cost.parameters, 3'000'000);
  // Its control does the same work.
  EXPECT_EQ(total_cost(make_network("denoise-16-plain"), {1, 3, 3008, 4000}).flops, cost.flops);
}

// They are compared after the same work: at about the same cost, about the same number of steps.
TEST(Zoo, DevelopDesignsCostAboutTheSame) {
  const auto flops = [](const std::string& name) {
    return double(total_cost(make_network(name), flops_size).flops);
  };
  const double standard = flops("develop");
  EXPECT_NEAR(flops("develop-plain") / standard, 1, 1e-5);  // it looks at the noise by a 1x1
  for (const DevelopDesign& design : develop_designs())
    EXPECT_NEAR(flops("design-" + design.name) / standard, 1, 0.07) << design.name;
}

// It interpolates, and its first layers see three times as many channels.
TEST(Zoo, XTransCostsLittleMoreThanBayer) {
  const auto flops = [](const std::string& name) {
    return double(
        total_cost(make_network(name), network_input(name, make_network(name), {3072, 4032}))
            .flops);
  };
  EXPECT_LT(flops("develop-xtrans"), 1.25 * flops("develop"));
  EXPECT_LT(flops("develop-rgb"), 1.2 * flops("develop"));
}

TEST(Zoo, StudyVariantsHaveTheSameFlops) {
  const Cost plain = total_cost(make_network("study-plain"), flops_size);
  for (const char* variant :
       {"hyper-constant", "hyper-layer", "hyper-image", "squeeze-excitation", "film"}) {
    const Cost cost = total_cost(make_network(std::string("study-") + variant), flops_size);
    EXPECT_NEAR(double(cost.flops), double(plain.flops), 1e-5 * double(plain.flops)) << variant;
    EXPECT_GT(cost.parameters, plain.parameters) << variant;
  }
  const Cost affine = total_cost(make_network("study-colour-affine"), flops_size);
  EXPECT_LT(double(affine.flops), 1.01 * double(plain.flops));
}

// Controls of the poster's row III: its convolutions, and as many parameters where filters are
// predicted.
TEST(Zoo, ControlsOfRowThreeHaveItsFlops) {
  const Cost row = total_cost(make_network("hyper-iii"), flops_size);
  const auto cost = [](const std::string& name) {
    return total_cost(make_network("hyper-iii-" + name), flops_size);
  };
  for (const char* control : {"plain", "constant", "image", "squeeze-excitation", "film"})
    EXPECT_NEAR(double(cost(control).flops), double(row.flops), 1e-5 * double(row.flops))
        << control;
  EXPECT_LT(double(cost("colour-affine").flops), 1.01 * double(row.flops));
  for (const char* control : {"constant", "image"})
    EXPECT_NEAR(double(cost(control).parameters), 90e6, 0.003 * 90e6) << control;
  for (const char* control : {"plain", "squeeze-excitation", "film", "colour-affine"})
    EXPECT_LT(cost(control).parameters, 130'000) << control;
  EXPECT_THROW(make_network("hyper-iii-plain", {.hidden = 3}), Error);
  EXPECT_GT(total_cost(make_network("hyper-iii-film", {.hidden = 64}), flops_size).parameters,
            cost("film").parameters);
}

// At step 0 what the photo says moves little: the network is nearly the one without it.
TEST(Zoo, PredictedScalesAndShiftsBeginGently) {
  const Model model = untrained_network("study-film", {}, {}, 1);
  const auto rms = [&](const char* name) {
    double sum = 0;
    const auto values = model.weight(name).to_float();
    for (const float v : values) sum += double(v) * double(v);
    return std::sqrt(sum / double(values.size()));
  };
  const double kaiming = std::sqrt(2.0 / 32);
  EXPECT_NEAR(rms("up1.conv1.scale.weight"), 0.1 * kaiming, 0.02 * kaiming);
  EXPECT_NEAR(rms("predictor.weight"), std::sqrt(2.0 / 12), 0.2 * std::sqrt(2.0 / 12));
  EXPECT_NEAR(rms("up1.conv1.weight"), std::sqrt(2.0 / 144), 0.1 * std::sqrt(2.0 / 144));
}

TEST(Zoo, HiddenDoesNotEnterTheConvolutionsCost) {
  const HyperUNet narrow{.width = 16, .hidden = 32};
  HyperUNet wide = narrow;
  wide.hidden = 320;
  const Cost a = total_cost(hyper_unet(narrow), flops_size);
  const Cost b = total_cost(hyper_unet(wide), flops_size);
  EXPECT_EQ(a.flops, b.flops);
  EXPECT_LT(double(b.flops_total), 1.005 * double(a.flops_total));
  EXPECT_NEAR(double(b.parameters) / double(a.parameters), 10, 0.5);
}

TEST(Zoo, UnknownNameListsTheKnownOnes) {
  try {
    make_network("hyper-iv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("hyper-iii"));
  }
}

TEST(Zoo, EveryNetworkTurnsAPhotoIntoWhatItsTaskWants) {
  for (const auto& name : network_names()) {
    const Graph graph = make_network(name);
    const NetworkUse use = network_use(name);
    const int m = size_multiple(graph), f = use.samples;
    const int channels = std::get<Input>(graph.node(0).op).channels;
    EXPECT_EQ(channels, use.task == Task::denoise ? 3 : cell_channels(use.packing)) << name;
    const Shape out = infer_shapes(graph, {2, channels, 3 * m, 5 * m}).back();
    // VDN's say how sure they are, too.
    const int out_channels = name.starts_with("vdn") ? 6 : 3;
    EXPECT_EQ(out, (Shape{2, out_channels, 3 * m * f, 5 * m * f})) << name;
  }
}

TEST(Zoo, ComparatorsBeginAsTheirAuthorsLetThem) {
  for (const auto& name : network_names()) {
    Initialisation expected = Initialisation::kaiming;
    if (name == "awnet" || name.starts_with("pynet")) expected = Initialisation::libtorch;
    if (name == "vdn" || name == "vdn-s") expected = Initialisation::kaiming_convolutions;
    if (name.starts_with("study-") || name == "design-film" || name == "hyper-iii-film" ||
        name == "hyper-iii-squeeze-excitation" || name == "hyper-iii-colour-affine")
      expected = Initialisation::kaiming_gentle;
    EXPECT_EQ(network_initialisation(name), expected) << name;
  }
  EXPECT_THROW(network_initialisation("hyper-iv"), Error);
}

TEST(Zoo, ComparatorsTakeMultiples) {
  EXPECT_EQ(size_multiple(pynet(2)), 16);
  EXPECT_EQ(size_multiple(pynet_ca(2)), 16);
  EXPECT_EQ(size_multiple(awnet(8)), 16);
  EXPECT_EQ(size_multiple(vdn_denoiser(2)), 8);
  EXPECT_EQ(size_multiple(vdn_noise(2)), 1);
  EXPECT_EQ(size_multiple(small_denoiser({})), 16);
}

TEST(Zoo, HiddenIsRefusedWhereThereIsNone) {
  for (const char* name : {"pynet", "awnet", "vdn", "plain-0.6t"})
    EXPECT_THROW(make_network(name, {.hidden = 3}), Error) << name;
}

TEST(Zoo, ReceptiveFieldIsWhatTheLayersAddUpTo) {
  // Worked by hand for the three-level network, in packed pixels: 1+1 at level 1, pool 0.5,
  // (1+1)*2, pool 1, 1*4, up 1, 3*2, up 0.5, 3, last 1, shuffle 0.25.
  EXPECT_EQ(receptive_field(hyper_unet({})),
            int(2 * (2 + 0.5 + 4 + 1 + 4 + 1 + 6 + 0.5 + 3 + 1 + 0.25)) + 1);
  EXPECT_EQ(size_multiple(hyper_unet({})), 4);
  EXPECT_EQ(size_multiple(plain_unet({})), 2);
  // Cells of three times three on the first level, eighths of that on the fourth.
  EXPECT_EQ(size_multiple(make_network("develop-xtrans")), 8);
}

TEST(XTransInterpolation, KeepsSamplesAndEvenColours) {
  const std::vector<float> filter = x_trans_interpolation();
  ASSERT_EQ(filter.size(), 108u * 36 * 9);
  constexpr int side = XTrans::side;
  int samples_kept = 0;
  for (size_t out = 0; out < 108; ++out) {
    // Weights by colour: of one colour alone, and 1 together.
    std::array<double, 3> sums{};
    double largest = 0;
    for (size_t in = 0; in < 36; ++in)
      for (size_t tap = 0; tap < 9; ++tap) {
        const double weight = double(filter[(out * 36 + in) * 9 + tap]);
        EXPECT_GE(weight, 0);
        sums[size_t(XTrans{}.colour(int64_t(in) / side, int64_t(in) % side))] += weight;
        largest = std::max(largest, weight);
      }
    const size_t channel = out / 9;
    const size_t colour = std::array<size_t, 12>{0, 1, 1, 2, 0, 0, 0, 1, 1, 2, 2, 2}[channel];
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(sums[c], c == colour ? 1 : 0, 1e-6) << out;
    samples_kept += largest == 1 ? 1 : 0;
  }
  EXPECT_EQ(samples_kept, 36);  // each is of one colour, at one place
}

}  // namespace
}  // namespace hyperconv
