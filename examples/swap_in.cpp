// Swaps one convolution of a tiny network for a HyperConvolution and trains both on the same
// pictures: smooth colours under an unknown lamp, whose colour the network shall take away. Three
// 3x3 convolutions see 7x7 pixels and cannot tell a red lamp from a red wall; filters that follow
// from the whole picture can. Exits with 1 unless the loss is less than half.
#include <cstdio>

#include "hyperconv/torch/hyper_conv2d.hpp"

using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

struct Batch {
  torch::Tensor seen, colours;
};

/// Pictures [8,3,32,32] whose mean is grey, and the same under lamps of any colour.
Batch make_batch() {
  const auto smooth =
      torch::upsample_bilinear2d(torch::rand({8, 3, 4, 4}), std::vector<int64_t>{32, 32}, false);
  const auto colours = smooth + (0.5 - smooth.mean({2, 3}, true));
  const auto lamp = torch::exp2(2 * torch::rand({8, 3, 1, 1}) - 1);
  return {colours * lamp + 0.01 * torch::randn_like(colours), colours};
}

class Training {
 public:
  explicit Training(torch::nn::AnyModule middle)
      : network_(Conv2d(Conv2dOptions(3, 12, 3).padding(1)), torch::nn::ReLU(), std::move(middle),
                 torch::nn::ReLU(), Conv2d(Conv2dOptions(12, 3, 3).padding(1))),
        adam_(hyperconv::nn::parameter_groups(*network_, options_), options_) {}

  double step(const Batch& batch) {
    adam_.zero_grad();
    const auto loss = torch::mse_loss(network_->forward(batch.seen), batch.colours);
    loss.backward();
    torch::nn::utils::clip_grad_norm_(network_->parameters(), 1.0);
    adam_.step();
    return loss.item<double>();
  }

 private:
  torch::optim::AdamOptions options_{3e-3};
  torch::nn::Sequential network_;
  torch::optim::Adam adam_;
};

int main() {
  torch::manual_seed(1);
  Training ordinary(torch::nn::AnyModule(Conv2d(Conv2dOptions(12, 12, 3).padding(1))));
  Training hyper(torch::nn::AnyModule(hyperconv::nn::HyperConv2d(12, 12, 3)));
  double losses[2] = {0, 0};
  for (int step = 1; step <= 400; ++step) {
    const Batch batch = make_batch();
    losses[0] += 0.05 * (ordinary.step(batch) - losses[0]);  // averages over some 20 steps
    losses[1] += 0.05 * (hyper.step(batch) - losses[1]);
    if (step % 50 == 0) std::printf("%4d: ordinary %.4f, hyper %.4f\n", step, losses[0], losses[1]);
  }
  return losses[1] < losses[0] / 2 ? 0 : 1;
}
