#include "network/model.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/fail.hpp"
#include "base/half.hpp"
#include "network/safetensors.hpp"

namespace hyperconv {
namespace {

// The name of each, null beyond the last. A switch, so that the compiler warns of a new one without
// a name; the values count from 0, so that reading tries the same names in turn.
const char* name_of(Task task) {
  switch (task) {
    case Task::develop:
      return "develop";
    case Task::isp:
      return "isp";
    case Task::denoise:
      return "denoise";
    case Task::noise:
      return "noise";
  }
  return nullptr;
}
const char* name_of(Domain domain) {
  switch (domain) {
    case Domain::linear:
      return "linear";
    case Domain::stabilised:
      return "stabilised";
  }
  return nullptr;
}

const char* name_of(Packing packing) {
  switch (packing) {
    case Packing::bayer:
      return "bayer";
    case Packing::x_trans:
      return "x-trans";
    case Packing::three_colours:
      return "three-colours";
  }
  return nullptr;
}

Task task_from_string(const std::string& name) {
  for (int i = 0; name_of(Task(i)) != nullptr; ++i)
    if (name == name_of(Task(i))) return Task(i);
  fail("its task '{}' is not known", name);
}

const std::string& metadata(const Safetensors& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) fail("its metadata lack '{}'", key);
  return found->second;
}

/// Absent in the first files of this format.
Domain domain_of(const Safetensors& file) {
  const auto found = file.metadata.find("domain");
  return found == file.metadata.end() ? Domain::linear : domain_from_string(found->second);
}

/// Absent in all files before X-Trans.
Packing packing_of(const Safetensors& file) {
  const auto found = file.metadata.find("packing");
  return found == file.metadata.end() ? Packing::bayer : packing_from_string(found->second);
}

/// Absent in files before it was kept.
SideRanges side_ranges_of(const Safetensors& file) {
  const auto found = file.metadata.find("side_ranges");
  return found == file.metadata.end() ? SideRanges{} : side_ranges_from_json(found->second);
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

std::vector<float> finite_values(const Model& model, const std::string& name) {
  std::vector<float> values = model.weight(name).to_float();
  for (const float value : values)
    if (!std::isfinite(value)) fail("the weight '{}' is not finite", name);
  return values;
}

/// f32, f16 or bf16.
std::vector<uint8_t> encoded(std::span<const float> values, Precision precision) {
  std::vector<uint8_t> bytes(values.size() * size_t(bytes_per_value(precision)));
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    if (precision == Precision::f32) {
      std::memcpy(&bytes[4 * i], &value, 4);
      continue;
    }
    const uint16_t half = precision == Precision::f16 ? float_to_f16(value) : float_to_bf16(value);
    std::memcpy(&bytes[2 * i], &half, 2);
  }
  return bytes;
}

/// The factors of a matrix's rows in i8 (see Precision): each row's largest number becomes 127.
std::vector<float> row_scales(std::span<const float> values, int64_t rows) {
  constexpr float largest_i8 = 127;
  const size_t columns = values.size() / size_t(rows);
  std::vector<float> scales;
  for (size_t first = 0; first < values.size(); first += columns) {
    float largest = 0;
    for (const float value : values.subspan(first, columns))
      largest = std::max(largest, std::fabs(value));
    scales.push_back(largest / largest_i8);
  }
  return scales;
}

std::vector<uint8_t> rounded(std::span<const float> values, std::span<const float> scales) {
  const size_t columns = values.size() / scales.size();
  std::vector<uint8_t> bytes(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const float scale = scales[i / columns];
    bytes[i] = scale > 0 ? uint8_t(int8_t(std::lround(values[i] / scale))) : uint8_t(0);
  }
  return bytes;
}

// ---- i8 in a file: the numbers under the weight's own name, the factors under this one.

std::string scale_name(const std::string& weight) { return weight + ".scale"; }

bool may_be_i8(const Parameter& parameter) { return parameter.role == ParameterRole::hyper_out; }

/// Joins each i8 matrix and its factors, which stop being tensors of their own.
void attach_scales(const Graph& graph, std::map<std::string, WeightView>& tensors) {
  for (const Parameter& p : parameters(graph)) {
    const auto found = tensors.find(p.name);
    if (found == tensors.end() || found->second.precision != Precision::i8) continue;
    if (!may_be_i8(p)) fail("the weight '{}' is in I8; only a2.weight may be", p.name);
    const auto scale = tensors.find(scale_name(p.name));
    if (scale == tensors.end() || scale->second.precision != Precision::f32 ||
        scale->second.dims != std::vector<int64_t>{p.dims[0]})
      fail("the weight '{}' is in I8 and has no '{}' in F32, [{}]", p.name, scale_name(p.name),
           p.dims[0]);
    found->second.scales = scale->second.bytes;
    tensors.erase(scale);
  }
}

}  // namespace

std::string to_string(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return "f32";
    case Precision::f16:
      return "f16";
    case Precision::bf16:
      return "bf16";
    case Precision::i8:
      return "i8";
  }
  return {};
}

std::string to_string(Task task) { return name_of(task); }

std::string to_string(Domain domain) { return name_of(domain); }

Domain domain_from_string(const std::string& name) {
  for (int i = 0; name_of(Domain(i)) != nullptr; ++i)
    if (name == name_of(Domain(i))) return Domain(i);
  fail("the domain '{}' is not known; known are linear, stabilised", name);
}

std::string to_string(Packing packing) { return name_of(packing); }

Packing packing_from_string(const std::string& name) {
  for (int i = 0; name_of(Packing(i)) != nullptr; ++i)
    if (name == name_of(Packing(i))) return Packing(i);
  fail("the packing '{}' is not known; known are bayer, x-trans, three-colours", name);
}

int cell_side(Packing packing) {
  switch (packing) {
    case Packing::bayer:
    case Packing::three_colours:
      return 2;
    case Packing::x_trans:
      return 6;
  }
  fail("the packing is not known");
}

int cell_channels(Packing packing) {
  const int samples = cell_side(packing) * cell_side(packing);
  return packing == Packing::three_colours ? 3 * samples : samples;
}

int64_t WeightView::count() const {
  int64_t product = 1;
  for (const int64_t extent : dims) product *= extent;
  return product;
}

std::vector<float> WeightView::to_float() const { return to_float(0, count()); }

std::vector<float> WeightView::to_float(int64_t first, int64_t count) const {
  std::vector<float> values(static_cast<size_t>(count));
  const std::byte* from = bytes.data() + first * bytes_per_value(precision);
  const auto half = [from](size_t i) {
    uint16_t bits = 0;
    std::memcpy(&bits, from + 2 * i, 2);
    return bits;
  };
  switch (precision) {
    case Precision::f32:
      std::memcpy(values.data(), from, values.size() * sizeof(float));
      break;
    case Precision::f16:
      for (size_t i = 0; i < values.size(); ++i) values[i] = f16_to_float(half(i));
      break;
    case Precision::bf16:
      for (size_t i = 0; i < values.size(); ++i) values[i] = bf16_to_float(half(i));
      break;
    case Precision::i8: {
      const int64_t columns = this->count() / dims[0];
      for (size_t i = 0; i < values.size(); ++i) {
        float scale = 0;
        std::memcpy(&scale, scales.data() + (first + int64_t(i)) / columns * 4, sizeof scale);
        values[i] = scale * float(int8_t(from[i]));
      }
    }
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
    model.info_ = {task_from_string(metadata(file, "task")),
                   metadata(file, "name"),
                   metadata(file, "summary"),
                   metadata(file, "data_licence"),
                   domain_of(file),
                   packing_of(file),
                   side_ranges_of(file)};
    check_side_ranges(model.graph_, model.info_.side_ranges);
    attach_scales(model.graph_, file.tensors);
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
  check_side_ranges(graph_, info_.side_ranges);
  const auto storage =
      std::make_shared<std::map<std::string, std::vector<float>>>(std::move(weights));
  for (const Parameter& p : parameters(graph_)) {
    const auto found = storage->find(p.name);
    if (found == storage->end() || int64_t(found->second.size()) != p.count())
      fail("the weight '{}' is missing or of the wrong size", p.name);
    weights_[p.name] = {Precision::f32, p.dims, std::as_bytes(std::span(found->second)), {}};
  }
  storage_ = storage;
}

const WeightView& Model::weight(const std::string& name) const {
  const auto found = weights_.find(name);
  if (found == weights_.end()) fail("the model has no weight '{}'", name);
  return found->second;
}

void save_model(const std::filesystem::path& path, const Model& model, Precision precision) {
  std::map<std::string, std::string> facts = {{"format", model_format},
                                              {"graph", graph_to_json(model.graph())},
                                              {"task", to_string(model.info().task)},
                                              {"name", model.info().name},
                                              {"summary", model.info().summary},
                                              {"data_licence", model.info().data_licence}};
  if (model.info().domain != Domain::linear) facts["domain"] = to_string(model.info().domain);
  if (model.info().packing != Packing::bayer) facts["packing"] = to_string(model.info().packing);
  if (!model.info().side_ranges.empty()) facts["side_ranges"] = to_json(model.info().side_ranges);
  const Precision others = precision == Precision::i8 ? Precision::f16 : precision;
  std::vector<Parameter> floats, matrices;
  for (const Parameter& p : parameters(model.graph()))
    (precision == Precision::i8 && may_be_i8(p) ? matrices : floats).push_back(p);

  // The widest values first, so that every tensor is aligned to its values.
  SafetensorsWriter writer(path, facts);
  for (const Parameter& p : matrices)
    writer.announce(scale_name(p.name), Precision::f32, {p.dims[0]});
  for (const Parameter& p : floats) writer.announce(p.name, others, p.dims);
  for (const Parameter& p : matrices) writer.announce(p.name, Precision::i8, p.dims);
  std::map<std::string, std::vector<float>> scales;
  for (const Parameter& p : matrices) {
    scales[p.name] = row_scales(finite_values(model, p.name), p.dims[0]);
    writer.write(encoded(scales[p.name], Precision::f32));
  }
  for (const Parameter& p : floats) writer.write(encoded(finite_values(model, p.name), others));
  for (const Parameter& p : matrices)
    writer.write(rounded(model.weight(p.name).to_float(), scales[p.name]));
  writer.commit();
}

}  // namespace hyperconv
