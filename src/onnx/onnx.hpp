// A network for other runtimes: ONNX files.
#pragma once

#include <cstdint>
#include <filesystem>

#include "network/model.hpp"

namespace hyperconv {

/// Version of ONNX's operators that the files use; ONNX 1.12 brought it.
inline constexpr int onnx_opset = 17;

/// protobuf's limit, and so an ONNX file's: 2 GiB less one byte.
inline constexpr int64_t onnx_largest_file = INT32_MAX;

/// What an ONNX file holds, and the frames it takes: [1,C,H,W] with H and W multiples of `multiple`
/// and at least `smallest_height` and `smallest_width`.
struct OnnxSummary {
  int64_t bytes = 0;       ///< of the whole file
  int64_t parameters = 0;  ///< learned values of the nodes that the output needs
  int operators = 0;       ///< ONNX nodes: one of ours may become several
  int multiple = 1;        ///< size_multiple(graph)
  /// A convolution that mirrors the frame cannot reach farther than the frame in ONNX, while the
  /// engine mirrors again; this is the smallest multiple at which none does.
  int smallest_height = 1;
  int smallest_width = 1;
};

/// What export_onnx would write, from the graph alone. Throws Error when the file would be larger
/// than onnx_largest_file (with the figures), or when a convolution mirrors a frame that never is
/// large enough for it.
OnnxSummary onnx_summary(const Graph& graph, const ModelInfo& info);

/// Writes the model as one ONNX file, fp32, batch 1, height and width free. Input "input", output
/// "output"; weights have the model's names, nodes those of the graph, and what one of our
/// operators becomes beside its last node is called "<node>/<part>". What nothing needs is left
/// out. The metadata hold what a model file's do (format, graph, task, name, summary,
/// data_licence), and size_multiple, smallest_height, smallest_width. Beside the model it holds a
/// few MB in memory. Whole or not at all. Throws Error as onnx_summary does, when a weight is not
/// finite, and when the file cannot be written.
OnnxSummary export_onnx(const std::filesystem::path& path, const Model& model);

}  // namespace hyperconv
