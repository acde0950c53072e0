// The header for other libtorch programs, against the oracle.
#include "hyperconv/torch/hyper_conv2d.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/testing.hpp"
#include "engine/reference/reference.hpp"
#include "engine/testing.hpp"
#include "training/testing.hpp"

namespace hyperconv {
namespace {

using testing::HasSubstr;

constexpr int channels = 5, out_channels = 7, width = 6, constant_size = 4;

class Module : public testing::TestWithParam<nn::Conditioning> {
 protected:
  nn::HyperConv2dOptions options(int64_t kernel = 3) const {
    nn::HyperConv2dOptions all(channels, out_channels, kernel);
    all.hidden(width)
        .conditioning(GetParam())
        .condition_size(GetParam() == nn::Conditioning::image ? nn::photo_descriptor_size(channels)
                                                              : constant_size);
    return all;
  }

  /// The same layer, called "conv", as a network of its own.
  Graph graph(int kernel = 3) const {
    Graph g;
    std::vector<NodeId> inputs{g.add("input", Input{channels}, {})};
    if (GetParam() == nn::Conditioning::image)
      inputs.push_back(g.add("descriptor", PhotoDescriptor{}, inputs));
    g.add("conv",
          HyperConv2d{.out_channels = out_channels,
                      .kernel = kernel,
                      .hidden = width,
                      .conditioning = Conditioning(int(GetParam())),
                      .constant_size = constant_size},
          inputs);
    return g;
  }

  torch::Tensor forward(nn::HyperConv2d& layer, const torch::Tensor& x) const {
    return GetParam() == nn::Conditioning::image ? layer->forward(x, nn::photo_descriptor(x))
                                                 : layer->forward(x);
  }
};

/// Copies a model's weights into the module that holds "conv" under that name.
void load(torch::nn::Module& network, const Model& model) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network.named_parameters()) {
    std::vector<float> values = model.weight(parameter.key()).to_float();
    parameter.value().copy_(torch::from_blob(values.data(), parameter.value().sizes()));
  }
}

TEST_P(Module, ModelFilesMapOntoItAndItEqualsTheOracle) {
  for (const int kernel : {1, 3, 5}) {
    const TemporaryFolder folder;
    save_model(folder / "m.safetensors", random_model(graph(kernel)), Precision::f32);
    const Model model = Model::load(folder / "m.safetensors");
    nn::HyperConv2d layer(options(kernel));
    torch::nn::Module network;
    network.register_module("conv", layer);
    std::map<std::string, std::vector<int64_t>> ours, theirs;
    for (const Parameter& p : parameters(model.graph())) theirs[p.name] = p.dims;
    for (const auto& p : network.named_parameters()) ours[p.key()] = p.value().sizes().vec();
    ASSERT_EQ(ours, theirs);
    load(network, model);
    for (const Shape& shape : {Shape{3, channels, 9, 11}, Shape{1, channels, 1, 4}}) {
      const Tensor input = random_light(shape, 5);
      // libtorch sums in another order than the oracle assumes: twice its tolerance.
      EXPECT_LT(largest(forward(layer, to_torch(input)) - to_torch(reference::run(model, input))),
                2 * reference::tolerance(model, input))
          << kernel << " " << to_string(shape);
    }
  }
}

TEST_P(Module, EveryParameterGetsAGradient) {
  nn::HyperConv2d layer(options());
  torch::nn::Module network;
  network.register_module("conv", layer);
  load(network, random_model(graph()));  // some hidden unit is alive, on every machine
  forward(layer, to_torch(random_light({2, channels, 8, 8}, 3))).square().mean().backward();
  for (const auto& parameter : layer->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(largest(parameter.value().grad()), 0) << parameter.key();
  }
}

// As network/initial.cpp does it: mean square of either within five standard errors, which are a
// sqrt(2 / n) of it for n normal values.
TEST_P(Module, BeginsAsOursDo) {
  torch::manual_seed(1);
  const nn::HyperConv2d layer(options());
  const Model model = untrained(graph(), {}, 1);
  for (const auto& parameter : layer->named_parameters()) {
    const auto ours = model.weight("conv." + parameter.key()).to_float();
    double squares = 0;
    for (const float value : ours) squares += double(value) * value;
    const double n = double(ours.size());
    const double theirs = parameter.value().square().sum().item<double>();
    EXPECT_NEAR(theirs, squares, 5 * 2 * std::sqrt(1 / n) * std::max(squares, theirs))
        << parameter.key();
  }
}

TEST_P(Module, ClonesAndSavesAsOtherModulesDo) {
  nn::HyperConv2d layer(options()), loaded(options());
  std::stringstream file;
  torch::save(layer, file);
  torch::load(loaded, file);
  nn::HyperConv2d clone(std::dynamic_pointer_cast<nn::HyperConv2dImpl>(layer->clone()));
  const torch::Tensor x = to_torch(random_light({2, channels, 6, 6}, 3));
  EXPECT_TRUE(torch::equal(forward(layer, x), forward(loaded, x)));
  EXPECT_TRUE(torch::equal(forward(layer, x), forward(clone, x)));
}

std::string conditioning_name(const testing::TestParamInfo<nn::Conditioning>& info) {
  switch (info.param) {
    case nn::Conditioning::layer:
      return "layer";
    case nn::Conditioning::image:
      return "image";
    case nn::Conditioning::constant:
      return "constant";
  }
  return {};
}

INSTANTIATE_TEST_SUITE_P(HyperConv2d, Module,
                         testing::Values(nn::Conditioning::layer, nn::Conditioning::image,
                                         nn::Conditioning::constant),
                         conditioning_name);

TEST(HyperConv2dModule, StandsInASequential) {
  torch::nn::Sequential network(nn::HyperConv2d(3, 4, 3), torch::nn::ReLU(),
                                nn::HyperConv2d(4, 2, 1));
  const auto y = network->forward(torch::rand(std::vector<int64_t>{2, 3, 5, 7}));
  EXPECT_EQ(y.sizes().vec(), (std::vector<int64_t>{2, 2, 5, 7}));
}

TEST(HyperConv2dModule, SamplesDoNotSeeEachOther) {
  nn::HyperConv2d layer(3, 4, 3);
  const auto x = torch::rand(std::vector<int64_t>{3, 3, 8, 8});
  const auto together = layer->forward(x);
  for (int64_t n = 0; n < 3; ++n)
    EXPECT_LT(largest(together.narrow(0, n, 1) - layer->forward(x.narrow(0, n, 1))), 1e-5);
}

TEST(ParameterGroups, LetA2LearnAtAFifthOfTheRate) {
  nn::HyperConv2d layer(3, 4, 3);
  torch::nn::Sequential network(layer, torch::nn::Conv2d(torch::nn::Conv2dOptions(4, 3, 1)));
  const torch::optim::AdamOptions options(0.01);
  torch::optim::Adam adam(nn::parameter_groups(*network, options), options);
  size_t count = 0;
  for (const auto& group : adam.param_groups()) count += group.params().size();
  EXPECT_EQ(count, network->parameters().size());
  const auto w0 = layer->weight.detach().clone(), a2 = layer->a2->weight.detach().clone();
  network->forward(torch::rand(std::vector<int64_t>{2, 3, 8, 8})).square().mean().backward();
  adam.step();
  // Adam's first step is as long as its rate, whatever the gradient; a few values have none.
  EXPECT_NEAR(largest(layer->weight.detach() - w0), 0.01, 1e-5);
  EXPECT_NEAR(largest(layer->a2->weight.detach() - a2), 0.002, 1e-5);
}

// However many hidden values there are, the first steps move the filters by about as much.
TEST(ParameterGroups, MoveWideHypernetworksNoFaster) {
  EXPECT_DOUBLE_EQ(nn::hyper_out_factor(0.2, 1), 0.2);
  EXPECT_DOUBLE_EQ(nn::hyper_out_factor(0.2, 64), 0.2);
  EXPECT_DOUBLE_EQ(nn::hyper_out_factor(0.2, 640), 0.02);
  const auto movement = [](int64_t hidden) {
    torch::manual_seed(3);
    nn::HyperConv2d layer(nn::HyperConv2dOptions(4, 8, 3).hidden(hidden));
    const torch::optim::AdamOptions options(0.01);
    torch::optim::Adam adam(nn::parameter_groups(*layer, options), options);
    const auto x = torch::rand(std::vector<int64_t>{1, 4, 8, 8});
    const auto before = layer->a2->weight.detach().clone();
    layer->forward(x).square().mean().backward();
    adam.step();
    // Of a filter, where every hidden value is about one.
    return largest((layer->a2->weight.detach() - before).abs().sum(1));
  };
  EXPECT_NEAR(movement(1024) / movement(64), 1, 0.3);
}

TEST(ParameterGroups, AreOneWhereThereIsNoHyperConvolution) {
  const torch::nn::Sequential network(torch::nn::Linear(2, 3));
  EXPECT_EQ(nn::parameter_groups(*network, torch::optim::SGDOptions(0.1)).size(), 1u);
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

TEST(HyperConv2dModule, SaysWhatItTakes) {
  const auto x = torch::rand(std::vector<int64_t>{2, 3, 8, 8});
  const auto s = torch::rand(std::vector<int64_t>{2, 9});
  nn::HyperConv2dOptions image(3, 4, 3);
  image.conditioning(nn::Conditioning::image).condition_size(9);
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(3, 4, 2); }), HasSubstr("must be odd, not 2"));
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(0, 4, 3); }), HasSubstr("must be positive"));
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(5, 4, 3)->forward(x); }), HasSubstr("[N,5,H,W]"));
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(3, 4, 3)->forward(x, s); }),
              HasSubstr("Conditioning::image only"));
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(image)->forward(x); }), HasSubstr("forward(x, s)"));
  EXPECT_THAT(message_of([&] { nn::HyperConv2d(image)->forward(x, s.narrow(1, 0, 8)); }),
              HasSubstr("[N,9]"));
  EXPECT_THAT(message_of([&] {
                nn::HyperConv2d(image)->forward(x, torch::rand(std::vector<int64_t>{3, 9}));
              }),
              HasSubstr("3 filters for 2 samples"));
  EXPECT_EQ(message_of([&] { nn::HyperConv2d(image)->forward(x, s.narrow(0, 0, 1)); }), "no error");
}

TEST(PerSampleConv, EqualsOneConvolutionASample) {
  torch::manual_seed(1);
  const auto x = torch::randn(std::vector<int64_t>{3, 5, 7, 9});
  const auto w = torch::randn(std::vector<int64_t>{3, 4, 5, 3, 3});
  const auto b = torch::randn(std::vector<int64_t>{4});
  const auto y = nn::per_sample_conv2d(x, w, b);
  for (int64_t n = 0; n < 3; ++n) {
    const auto one = torch::conv2d(x.narrow(0, n, 1), w[n], b, 1, 1);
    EXPECT_LT((y[n] - one[0]).abs().max().item<double>(), 1e-5);
  }
}

TEST(EncodeMeans, DoesNotFollowTheScaleOfTheInput) {
  const auto s = torch::rand(std::vector<int64_t>{2, 8}) + 0.1;
  const auto a = nn::encode_means(s), b = nn::encode_means(1000 * s);
  // All but the bounded last entry stay.
  EXPECT_LT((a.narrow(1, 0, 8) - b.narrow(1, 0, 8)).abs().max().item<double>(), 1e-5);
  EXPECT_LE(b.abs().max().item<double>(), std::sqrt(8.0) + 1e-5);
}

}  // namespace
}  // namespace hyperconv
