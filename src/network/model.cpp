#include "hyperconv/model.hpp"

#include <cmath>
#include <cstring>

#include "base/fail.hpp"
#include "base/half.hpp"
#include "network/safetensors.hpp"

namespace hyperconv {
namespace {

constexpr std::pair<Task, const char*> tasks[] = {{Task::develop, "develop"},
                                                  {Task::isp, "isp"},
                                                  {Task::denoise, "denoise"},
                                                  {Task::noise, "noise"}};

Task task_from_string(const std::string& name) {
  for (const auto& [task, text] : tasks)
    if (name == text) return task;
  fail("its task '{}' is not known", name);
}

const std::string& metadata(const Safetensors& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail("its metadata lack '{}'", key);
  return found->second;
}

std::string dims_text(const std::vector<int64_t>& dims) {
  return fmt::format("[{}]", fmt::join(dims, ","));
}

/// Each parameter of the graph, once, with its own dims, and nothing else.
void check_weights(const Graph& graph, const std::map<std::string, WeightView>& weights) {
  const auto params = parameters(graph);
  for (const Parameter& p : params) {
    const auto found = weights.find(p.name);
    if (found == weights.end()) fail("the weight '{}' is missing", p.name);
    if (found->second.dims != p.dims)
      fail("the weight '{}' is {}, the graph wants {}", p.name, dims_text(found->second.dims),
           dims_text(p.dims));
  }
  if (weights.size() != params.size())
    fail("it has {} weights, the graph wants {}", weights.size(), params.size());
}

std::vector<uint8_t> encoded(const std::string& name, const WeightView& weight,
                             Precision precision) {
  const std::vector<float> values = weight.to_float();
  std::vector<uint8_t> bytes(values.size() * bytes_per_value(precision));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    if (!std::isfinite(value)) fail("the weight '{}' is not finite", name);
    if (precision == Precision::f32) {
      std::memcpy(&bytes[4 * i], &value, 4);
      continue;
    }
    const uint16_t half = precision == Precision::f16 ? float_to_f16(value) : float_to_bf16(value);
    std::memcpy(&bytes[2 * i], &half, 2);
  }
  return bytes;
}

}  // namespace

std::string to_string(Task task) {
  for (const auto& [candidate, text] : tasks)
    if (candidate == task) return text;
  return {};
}

int64_t WeightView::count() const {
  int64_t product = 1;
  for (const int64_t extent : dims) product *= extent;
  return product;
}

std::vector<float> WeightView::to_float() const {
  std::vector<float> values(static_cast<size_t>(count()));
  if (precision == Precision::f32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    values[i] = precision == Precision::f16 ? f16_to_float(half) : bf16_to_float(half);
  }
  return values;
}

Model Model::load(const std::filesystem::path& path) {
  try {
    Safetensors file = read_safetensors(path);
    if (metadata(file, "format") != model_format)
      fail("its format is '{}', this program reads '{}'", metadata(file, "format"), model_format);
    Model model;
    model.graph_ = graph_from_json(metadata(file, "graph"));
    model.info_ = {task_from_string(metadata(file, "task")), metadata(file, "name"),
                   metadata(file, "summary"), metadata(file, "data_licence")};
    check_weights(model.graph_, file.tensors);
    model.weights_ = std::move(file.tensors);
    model.storage_ = std::move(file.storage);
    return model;
  } catch (const Error& error) {
    const std::string what = error.what();
    // Errors of opening the file name it already.
    if (what.starts_with(path.string())) throw;
    fail("{}: is not a model of this program: {}", path.string(), what);
  }
}

Model::Model(Graph graph, ModelInfo info, std::map<std::string, std::vector<float>> weights)
    : graph_(std::move(graph)), info_(std::move(info)) {
  const auto storage =
      std::make_shared<std::map<std::string, std::vector<float>>>(std::move(weights));
  for (const Parameter& p : parameters(graph_)) {
    const auto found = storage->find(p.name);
    if (found == storage->end() || int64_t(found->second.size()) != p.count())
      fail("the weight '{}' is missing or of the wrong size", p.name);
    weights_[p.name] = {Precision::f32, p.dims, std::as_bytes(std::span(found->second))};
  }
  storage_ = storage;
}

const WeightView& Model::weight(const std::string& name) const {
  const auto found = weights_.find(name);
  if (found == weights_.end()) fail("the model has no weight '{}'", name);
  return found->second;
}

void save_model(const std::filesystem::path& path, const Model& model, Precision precision) {
  const std::map<std::string, std::string> facts = {{"format", model_format},
                                                    {"graph", graph_to_json(model.graph())},
                                                    {"task", to_string(model.info().task)},
                                                    {"name", model.info().name},
                                                    {"summary", model.info().summary},
                                                    {"data_licence", model.info().data_licence}};
  SafetensorsWriter writer(path, facts);
  const auto params = parameters(model.graph());
  for (const Parameter& p : params) writer.announce(p.name, precision, p.dims);
  for (const Parameter& p : params) writer.write(encoded(p.name, model.weight(p.name), precision));
  writer.commit();
}

}  // namespace hyperconv
