// The weights of a network as the kernels want them.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.hpp"
#include "base/threads.hpp"
#include "engine/plan.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// One convolution's weights, packed: see ConvRow, WinogradRows, Bf16Row and
/// Bf16WinogradRows.
struct PackedFilter {
  FilterSpec spec;
  int vectors = 0;     ///< output channels in vectors, or in sixteens: is_bf16(spec.form)
  int64_t padded = 0;  ///< output channels, up to whole vectors
  int64_t bytes = 0;   ///< of one filter, of which a transposed convolution has filters_of(spec)
  std::byte* weights = nullptr;  ///< floats, or bf16 numbers
  float* bias = nullptr;         ///< the sum of its nodes' biases, zeros behind the last channel

  const float* floats() const { return reinterpret_cast<const float*>(weights); }
};

/// Weights other than filters: Norm2d's, and PRelu's slope as `scale`.
struct ChannelWeights {
  std::vector<float> scale;
  std::vector<float> bias;
};

/// enc(s) of HyperConv2d (graph.hpp), into `encoded`.
void encode(std::span<const float> s, Conditioning conditioning, std::vector<float>& encoded);

/// Filters predicted for one photo, in memory of their own.
class PredictedFilters {
 public:
  bool empty() const { return filters_.empty(); }
  /// nullptr: not predicted.
  const PackedFilter* find(FilterId id) const {
    const bool is_there = size_t(id) < filters_.size() && filters_[size_t(id)].weights != nullptr;
    return is_there ? &filters_[size_t(id)] : nullptr;
  }

 private:
  friend class FilterBank;

  Arena arena_;
  std::vector<PackedFilter> filters_;  // by their ids; without weights: not predicted
};

class FilterBank {
 public:
  /// Packs all that does not depend on the photo. Throws Error when the model lacks a weight.
  FilterBank(std::shared_ptr<const Model> model, const std::vector<FilterSpec>& specs,
             const Kernels& kernels, Threads& threads);

  const PackedFilter& operator[](FilterId id) const { return filters_[size_t(id)]; }

  const ChannelWeights& channel_weights(NodeId node) const { return channel_weights_.at(node); }

  const Model& model() const { return *model_; }

  /// Memory for these filters, with the slices that do not depend on the photo filled in.
  PredictedFilters room_for(const std::vector<FilterId>& ids) const;
  /// Predicts a HyperConv2d's slices of a filter from the statistics `s` and packs them into
  /// `room`.
  void predict(FilterId id, NodeId node, std::span<const float> s, PredictedFilters& room);

 private:
  void predict(PackedFilter& filter, NodeId node, std::span<const float> s);
  void allocate(const std::vector<FilterSpec>& specs);
  void read_channel_weights();
  void pack_constants(FilterId id);
  void pack_transposed(PackedFilter& filter, NodeId node);
  void pack_channel(const PackedFilter& filter, NodeId node, int64_t out, const float* values);
  void add_bias(PackedFilter& filter, NodeId node);
  const WeightView& weight(NodeId node, const char* suffix) const;

  std::shared_ptr<const Model> model_;
  const Kernels& kernels_;
  Threads& threads_;
  Arena arena_;
  std::vector<PackedFilter> filters_;
  std::map<NodeId, ChannelWeights> channel_weights_;
  std::vector<float> encoded_;  // of the HyperConv2d at work
  std::vector<float> hidden_;
  std::vector<float> predicted_;  // its filters, [out][channels][ky][kx]
};

/// The filters of one run: those predicted before it, those predicted during it, and the bank's.
class RunFilters {
 public:
  /// All must outlive it.
  RunFilters(const FilterBank& bank, const PredictedFilters& known, const PredictedFilters& on_way)
      : bank_(bank), known_(known), on_way_(on_way) {}

  const PackedFilter& operator[](FilterId id) const {
    if (const PackedFilter* filter = known_.find(id)) return *filter;
    if (const PackedFilter* filter = on_way_.find(id)) return *filter;
    return bank_[id];
  }
  const ChannelWeights& channel_weights(NodeId node) const { return bank_.channel_weights(node); }

 private:
  const FilterBank& bank_;
  const PredictedFilters& known_;
  const PredictedFilters& on_way_;
};

}  // namespace hyperconv
