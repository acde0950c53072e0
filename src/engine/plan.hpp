// From a graph and an input shape to the steps that run it and the memory they need.
//
// A node's value is a list of pictures: a concatenation is the list of its inputs' pictures and is
// never written anywhere; convolutions read several pictures, and what works channel by channel
// (pooling, activation, ...) works on one picture after the other.
//
// What a convolution sees above and below the frame is a matter of which rows it is given; left and
// right of it a picture has a border that holds zeros. Where a convolution wants the frame
// mirrored, a step before it fills the border, and another one clears it again for a convolution
// that wants zeros.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/integers.hpp"
#include "engine/conditions.hpp"
#include "engine/kernels/kernels.hpp"
#include "network/graph.hpp"

namespace hyperconv {

/// Pixels, channels-last, with a border left and right, so that no kernel asks where a row ends.
struct Picture {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t pixel = 0;                     ///< values from one pixel to the next: channels, or more
  int64_t border = 0;                    ///< pixels left and right
  Precision precision = Precision::f32;  ///< f32 or bf16
  int64_t row = 0;     ///< bytes from one row to the next, where all rows are kept
  int64_t offset = 0;  ///< bytes from the arena's start to the first row's border, likewise

  int first_step = 0;  ///< written by
  int last_step = 0;   ///< last read by; its memory is another's afterwards

  bool sums = false;  ///< who writes it also adds up its channels: something wants their means

  int64_t pixel_bytes() const { return pixel * bytes_per_value(precision); }
  /// Of all rows.
  int64_t bytes() const;
};

using PictureId = int;
using Pictures = std::vector<PictureId>;

/// Input channels [first, first + channels) of a node's weights: those that one picture meets.
struct FilterPart {
  NodeId node = 0;
  int64_t first = 0;
  int64_t channels = 0;

  bool operator==(const FilterPart&) const = default;
};

/// The weights of one convolution as the kernels see it: a part for each picture it reads. Usually
/// of one node; the sum of two convolutions is one over the pictures of both.
struct FilterSpec {
  FilterForm form = FilterForm::direct;
  int kernel = 1;
  int64_t out_channels = 0;
  bool transposed = false;  ///< ConvTranspose2d: four 1x1 filters
  std::vector<FilterPart> parts = {};

  bool operator==(const FilterSpec&) const = default;
};
using FilterId = int;

/// Input channels of all parts.
int64_t channels_of(const FilterSpec& spec);

/// Rows of each input that one unit of work reads.
int rows_read(const FilterSpec& spec);

/// With more input channels the transformed rows of FilterForm::winograd would leave a core's
/// cache.
constexpr int64_t most_winograd_channels = 512;

/// The network's input, planar, becomes a picture.
struct ReadInput {};

/// What stands left and right of the inputs from now on.
struct FillBorder {
  Padding padding = Padding::zero;
};

/// Conv2d, or HyperConv2d once its filters are there.
struct Convolve {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int stride = 1;
  Padding padding = Padding::zero;
};

/// The same with stride 1, straight into the network's planar output, through a PixelShuffle of
/// this factor.
struct ConvolveToOutput {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int factor = 1;
  Padding padding = Padding::zero;
};

struct ConvolveTransposed {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
};

/// Filters of a HyperConv2d from the means of the pictures it reads, or from its descriptor.
struct PredictFilters {
  FilterId filter = 0;
  NodeId node = 0;
  Conditioning conditioning = Conditioning::layer;
};

struct Pool {};
struct PoolLargest {};
/// AdaptiveAveragePool2d.
struct PoolParts {
  int size = 1;
};
/// AttentionPool: the last input is the mask; one picture of 1x1 for the others.
struct Attend {};
struct Upsample {};
/// Bilinear2d of each input.
struct Interpolate {
  bool align_corners = true;
};
struct Transform {
  HaarKind kind = HaarKind::analysis;
};
struct Shuffle {
  int factor = 2;
};
/// Inputs: the pictures of the left term, then as many of the right one, of equal channels; the
/// right ones have the same size or one pixel.
struct Sum {
  Rectifier rectifier = Rectifier::none;
};
struct Product {};
struct Rectify {
  Rectifier rectifier = Rectifier::relu;
};
/// An activation that is no rectifier.
struct Squash {
  ActivationKind kind = ActivationKind::sigmoid;
};
/// PRelu, with the node's slope.
struct RectifyLearned {};
/// Norm2d, with the node's weights. The inputs' channels are the node's, in order; one input for
/// NormKind::layer.
struct Normalise {
  NormKind kind = NormKind::instance;
  Rectifier rectifier = Rectifier::none;
};
/// A concatenation that has to be written after all.
struct Join {};
/// A side input, or what is known of the whole photo (PhotoDescriptor), becomes a picture of 1x1:
/// the node's value, which the run is given.
struct TakeVector {};
struct WriteOutput {};

/// What makes a row of its outputs from a few rows of its inputs.
using RowAction = std::variant<ReadInput, Convolve, ConvolveToOutput, ConvolveTransposed, Pool,
                               PoolLargest, Upsample, Transform, Shuffle, Sum, Product, Rectify,
                               Squash, RectifyLearned, Join, WriteOutput>;
/// What looks at whole frames, or at rows that no formula gives.
using FrameAction =
    std::variant<FillBorder, PredictFilters, PoolParts, Attend, Interpolate, Normalise, TakeVector>;
using Action = std::variant<RowAction, FrameAction>;

/// How far a RowAction looks in one direction. Its work comes in units: unit u reads lines
/// [u * in - before, u * in - before + count) of every input and writes lines
/// [u * out, u * out + out) of every output.
struct Reach {
  int in = 1, before = 0, count = 1, out = 1;
};
struct RowReach {
  Reach rows, columns;
};

/// The filter that a step convolves with; nothing where it does not convolve.
std::optional<FilterId> filter_of(const Action& action);

/// "convolve", "predict filters", ...: for messages and measurements.
std::string step_name(const Action& action);

struct Step {
  Action action;
  Pictures inputs;
  Pictures outputs;
  NodeId node = 0;  ///< for whom: messages and measurements
};

/// More output channels than this are not written to the output directly: a strip of pixels would
/// not fit the scratch row.
constexpr int64_t most_direct_channels = 256;

struct Plan {
  Shape input, output;
  std::vector<FilterSpec> filters;  ///< the same for every size of input
  std::vector<Picture> pictures;
  std::vector<Step> steps;
  int64_t arena_bytes = 0;

  const Picture& picture(PictureId id) const { return pictures[size_t(id)]; }
};

struct PlanOptions {
  int lanes = 8;  ///< floats in a vector of the kernels
  /// FilterForm::winograd where it can be done.
  bool winograd = true;
  /// Of the values between the layers. bf16 halves their memory; sums, means and the network's
  /// input and output stay in f32.
  Precision precision = Precision::f32;
};

/// Of a graph whose descriptors are known: what leads to them alone is not planned. Throws Error
/// where the graph does not take the input, or not in this precision.
Plan make_plan(const Graph& graph, const Shape& input, const PlanOptions& options);

/// A node that looks at the whole of a layer, so that a part of a photo cannot be run by itself:
/// its statistics, or rows and columns that follow from its size. HyperConv2ds of which
/// `statistics` are known look no more. Nothing: parts can be run.
std::optional<NodeId> node_that_needs_whole_layers(const Graph& graph,
                                                   const Statistics& statistics = {});

/// Nothing for an operator that is no activation, or one that is no rectifier.
std::optional<Rectifier> rectifier_of(const Operator& op);

RowReach reach_of(const Plan& plan, const RowAction& action);

/// Rows and columns of a step's work, in units.
struct Units {
  int64_t height, width;
};
Units units_of(const Plan& plan, const Step& step);

/// Bytes from one row of so many to the next: whole cache lines, and away from addresses that the
/// caches confuse.
int64_t row_stride(int64_t bytes);

/// Gives every picture its place, so that two that are alive at one step never overlap: first fit,
/// largest first. Returns the bytes needed in all.
int64_t place_pictures(std::vector<Picture>& pictures);

}  // namespace hyperconv
