#include "training/objective.hpp"

#include "base/fail.hpp"
#include "hyperconv/torch/hyper_conv2d.hpp"
#include "network/grown.hpp"
#include "training/batch_conv2d.hpp"
#include "training/losses.hpp"
#include "training/torch_setup.hpp"
#include "training/variational.hpp"

namespace hyperconv {
namespace {

Model grown_start(const Recipe& recipe, const Model& model, const Model& untrained) {
  try {
    return grown(model, untrained);
  } catch (const Error& error) {
    fail("{}: {} (the recipe's network is {})", recipe.start.string(), error.what(),
         recipe.network);
  }
}

/// What training begins with.
Model first_model(const Recipe& recipe) {
  const Model untrained =
      untrained_network(recipe.network, recipe.options, {}, recipe.training.seed);
  if (recipe.start.empty()) return untrained;
  Model model = Model::load(recipe.start);
  if (recipe.grows) return grown_start(recipe, model, untrained);
  if (graph_to_json(model.graph()) != graph_to_json(untrained.graph()))
    fail("{}: holds another network than the recipe's {}", recipe.start.string(), recipe.network);
  return model;
}

/// One network, and losses between its picture and the target.
class PictureObjective : public Objective {
 public:
  PictureObjective(const Recipe& recipe, torch::Device device)
      : training_(recipe.training),
        task_(network_use(recipe.network).task),
        device_(device),
        network_(first_model(recipe), device) {}

  const std::vector<Parameter>& parameters() const override { return network_.parameters(); }
  const std::vector<torch::Tensor>& weights() const override { return network_.weights(); }
  std::vector<ClipGroup> clip_groups() const override {
    return {{0, parameters().size(), training_.gradient_clip}};
  }

  torch::Tensor loss(const Batch& batch, ProductTape& tape) const override {
    torch::Tensor output;
    {
      const TrainingArithmetic arithmetic(training_.precision, device_);
      output = network_.forward(batch.input, &tape, side_inputs(batch));
    }
    return loss_between(training_.losses, picture_of(output.to(torch::kFloat32), batch, task_),
                        target(batch));
  }

  torch::Tensor picture(const std::vector<torch::Tensor>& weights,
                        const Batch& batch) const override {
    return picture_of(network_.forward_with(weights, batch.input, nullptr, side_inputs(batch)),
                      batch, task_);
  }

  Model to_model(const ModelInfo& info, const std::vector<torch::Tensor>& weights) const override {
    return network_.to_model(info, weights);
  }
  const Graph& graph() const override { return network_.graph(); }
  std::string description() const override { return to_string(training_.losses) + " loss"; }

 private:
  TrainingRecipe training_;
  Task task_;
  torch::Device device_;
  LoweredNetwork network_;
};

/// VDN: a denoiser and the network that learns the noise's variance beside it.
class VariationalObjective : public Objective {
 public:
  VariationalObjective(const Recipe& recipe, torch::Device device)
      : training_(recipe.training),
        settings_(*recipe.training.variational),
        device_(device),
        denoiser_(first_model(recipe), device),
        noise_(untrained_network("vdn-s", {}, {}, recipe.training.seed + 1), device),
        parameters_(denoiser_.parameters()),
        weights_(denoiser_.weights()) {
    for (Parameter p : noise_.parameters()) {
      p.name = "s-net." + p.name;
      parameters_.push_back(std::move(p));
    }
    weights_.insert(weights_.end(), noise_.weights().begin(), noise_.weights().end());
  }

  const std::vector<Parameter>& parameters() const override { return parameters_; }
  const std::vector<torch::Tensor>& weights() const override { return weights_; }
  std::vector<ClipGroup> clip_groups() const override {
    const size_t first = denoiser_.parameters().size(), second = noise_.parameters().size();
    return {{0, first, settings_.denoiser_clip}, {first, second, settings_.noise_clip}};
  }

  torch::Tensor loss(const Batch& batch, ProductTape& tape) const override {
    torch::Tensor denoised, noise;
    {
      const TrainingArithmetic arithmetic(training_.precision, device_);
      denoised = denoiser_.forward(batch.input, &tape);
      noise = noise_.forward(batch.input);
    }
    return variational_loss({denoised.to(torch::kFloat32), noise.to(torch::kFloat32)}, batch,
                            settings_)
        .sum();
  }

  torch::Tensor picture(const std::vector<torch::Tensor>& weights,
                        const Batch& batch) const override {
    const std::vector<torch::Tensor> own(weights.begin(),
                                         weights.begin() + long(denoiser_.parameters().size()));
    return picture_of(denoiser_.forward_with(own, batch.input), batch, Task::denoise);
  }

  Model to_model(const ModelInfo& info, const std::vector<torch::Tensor>& weights) const override {
    return denoiser_.to_model(info, weights);
  }
  std::optional<Model> noise_model(const ModelInfo& info,
                                   const std::vector<torch::Tensor>& weights) const override {
    ModelInfo own = info;
    own.task = Task::noise;
    own.name += "-noise";
    own.side_ranges = {};  // the denoiser's
    return noise_.to_model(own,
                           {weights.begin() + long(denoiser_.parameters().size()), weights.end()});
  }
  const Graph& graph() const override { return denoiser_.graph(); }
  std::string description() const override { return "variational loss"; }

 private:
  TrainingRecipe training_;
  VariationalRecipe settings_;
  torch::Device device_;
  LoweredNetwork denoiser_, noise_;
  std::vector<Parameter> parameters_;
  std::vector<torch::Tensor> weights_;
};

}  // namespace

std::vector<double> rate_factors(const std::vector<Parameter>& parameters,
                                 const TrainingRecipe& recipe) {
  std::vector<double> factors;
  for (const Parameter& p : parameters)
    factors.push_back(p.role == ParameterRole::hyper_out
                          ? nn::hyper_out_factor(recipe.hyper_out_rate, p.dims[1])
                          : 1.0);
  return factors;
}

torch::Tensor picture_of(const torch::Tensor& output, const Batch& batch, Task task) {
  if (task == Task::denoise) return batch.input + output.narrow(1, 0, 3);
  const torch::Tensor light =
      batch.curve_offset.defined() ? linear_light(output, batch.curve_offset) : output;
  return batch.camera_to_srgb.defined() ? display(light, batch.camera_to_srgb) : light;
}

TorchSideInputs side_inputs(const Batch& batch) {
  if (!batch.noise.defined()) return {};
  return {{"noise", batch.noise.unsqueeze(2).unsqueeze(3)}};
}

torch::Tensor Objective::target(const Batch& batch) const {
  return batch.camera_to_srgb.defined() ? display(batch.target, batch.camera_to_srgb)
                                        : batch.target;
}

std::unique_ptr<Objective> make_objective(const Recipe& recipe, torch::Device device) {
  if (recipe.training.variational) return std::make_unique<VariationalObjective>(recipe, device);
  return std::make_unique<PictureObjective>(recipe, device);
}

}  // namespace hyperconv
