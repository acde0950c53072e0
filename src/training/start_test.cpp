// Every network of the zoo can be trained from where it begins: at step 0 its output and its
// gradient are neither nothing nor too much.
#include <gtest/gtest.h>

#include "base/x_trans.hpp"
#include "image/image.hpp"
#include "simulation/scene.hpp"
#include "training/adam.hpp"
#include "training/lowering.hpp"
#include "training/testing.hpp"
#include "training/torch_setup.hpp"

namespace hyperconv {
namespace {

/// [1,3,64,64] in [0,1].
torch::Tensor photo() {
  std::vector<float> samples = to_float(painted_scene(64, 64));
  return torch::from_blob(samples.data(), {1, 64, 64, 3}).permute({0, 3, 1, 2}).clone();
}

/// One colour of every cell of 2x2 pixels.
torch::Tensor sampled(const torch::Tensor& rgb, int64_t channel, int64_t dy, int64_t dx) {
  return rgb.narrow(1, channel, 1).slice(2, dy, c10::nullopt, 2).slice(3, dx, c10::nullopt, 2);
}

/// A mosaic in cells of 6x6.
torch::Tensor x_trans_cells(const torch::Tensor& rgb) {
  torch::Tensor mosaic = torch::empty({rgb.size(0), 1, rgb.size(2), rgb.size(3)});
  for (int64_t y = 0; y < rgb.size(2); ++y)
    for (int64_t x = 0; x < rgb.size(3); ++x)
      mosaic.select(3, x).select(2, y).copy_(
          rgb.select(3, x).select(2, y).narrow(1, XTrans{}.colour(y, x), 1));
  return torch::pixel_unshuffle(mosaic, XTrans::side);
}

struct Pair {
  torch::Tensor input, target;
};

/// A photo as the network's task has it. For VDN what its two parts are trained to say: the
/// residual, and a log variance.
Pair batch_for(const std::string& network) {
  const torch::Tensor clean = photo();
  if (network_use(network).packing == Packing::x_trans) {
    const torch::Tensor part = clean.narrow(2, 0, 48).narrow(3, 0, 48);
    return {x_trans_cells(part.pow(2.2)), part};
  }
  if (network_use(network).packing == Packing::three_colours) {
    const torch::Tensor linear = clean.pow(2.2);
    std::vector<torch::Tensor> channels;
    for (const auto& [colour, row, column] : three_colour_places)
      channels.push_back(sampled(linear, colour, row, column));
    return {torch::cat(channels, 1), clean};
  }
  if (network_use(network).samples == 2) {
    const torch::Tensor linear = clean.pow(2.2);
    return {torch::cat({sampled(linear, 0, 0, 0), sampled(linear, 1, 0, 1),
                        sampled(linear, 1, 1, 0), sampled(linear, 2, 1, 1)},
                       1),
            clean};
  }
  torch::manual_seed(1);
  const torch::Tensor noise = 0.1 * torch::randn_like(clean);
  if (!network.starts_with("vdn")) return {clean + noise, -noise};
  return {clean + noise, torch::cat({-noise, torch::full_like(clean, std::log(0.01))}, 1)};
}

class Start : public testing::TestWithParam<std::string> {
 protected:
  Start() : options_(with_hidden(GetParam(), 8)), batch_(batch_for(GetParam())) {
    // Without it a step spends most of its time in page faults.
    prepare_torch(1);
    options_.width = GetParam() == "awnet" ? 8 : 4;  // AWNet takes multiples of 8
  }

  LoweredNetwork network() const {
    return LoweredNetwork(untrained_network(GetParam(), options_, {}, 1));
  }

  torch::Tensor output(const LoweredNetwork& network) const {
    return network.forward(batch_.input, nullptr, to_torch(told_side(network.graph())));
  }

  torch::Tensor loss(const LoweredNetwork& network) const {
    return (output(network) - batch_.target).square().mean();
  }

  ZooOptions options_;
  Pair batch_;
};

TEST_P(Start, OutputIsOfAPhotosSize) {
  const torch::NoGradGuard no_grad;
  const double size = rms(output(network()));
  // Squeeze-excitation's gates begin at a half each, one behind the other.
  EXPECT_GT(size, GetParam().ends_with("squeeze-excitation") ? 0.005 : 0.01);
  EXPECT_LT(size, 5);
}

// A sigmoid begins with grey: its loss is the photo's own variance, and falls slowly at first. From
// saturated outputs it does not fall at all.
TEST_P(Start, TwentyStepsReduceTheLoss) {
  const LoweredNetwork network = this->network();
  Adam adam(network.weights(), std::vector<double>(network.weights().size(), 1.0));
  const double before = loss(network).item<double>();
  for (int step = 0; step < 20; ++step) {
    for (const auto& w : network.weights()) w.mutable_grad() = torch::Tensor();
    loss(network).backward();
    Gradients gradients;
    for (const auto& w : network.weights()) gradients.push_back(w.grad());
    adam.step(1e-3, 0.9, gradients);
  }
  const double after = loss(network).item<double>();
  EXPECT_LT(after, 0.95 * before);
}

INSTANTIATE_TEST_SUITE_P(Zoo, Start, testing::ValuesIn(network_names()),
                         [](const auto& name) { return test_name(name.param); });

}  // namespace
}  // namespace hyperconv
