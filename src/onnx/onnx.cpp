#include "onnx/onnx.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "onnx/onnx_translator.hpp"

namespace hyperconv {
namespace {

// ONNX wants raw_data little-endian, and the rest of the program is.
static_assert(std::endian::native == std::endian::little);

constexpr int onnx_ir_version = 8;  // of ONNX 1.12, with opset 17

std::string input_description(Task task) {
  switch (task) {
    case Task::develop:
      return "One Bayer mosaic, black subtracted, white-balanced, 1 = saturated, packed to R, G of "
             "the red row, G of the blue row, B at half its rows and columns";
    case Task::isp:
      return "One Bayer mosaic / 1020, packed to B, Gb, R, Gr at half its rows and columns";
    case Task::denoise:
    case Task::noise:
      return "One sRGB photo, 0 = black, 1 = white";
  }
  return {};
}

std::string output_description(Task task) {
  switch (task) {
    case Task::develop:
      return "Camera RGB, linear, white-balanced";
    case Task::isp:
      return "sRGB";
    case Task::denoise:
      return "What to add to the photo (and, of six channels, the logarithm of its variance)";
    case Task::noise:
      return "The logarithms of alpha and beta: the noise's variance is their inverse gamma "
             "distribution's";
  }
  return {};
}

void add_fact(const std::string& key, const std::string& value, onnx::ModelProto& model) {
  auto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

/// A file in two parts: what protobuf holds in memory, and the weights, which stay where they are.
struct OnnxFile {
  onnx::ModelProto model;  ///< without its graph
  onnx::GraphProto graph;  ///< without its weights
  std::vector<OnnxWeight> weights;
};

OnnxFile file_of(const Graph& graph, const ModelInfo& info) {
  OnnxBuilder built = translate_to_onnx(graph, info.side_ranges);
  OnnxFile file{{}, std::move(built.graph()), built.weights()};
  file.graph.set_name(info.name.empty() ? "hyperconv" : info.name);
  file.graph.mutable_input(0)->set_doc_string(input_description(info.task));
  file.graph.mutable_output(0)->set_doc_string(output_description(info.task));
  file.model.set_ir_version(onnx_ir_version);
  file.model.set_producer_name("hyperconv");
  file.model.set_producer_version(HYPERCONV_VERSION);
  file.model.set_doc_string(info.summary);
  file.model.add_opset_import()->set_version(onnx_opset);
  const SmallestFrame smallest = smallest_onnx_frame(graph);
  add_fact("format", model_format, file.model);
  add_fact("graph", graph_to_json(graph), file.model);
  add_fact("task", to_string(info.task), file.model);
  add_fact("name", info.name, file.model);
  add_fact("summary", info.summary, file.model);
  add_fact("data_licence", info.data_licence, file.model);
  add_fact("domain", to_string(info.domain), file.model);
  add_fact("size_multiple", std::to_string(size_multiple(graph)), file.model);
  add_fact("smallest_height", std::to_string(smallest.height), file.model);
  add_fact("smallest_width", std::to_string(smallest.width), file.model);
  return file;
}

int64_t count_of(const OnnxWeight& weight) {
  int64_t count = 1;
  for (const int64_t extent : weight.dims) count *= extent;
  return count;
}
int64_t bytes_of(const OnnxWeight& weight) { return count_of(weight) * int64_t(sizeof(float)); }

/// What stands in a protobuf file before the bytes of a message, a text or an array of bytes.
std::string head_of_field(int number, int64_t bytes) {
  constexpr uint32_t length_delimited = 2;
  std::string head;
  {
    google::protobuf::io::StringOutputStream stream(&head);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.WriteTag(uint32_t(number) << 3 | length_delimited);
    coded.WriteVarint64(uint64_t(bytes));
  }
  return head;
}

/// The initializer up to its first value.
std::string head_of_weight(const OnnxWeight& weight) {
  onnx::TensorProto tensor;
  tensor.set_name(weight.name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : weight.dims) tensor.add_dims(extent);
  const std::string facts = tensor.SerializeAsString() +
                            head_of_field(onnx::TensorProto::kRawDataFieldNumber, bytes_of(weight));
  return head_of_field(onnx::GraphProto::kInitializerFieldNumber,
                       int64_t(facts.size()) + bytes_of(weight)) +
         facts;
}

/// The pieces of the file in order, and the weights between them. A ModelProto that held everything
/// would double the memory: hyper-i has 1.1 GB of weights.
struct OnnxLayout {
  std::string head;                       ///< the model, and its graph without the weights
  std::vector<std::string> weight_heads;  ///< before each weight's values
  int64_t bytes = 0;                      ///< of the whole file
};

OnnxLayout layout_of(const OnnxFile& file) {
  OnnxLayout layout;
  const std::string graph = file.graph.SerializeAsString();
  auto graph_bytes = int64_t(graph.size());
  for (const OnnxWeight& weight : file.weights) {
    layout.weight_heads.push_back(head_of_weight(weight));
    graph_bytes += int64_t(layout.weight_heads.back().size()) + bytes_of(weight);
  }
  layout.head = file.model.SerializeAsString() +
                head_of_field(onnx::ModelProto::kGraphFieldNumber, graph_bytes) + graph;
  layout.bytes = int64_t(layout.head.size() - graph.size()) + graph_bytes;
  return layout;
}

OnnxSummary summary_of(const Graph& graph, const OnnxFile& file, const OnnxLayout& layout) {
  const SmallestFrame smallest = smallest_onnx_frame(graph);
  OnnxSummary summary{.bytes = layout.bytes,
                      .operators = file.graph.node_size(),
                      .multiple = size_multiple(graph),
                      .smallest_height = int(smallest.height),
                      .smallest_width = int(smallest.width)};
  for (const OnnxWeight& weight : file.weights) summary.parameters += count_of(weight);
  if (layout.bytes > onnx_largest_file)
    fail(
        "an ONNX file holds at most 2 GiB, and {:.1f} M parameters in fp32 are {:.2f} GiB; take a "
        "smaller width or hidden width",
        double(summary.parameters) / 1e6, double(layout.bytes) / (1 << 30));
  return summary;
}

void write_text(const std::string& text, PendingFile& file) {
  file.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

/// A part at a time, so that little of a half-precision model is in memory twice.
void write_values(const std::string& name, const WeightView& weight, PendingFile& file) {
  constexpr int64_t part = 1 << 20;
  for (int64_t first = 0; first < weight.count(); first += part) {
    const int64_t count = std::min(part, weight.count() - first);
    const std::vector<float> values = weight.to_float(first, count);
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
      fail("the weight '{}' is not finite", name);
    file.write({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)});
  }
}

}  // namespace

OnnxSummary onnx_summary(const Graph& graph, const ModelInfo& info) {
  const OnnxFile file = file_of(graph, info);
  return summary_of(graph, file, layout_of(file));
}

OnnxSummary export_onnx(const std::filesystem::path& path, const Model& model) {
  const OnnxFile file = file_of(model.graph(), model.info());
  const OnnxLayout layout = layout_of(file);
  const OnnxSummary summary = summary_of(model.graph(), file, layout);
  PendingFile pending(path);
  write_text(layout.head, pending);
  for (size_t i = 0; i < file.weights.size(); ++i) {
    write_text(layout.weight_heads[i], pending);
    write_values(file.weights[i].name, model.weight(file.weights[i].name), pending);
  }
  pending.commit();
  return summary;
}

}  // namespace hyperconv
