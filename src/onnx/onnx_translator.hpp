// Our operators in ONNX's: the fourth reader of the graph. By hand, because only this project knows
// its operators; messages, checker and shape inference are ONNX's own library.
#pragma once

#include "network/graph.hpp"
#include "network/side_range.hpp"
#include "onnx/onnx_builder.hpp"

namespace hyperconv {

/// The nodes that the output needs, of any height and width; its weights without their values.
/// Side inputs are held to `ranges`, as in our engine. Throws Error as onnx_summary does, but for
/// the size.
OnnxBuilder translate_to_onnx(const Graph& graph, const SideRanges& ranges = {});

/// Least rows and columns of the input at which ONNX can mirror every frame that a convolution
/// wants mirrored: size_multiple(graph), or a multiple of it. Throws Error that names the node
/// where none is large enough.
struct SmallestFrame {
  int64_t height = 1;
  int64_t width = 1;
};
SmallestFrame smallest_onnx_frame(const Graph& graph);

}  // namespace hyperconv
