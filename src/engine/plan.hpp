// From a graph and an input shape to the steps that run it and the memory they need.
//
// A node's value is a list of feature maps: a concatenation is the list of its inputs' feature maps
// and is never written anywhere; convolutions read several feature maps, and what works channel by
// channel (pooling, activation, ...) works on one feature map after the other.
//
// Padding: above and below the frame, a convolution is passed rows of zeros, or mirrored rows. Left
// and right, every feature map has a border in memory, of zeros at first; for Padding::reflect a
// FillBorder step mirrors the frame into it, and another one restores the zeros for a convolution
// that needs them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/integers.hpp"
#include "engine/conditions.hpp"
#include "engine/kernels/bf16.hpp"
#include "engine/kernels/kernels.hpp"
#include "network/graph.hpp"

namespace hyperconv {

/// Pixels, channels-last, with a border left and right, so that no kernel checks where a row ends.
struct FeatureMap {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t pixel = 0;                     ///< values from one pixel to the next: channels, or more
  int64_t border = 0;                    ///< pixels left and right
  Precision precision = Precision::f32;  ///< f32 or bf16
  /// Of the network's input, bf16: its channels as Kernels::to_hi_lo writes them, three times as
  /// many.
  bool hi_lo = false;
  int64_t row = 0;     ///< bytes from one row to the next, where all rows are kept
  int64_t offset = 0;  ///< bytes from the arena's start to the first row's border, likewise

  int first_step = 0;  ///< written by
  int last_step = 0;   ///< last read by; then its memory is reused

  bool sums = false;  ///< its writer also sums each channel: a later step needs the means

  int64_t pixel_bytes() const { return pixel * bytes_per_value(precision); }
  /// Of all rows.
  int64_t bytes() const;
};

using FeatureMapId = int;
using FeatureMaps = std::vector<FeatureMapId>;

/// Input channels [first, first + channels) of a node's weights: those applied to one feature map.
struct FilterSlice {
  NodeId node = 0;
  int64_t first = 0;
  int64_t channels = 0;
  bool dense = true;  ///< the feature map's pixels lie without gaps
  /// Of a convolution in bf16: the feature map is f32, or hi and lo already, and its values are
  /// multiplied to 16 bits (Kernels::to_hi_lo).
  bool hi_lo = false;

  bool operator==(const FilterSlice&) const = default;
};

/// The weights of one convolution as the kernels see it: a slice for each feature map it reads.
/// Usually of one node; the sum of two convolutions is one over the feature maps of both.
struct FilterSpec {
  FilterForm form = FilterForm::direct;
  int kernel = 1;
  int64_t out_channels = 0;
  bool transposed = false;  ///< ConvTranspose2d: 1x1 filters, see filters_of
  std::vector<FilterSlice> slices = {};

  bool operator==(const FilterSpec&) const = default;
};
using FilterId = int;

/// The taps of a slice of a FilterForm::bf16.
Bf16Taps bf16_taps(const FilterSpec& spec, const FilterSlice& slice);

/// Input channels of all slices.
int64_t channels_of(const FilterSpec& spec);

/// Filters that a ConvTranspose2d consists of: one for each of its four taps, [dy][dx]; in bf16,
/// where pixels lie without gaps, one for each row of two taps, whose outputs are two pixels'.
int filters_of(const FilterSpec& spec);
/// Output channels of each.
int64_t outs_at_once(const FilterSpec& spec);

/// Rows of each input that one unit (Reach) reads.
int rows_read(const FilterSpec& spec);

/// With more input channels the transformed rows of FilterForm::winograd would leave a core's
/// cache.
constexpr int64_t most_winograd_channels = 512;

/// What a step does, under the name of the graph's operator (graph.hpp) that it computes. Not every
/// node has a step: a Concat is a list of feature maps, an Activation is fused into the step before
/// it where that is possible.
namespace action {

/// The network's input, planar, becomes a feature map.
struct Input {};

/// Fills the border left and right of the inputs, for the steps that follow.
struct FillBorder {
  Padding padding = Padding::zero;
};

/// Conv2d, and HyperConv2d once its filters are predicted.
struct Conv2d {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int stride = 1;
  Padding padding = Padding::zero;
};

/// The same with stride 1, written directly to the network's planar output, through a PixelShuffle
/// of this factor.
struct Conv2dToOutput {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int factor = 1;
  Padding padding = Padding::zero;
};

struct ConvTranspose2d {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
};

/// Filters of a HyperConv2d from the channel means of the feature maps it reads, or from the values
/// of its second input.
struct PredictFilters {
  FilterId filter = 0;
  NodeId node = 0;
  Conditioning conditioning = Conditioning::layer;
};

struct AveragePool2d {};
struct MaxPool2d {};
struct AdaptiveAveragePool2d {
  int size = 1;
};
/// The last input is the mask; one feature map of 1x1 for each of the others.
struct AttentionPool {};
struct Upsample2d {};
/// Of each input.
struct Bilinear2d {
  bool align_corners = true;
};
struct Haar2d {
  HaarKind kind = HaarKind::analysis;
};
struct PixelShuffle {
  int factor = 2;
};
/// Inputs: the feature maps of the left term, then as many of the right one, of equal channels; the
/// right ones have the same size or one pixel.
struct Add {
  Rectifier rectifier = Rectifier::none;
};
/// Inputs as Add's.
struct Multiply {};
struct Activation {
  ActivationKind kind = ActivationKind::relu;
};
/// With the node's slope.
struct PRelu {};
/// With the node's weights. The inputs' channels are the node's, in order; one input for
/// NormKind::layer.
struct Norm2d {
  NormKind kind = NormKind::instance;
  Rectifier rectifier = Rectifier::none;
};
/// Copies its inputs into one feature map, for a step that cannot read a list of them.
struct Concat {};
/// A SideInput, or a PhotoDescriptor, which is computed before the run, becomes a feature map of
/// 1x1: the node's value, which the run is given.
struct TakeVector {};
/// The inputs become the network's planar output.
struct Output {};

}  // namespace action

/// Actions that compute a row of their outputs from a few rows of their inputs.
using RowAction =
    std::variant<action::Input, action::Conv2d, action::Conv2dToOutput, action::ConvTranspose2d,
                 action::AveragePool2d, action::MaxPool2d, action::Upsample2d, action::Haar2d,
                 action::PixelShuffle, action::Add, action::Multiply, action::Activation,
                 action::PRelu, action::Concat, action::Output>;
/// Actions that read whole frames, or rows that Reach cannot describe.
using FrameAction =
    std::variant<action::FillBorder, action::PredictFilters, action::AdaptiveAveragePool2d,
                 action::AttentionPool, action::Bilinear2d, action::Norm2d, action::TakeVector>;
using Action = std::variant<RowAction, FrameAction>;

/// What a RowAction reads and writes in one direction, rows or columns. Its work items are units:
/// unit u reads lines [u * in - before, u * in - before + count) of every input and writes lines [u
/// * out, u * out + out) of every output. Where units overlap in what they read, that is the halo.
struct Reach {
  int in = 1, before = 0, count = 1, out = 1;
};
struct RowReach {
  Reach rows, columns;
};

/// The activation as a rectifier, which most steps can apply to what they write; nothing for
/// sigmoid and tanh.
std::optional<Rectifier> rectifier_of(ActivationKind kind);

/// The filter that a step convolves with; nothing where it does not convolve.
std::optional<FilterId> filter_of(const Action& action);

/// The operator's name in graphs where it has one ("conv2d"), else "predict filters", ...: for
/// messages and measurements.
std::string step_name(const Action& action);

struct Step {
  Action action;
  FeatureMaps inputs;
  FeatureMaps outputs;
  NodeId node = 0;  ///< that it computes: for messages and measurements
};

/// More output channels than this are not written to the output directly: a strip of pixels would
/// not fit the scratch row.
constexpr int64_t most_direct_channels = 256;

struct Plan {
  Shape input, output;
  std::vector<FilterSpec> filters;  ///< the same for every size of input
  std::vector<FeatureMap> feature_maps;
  std::vector<Step> steps;
  int64_t arena_bytes = 0;
  const Bf16Kernels* bf16 = nullptr;  ///< of the convolutions in bf16

  const FeatureMap& feature_map(FeatureMapId id) const { return feature_maps[size_t(id)]; }
};

struct PlanOptions {
  int lanes = 8;  ///< floats in a vector of the kernels
  /// Winograd's form where it can be done.
  bool winograd = true;
  /// Convolutions in bf16, by these kernels: for feature maps in bf16.
  const Bf16Kernels* bf16 = nullptr;
  /// Of feature maps. bf16 halves their memory; sums, means and the network's input and output stay
  /// in f32.
  Precision precision = Precision::f32;
};

/// A node that is computed in f32 only, if there is one: feature maps of a plan that has none may
/// be bf16.
std::optional<NodeId> node_that_needs_f32(const Plan& plan);

/// Descriptors are given to the run: nodes that only they need are not planned. Throws Error where
/// the graph does not take the input, or not in this precision.
Plan make_plan(const Graph& graph, const Shape& input, const PlanOptions& options);

/// A node that depends on a whole layer, its statistics or its size, so that a part of a photo
/// cannot be run by itself; a HyperConv2d with an entry in `statistics` does not. Nothing: parts
/// can be run.
std::optional<NodeId> node_that_needs_whole_layers(const Graph& graph,
                                                   const Statistics& statistics = {});

/// Of an operator; nothing where it is no activation either.
std::optional<Rectifier> rectifier_of(const Operator& op);

RowReach reach_of(const Plan& plan, const RowAction& action);

/// Rows and columns of a step's work, in units.
struct Units {
  int64_t height, width;
};
Units units_of(const Plan& plan, const Step& step);

/// Bytes from one row to the next, for rows of so many bytes: whole cache lines, and no multiple of
/// 4 KiB, at which rows would share their cache sets.
int64_t row_stride(int64_t bytes);

/// Gives every feature map its offset, so that two that are alive at one step never overlap: first
/// fit, largest first. Returns the bytes needed in all.
int64_t place_feature_maps(std::vector<FeatureMap>& feature_maps);

}  // namespace hyperconv
