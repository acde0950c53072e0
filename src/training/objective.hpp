// What a run makes small, and the weights it does that with.
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "training/gradients.hpp"
#include "training/lowering.hpp"
#include "training/recipe.hpp"
#include "training/samples.hpp"

namespace hyperconv {

/// Parameters [first, first + count) whose joint gradient is clipped.
struct ClipGroup {
  size_t first = 0, count = 0;
  double limit = 1;  ///< L2 norm
};

class Objective {
 public:
  Objective() = default;
  virtual ~Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;

  /// Everything that is learned: the network's parameters first, then what only training needs.
  virtual const std::vector<Parameter>& parameters() const = 0;
  virtual const std::vector<torch::Tensor>& weights() const = 0;
  /// All parameters, each in one group.
  virtual std::vector<ClipGroup> clip_groups() const = 0;

  /// Of a batch, the mean over its samples.
  virtual torch::Tensor loss(const Batch& batch, ProductTape& tape) const = 0;

  /// The network's picture with other weights (in the order of parameters()), and the batch's
  /// target, as they are seen: [N,3,H,W], in [0,1] but for what is left of noise.
  virtual torch::Tensor picture(const std::vector<torch::Tensor>& weights,
                                const Batch& batch) const = 0;
  torch::Tensor target(const Batch& batch) const;

  /// The network alone, with other weights.
  virtual Model to_model(const ModelInfo& info,
                         const std::vector<torch::Tensor>& weights) const = 0;
  /// What was learned beside it and is of use with it: VDN's S-Net, task `noise`; or nothing.
  virtual std::optional<Model> noise_model(const ModelInfo&,
                                           const std::vector<torch::Tensor>&) const {
    return std::nullopt;
  }
  virtual const Graph& graph() const = 0;
  /// For the model's summary: "l1 loss in display space".
  virtual std::string description() const = 0;
};

/// What a batch tells a graph beside its pictures, by the side inputs' names: [N,channels,1,1].
TorchSideInputs side_inputs(const Batch& batch);

/// The recipe's, on a device. Throws Error when the model it begins with holds another network.
std::unique_ptr<Objective> make_objective(const Recipe& recipe, torch::Device device);

/// What the learning rate is multiplied by for each parameter: A2's is its own
/// (nn::hyper_out_factor).
std::vector<double> rate_factors(const std::vector<Parameter>& parameters,
                                 const TrainingRecipe& recipe);

/// Output of a network as a picture: camera RGB becomes what is seen; what a denoiser (task
/// `denoise`) says is to be added to the photo is.
torch::Tensor picture_of(const torch::Tensor& output, const Batch& batch, Task task);

}  // namespace hyperconv
