#include "training/checkpoint.hpp"

#include <charconv>

#include "base/fail.hpp"
#include "network/safetensors.hpp"

namespace hyperconv {
namespace {

constexpr const char* format_version = "hyperconv-checkpoint-1";

/// The four families of tensors under their names in the file.
template <class Visit>
void for_each_family(TrainingState& state, Visit visit) {
  visit("weight/", state.weights);
  visit("first_moment/", state.first_moments);
  visit("second_moment/", state.second_moments);
  visit("average/", state.average);
}

std::span<const uint8_t> bytes_of(const torch::Tensor& tensor) {
  return {reinterpret_cast<const uint8_t*>(tensor.data_ptr<float>()),
          size_t(tensor.numel()) * sizeof(float)};
}

const std::string& fact(const Safetensors& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail("its metadata lack '{}'", key);
  return found->second;
}

int64_t parsed_step(const std::string& text) {
  int64_t step = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size() || step < 0)
    fail("its step '{}' is no number", text);
  return step;
}

void restore(const Safetensors& file, TrainingState& state) {
  if (fact(file, "format") != format_version) fail("its format is '{}'", fact(file, "format"));
  if (fact(file, "recipe") != state.recipe)
    fail("it was made by another recipe; start afresh with --restart, or name another --output");
  const int64_t step = parsed_step(fact(file, "step"));
  const torch::NoGradGuard no_grad;
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const std::string name = family + state.parameters[i].name;
      const auto found = file.tensors.find(name);
      if (found == file.tensors.end() || found->second.dims != state.parameters[i].dims)
        fail("the tensor '{}' is missing or of another shape", name);
      const std::vector<float> values = found->second.to_float();
      std::copy(values.begin(), values.end(), tensors[i].data_ptr<float>());
    }
  });
  state.step = step;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const TrainingState& original) {
  TrainingState state = original;  // shares the tensors
  SafetensorsWriter writer(
      path,
      {{"format", format_version}, {"step", std::to_string(state.step)}, {"recipe", state.recipe}});
  for_each_family(state, [&](const std::string& family, std::vector<torch::Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i)
      writer.announce(family + state.parameters[i].name, Precision::f32, state.parameters[i].dims);
  });
  for_each_family(state, [&](const std::string&, std::vector<torch::Tensor>& tensors) {
    for (const auto& tensor : tensors) writer.write(bytes_of(tensor.detach().contiguous()));
  });
  writer.commit();
}

void load_checkpoint(const std::filesystem::path& path, TrainingState& state) {
  try {
    restore(read_safetensors(path), state);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(path.string())) throw;
    fail("{}: cannot be resumed from: {}", path.string(), what);
  }
}

}  // namespace hyperconv
