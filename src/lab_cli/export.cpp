// hyperconv export: a network for other runtimes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/fail.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "cli/size.hpp"
#include "engine/engine.hpp"
#include "lab_cli/commands.hpp"
#include "network/safetensors.hpp"
#include "network/zoo.hpp"
#include "onnx/onnx.hpp"

namespace hyperconv::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ExportArguments {
  std::string model, network, onnx, sample, size;
  std::optional<int> width, hidden;
  uint64_t seed = 1;
  bool json = false;
};

std::shared_ptr<const Model> network_at_step_0(const ExportArguments& a) {
  const Graph graph = make_network(a.network, {a.width, a.hidden});
  const ModelInfo info{network_use(a.network).task, a.network,
                       fmt::format("untrained, seed {}", a.seed), "none, no data was seen"};
  // Before hundreds of millions of weights are drawn.
  onnx_summary(graph, info);
  return std::make_shared<const Model>(
      untrained_network(a.network, {a.width, a.hidden}, info, a.seed));
}

std::shared_ptr<const Model> model_of(const ExportArguments& a) {
  if (!a.network.empty()) return network_at_step_0(a);
  return std::make_shared<const Model>(Model::load(a.model));
}

/// No file of this run may take another's place.
void check_paths(const ExportArguments& a) {
  const auto apart = [](const std::string& path, const std::string& other) {
    if (path.empty() || other.empty()) return;
    if (std::filesystem::weakly_canonical(path) == std::filesystem::weakly_canonical(other))
      fail("{}: is already a file of this export; name another", path);
  };
  apart(a.onnx, a.model);
  apart(a.sample, a.model);
  apart(a.sample, a.onnx);
}

/// Rows and columns of the sample, in pixels of the network's input.
Shape sample_shape(const ExportArguments& a, const Model& model, const OnnxSummary& summary) {
  const int channels = std::get<Input>(model.graph().node(0).op).channels;
  if (a.size.empty()) {
    const int64_t m = summary.multiple;
    return {1, channels, std::max<int64_t>(3 * m, summary.smallest_height),
            std::max<int64_t>(5 * m, summary.smallest_width)};
  }
  const auto [height, width] = parse_size(a.size);
  if (height % summary.multiple != 0 || width % summary.multiple != 0 ||
      height < summary.smallest_height || width < summary.smallest_width)
    fail("--size {}: this network takes multiples of {}, in ONNX from {}x{} on", a.size,
         summary.multiple, summary.smallest_height, summary.smallest_width);
  return {1, channels, height, width};
}

/// Inputs of uniform values in [0,1), and the engine's output.
struct Sample {
  Tensor input, output;
  SideInputs side;
};

Sample run_sample(const std::shared_ptr<const Model>& model, const Shape& shape, uint64_t seed) {
  Sample sample{Tensor(shape), {}, neutral_side_inputs(model->graph())};
  Random random(seed);
  const auto draw = [&](Tensor& values) {
    for (size_t i = 0; i < values.size(); ++i) values.data()[i] = float(random.uniform());
  };
  draw(sample.input);
  for (auto& [name, values] : sample.side) draw(values);
  Engine(model).run(sample.input, sample.output, sample.side);
  return sample;
}

void write_sample(const std::string& path, const Sample& sample, const ModelInfo& info) {
  SafetensorsWriter writer(path, {{"name", info.name}, {"task", to_string(info.task)}});
  const auto announce = [&](const char* name, const Shape& s) {
    writer.announce(name, Precision::f32, {s.n, s.c, s.h, s.w});
  };
  const auto write = [&](const Tensor& tensor) {
    writer.write({reinterpret_cast<const uint8_t*>(tensor.data()), tensor.size() * sizeof(float)});
  };
  announce("input", sample.input.shape());
  announce("output", sample.output.shape());
  for (const auto& [name, values] : sample.side) announce(name.c_str(), values.shape());
  write(sample.input);
  write(sample.output);
  for (const auto& [name, values] : sample.side) write(values);
  writer.commit();
}

void report(const ExportArguments& a, const Model& model, const OnnxSummary& summary,
            const std::optional<Sample>& sample) {
  const int channels = std::get<Input>(model.graph().node(0).op).channels;
  if (!a.json) {
    fmt::print(
        "{}: {}, {:.3f} M parameters, {} operators of opset {}, {:.1f} MB\n"
        "input [1,{},height,width], multiples of {} from {}x{} on\n",
        a.onnx, model.info().name, double(summary.parameters) / 1e6, summary.operators, onnx_opset,
        double(summary.bytes) / 1e6, channels, summary.multiple, summary.smallest_height,
        summary.smallest_width);
    if (sample)
      fmt::print("{}: input {}, output {}\n", a.sample, to_string(sample->input.shape()),
                 to_string(sample->output.shape()));
    return;
  }
  Json json = {{"output", a.onnx},
               {"model", model.info().name},
               {"task", to_string(model.info().task)},
               {"opset", onnx_opset},
               {"parameters", summary.parameters},
               {"operators", summary.operators},
               {"bytes", summary.bytes},
               {"input", {1, channels, "height", "width"}},
               {"size_multiple", summary.multiple},
               {"smallest_height", summary.smallest_height},
               {"smallest_width", summary.smallest_width}};
  if (sample) {
    const auto dims = [](const Shape& s) { return Json{s.n, s.c, s.h, s.w}; };
    json["sample"] = {{"file", a.sample},
                      {"seed", a.seed},
                      {"input", dims(sample->input.shape())},
                      {"output", dims(sample->output.shape())}};
  }
  fmt::print("{}\n", to_line(json));
}

void export_network(const ExportArguments& a) {
  check_paths(a);
  const auto model = model_of(a);
  std::optional<Sample> sample;
  if (!a.sample.empty()) {
    const OnnxSummary summary = onnx_summary(model->graph(), model->info());
    sample = run_sample(model, sample_shape(a, *model, summary), a.seed);
  }
  const OnnxSummary summary = export_onnx(a.onnx, *model);
  if (sample) write_sample(a.sample, *sample, model->info());
  report(a, *model, summary, sample);
}

void add_source(CLI::App& command, ExportArguments& a) {
  auto* model = command.add_option("--model", a.model, "A trained network (.safetensors)");
  auto* network = command.add_option(
      "--network", a.network,
      fmt::format("Instead of it an untrained one: {}", fmt::join(network_names(), ", ")));
  network->excludes(model);
  command.add_option("--width", a.width, "Channels of the network's first level")
      ->check(CLI::Range(1, 4096))
      ->needs(network);
  command.add_option("--hidden", a.hidden, "Hidden width of its HyperConvolutions")
      ->check(CLI::Range(0, 1 << 20))
      ->needs(network);
  command.add_option("--seed", a.seed, "Of untrained weights and of the sample")
      ->capture_default_str();
}

}  // namespace

void add_export(CLI::App& program) {
  auto* command = add_laboratory_command(program, "export");
  auto a = std::make_shared<ExportArguments>();
  add_source(*command, *a);
  command->add_option("--onnx", a->onnx, "The file to write")->required();
  auto* sample = command->add_option(
      "--sample", a->sample,
      "Also write a random input and our output for it (.safetensors), to check a runtime with");
  command
      ->add_option("--size", a->size,
                   "Rows x columns of the sample's input (default: 3 x 5 times the least)")
      ->check(size_validator())
      ->needs(sample);
  command->add_flag("--json", a->json, "One JSON object on stdout");
  command->callback([a] {
    if (a->model.empty() && a->network.empty()) throw CLI::RequiredError("--model or --network");
    export_network(*a);
  });
}

}  // namespace hyperconv::cli
