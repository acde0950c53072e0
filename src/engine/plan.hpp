// From a graph and an input shape to the steps that run it and the memory they need.
//
// A node's value is a list of pictures: a concatenation is the list of its inputs' pictures and is
// never written anywhere; convolutions read several pictures, and what works channel by channel
// (pooling, activation, ...) works on one picture after the other.
//
// A picture's border holds zeros; where a convolution wants the frame mirrored, a step before it
// fills the border, and another one clears it again for a convolution that wants zeros.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/kernels/kernels.hpp"
#include "hyperconv/graph.hpp"

namespace hyperconv {

/// Pixels in the arena, channels-last, with a border of zeros around, so that no convolution asks
/// where the frame ends.
struct Picture {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t pixel = 0;   ///< floats from one pixel to the next: channels, or more
  int64_t row = 0;     ///< floats from one row to the next
  int64_t border = 0;  ///< pixels on each side
  int64_t offset = 0;  ///< floats from the arena's start to the border's first

  int first_step = 0;  ///< written by
  int last_step = 0;   ///< last read by; its memory is another's afterwards

  /// Floats from the arena's start to pixel (0, 0).
  int64_t origin() const { return offset + border * (row + pixel); }
  int64_t floats() const;
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
  int kernel = 1;
  int64_t out_channels = 0;
  bool transposed = false;  ///< ConvTranspose2d: four 1x1 filters
  std::vector<FilterPart> parts = {};

  bool operator==(const FilterSpec&) const = default;
};
using FilterId = int;

/// The network's input, planar, becomes a picture.
struct ReadInput {};

/// What stands around the inputs from now on.
struct FillBorder {
  Padding padding = Padding::zero;
};

/// Conv2d, or HyperConv2d once its filters are there.
struct Convolve {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int stride = 1;
};

/// The same with stride 1, straight into the network's planar output, through a PixelShuffle of
/// this factor.
struct ConvolveToOutput {
  FilterId filter = 0;
  Rectifier rectifier = Rectifier::none;
  int factor = 1;
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
/// Statistics of all inputs into one picture of 1x1.
struct Describe {};
struct WriteOutput {};

using Action = std::variant<ReadInput, FillBorder, Convolve, ConvolveToOutput, ConvolveTransposed,
                            PredictFilters, Pool, PoolLargest, PoolParts, Attend, Upsample,
                            Interpolate, Transform, Shuffle, Sum, Product, Rectify, Squash,
                            RectifyLearned, Normalise, Join, Describe, WriteOutput>;

/// The filter that a step convolves with; nothing where it does not convolve.
std::optional<FilterId> filter_of(const Action& action);

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
  int64_t arena_floats = 0;
};

/// `lanes`: floats in a vector of the kernels. Throws Error where the graph does not take the
/// input.
Plan make_plan(const Graph& graph, const Shape& input, int lanes);

/// Gives every picture its place, so that two that are alive at one step never overlap: first fit,
/// largest first. Returns the floats needed in all.
int64_t place_pictures(std::vector<Picture>& pictures);

}  // namespace hyperconv
