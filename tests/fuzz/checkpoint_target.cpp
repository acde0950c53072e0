// Checkpoints: a damaged one is refused, and never read as another.
#include <memory>
#include <stdexcept>

#include "base/file.hpp"
#include "network/zoo.hpp"
#include "targets.hpp"
#include "training/checkpoint.hpp"

namespace hyperconv::fuzz {
namespace {

/// A run's state after some steps; `salt` makes others of it.
class State {
 public:
  explicit State(float salt) : parameters_(parameters(small_denoiser({.width = 4, .hidden = 2}))) {
    for (auto* family :
         {&state_.weights, &state_.first_moments, &state_.second_moments, &state_.average})
      for (const Parameter& parameter : parameters_)
        family->push_back(torch::full(parameter.dims, salt += 0.25F, torch::kFloat32));
    state_.clip = {1, 2.5};
    state_.recipe = "[model]\nname = \"tiny\"\n";
    state_.step = 10;
  }
  TrainingState& state() { return state_; }

 private:
  std::vector<Parameter> parameters_;
  TrainingState state_{parameters_};
};

bool equal(const TrainingState& a, const TrainingState& b) {
  return state_hash(a) == state_hash(b) && a.step == b.step && a.best_psnr == b.best_psnr &&
         a.clip == b.clip;
}

/// A folder that holds the one checkpoint.
class Run {
 public:
  Bytes sound() {
    Checkpoints(folder_.path()).save(State(1).state());
    return read_file(path());
  }
  void read(const Bytes& bytes) {
    write_file(path(), bytes);
    State read(5), written(1);
    std::vector<std::string> damaged;
    Checkpoints(folder_.path()).load(read.state(), damaged);
    if (!equal(read.state(), written.state())) throw std::logic_error("read as another one");
  }

 private:
  std::filesystem::path path() const { return folder_ / "checkpoint-000000010.safetensors"; }

  TemporaryFolder folder_{std::filesystem::exists("/dev/shm")
                              ? std::filesystem::path("/dev/shm")
                              : std::filesystem::temp_directory_path()};
};

}  // namespace

Target checkpoint_target() {
  const auto run = std::make_shared<Run>();
  return {"checkpoint",
          "a training's checkpoints",
          {run->sound()},
          {"\"F32\"", "\"shape\":[", "\"data_offsets\":[", "\"step\":\"", "weight/", "average/"},
          [run](const Bytes& bytes) { run->read(bytes); }};
}

}  // namespace hyperconv::fuzz
