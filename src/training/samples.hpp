// What training learns from: an endless row of samples, each the same whenever and on whichever
// machine it is made.
#pragma once

#include <torch/types.h>

#include <string>

namespace hyperconv {

struct Batch {
  torch::Tensor input;   ///< [N,C,H,W], as the network takes it
  torch::Tensor target;  ///< what should come out
  /// [N,3,3], camera RGB to linear sRGB, where output and target are camera RGB and are compared as
  /// they will be seen; undefined where they are compared as they are.
  torch::Tensor camera_to_srgb;
  /// [N,3,H,W], of the input's noise, where it is known; undefined where it is not.
  torch::Tensor variance;
  /// What a network is told of each sample's noise: [N,6] of a mosaic's (raw/stabilised.hpp),
  /// [N,14] of a photo's (image/grain.hpp); undefined where a source knows none. The side input
  /// `noise` of a graph.
  torch::Tensor noise;
  /// [N], offset of the StabilisingCurve that input and output are in; undefined: linear light.
  torch::Tensor curve_offset;

  int64_t size() const { return input.size(0); }
};

/// May be asked from several threads at once.
class SampleSource {
 public:
  SampleSource() = default;
  virtual ~SampleSource() = default;
  SampleSource(const SampleSource&) = delete;
  SampleSource& operator=(const SampleSource&) = delete;

  /// Samples [first, first + count): each depends on the source's seed and its own number alone, so
  /// that a run that was resumed, and ranks that share a batch, see what one long run would see.
  virtual Batch make(int64_t first, int64_t count) const = 0;

  /// For the model's summary: "simulated RAW patches 128x128 from photos shrunk by 2".
  virtual std::string description() const = 0;
};

/// A run of samples.
struct SampleRange {
  int64_t first = 0, count = 0;
};

}  // namespace hyperconv
