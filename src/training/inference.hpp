// A network run by libtorch: what the engine is compared with. No libtorch in this header, so that
// the program need not compile against it.
#pragma once

#include <memory>
#include <string>

#include "base/tensor.hpp"
#include "network/model.hpp"
#include "training/recipe.hpp"

namespace hyperconv {

struct TorchInferenceOptions {
  int threads = 0;  ///< 0: all cores
  /// As for training (prepare_torch), and tensors channels-last. False: libtorch as it comes, but
  /// for the number of threads.
  bool tuned = true;
  TrainingPrecision precision = TrainingPrecision::fp32;
};

class TorchInference {
 public:
  /// Copies the weights. Once in a process: what prepare_torch sets stays.
  TorchInference(const Model& model, const TorchInferenceOptions& options);
  ~TorchInference();
  TorchInference(const TorchInference&) = delete;
  TorchInference& operator=(const TorchInference&) = delete;

  /// [1,C,H,W] -> the graph's output in `output` (resized only when its shape is wrong), as
  /// Engine::run. Throws Error with libtorch's first line.
  void run(const Tensor& input, Tensor& output, const SideInputs& side = {});

  /// Of the libtorch that is running.
  static std::string version();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyperconv
