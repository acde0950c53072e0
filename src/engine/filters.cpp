#include "engine/filters.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/half.hpp"
#include "base/integers.hpp"
#include "engine/packing.hpp"

namespace hyperconv {
namespace {

// Weights of one output channel.
int64_t depth(const FilterSpec& spec) { return channels_of(spec) * spec.kernel * rows_read(spec); }

int64_t bf16_blocks(const FilterSpec& spec) {
  int64_t blocks = 0;
  for (const FilterSlice& slice : spec.slices) blocks += bf16_taps(spec, slice).blocks();
  return blocks;
}

PackedFilter packed_shape(const FilterSpec& spec, int lanes) {
  PackedFilter filter{.spec = spec};
  const int64_t together = is_bf16(spec.form) ? bf16_outs : lanes;
  filter.vectors = int(ceil_div(outs_at_once(spec), together));
  filter.padded = filter.vectors * together;
  filter.bytes = [&] {
    switch (spec.form) {
      case FilterForm::direct:
      case FilterForm::winograd:
        return depth(spec) * filter.padded * int64_t(sizeof(float));
      case FilterForm::bf16:
        return bf16_blocks(spec) * filter.vectors * bf16_block * int64_t(sizeof(uint16_t));
      case FilterForm::bf16_winograd:
        return bf16_winograd_weights(channels_of(spec), filter.vectors) * int64_t(sizeof(uint16_t));
    }
    return int64_t(0);
  }();
  return filter;
}

int64_t weight_bytes(const PackedFilter& filter) { return filter.bytes * filters_of(filter.spec); }

// Of a filter and its bias.
int64_t bytes_of(const PackedFilter& filter) {
  return weight_bytes(filter) + filter.padded * int64_t(sizeof(float));
}

// At `next`; what comes behind it.
std::byte* place(PackedFilter& filter, std::byte* next) {
  filter.weights = next;
  filter.bias = reinterpret_cast<float*>(next + weight_bytes(filter));
  return next + bytes_of(filter);
}

std::vector<NodeId> nodes_of(const FilterSpec& spec) {
  std::vector<NodeId> nodes;
  for (const FilterSlice& slice : spec.slices) {
    if (nodes.empty() || nodes.back() != slice.node) nodes.push_back(slice.node);
  }
  return nodes;
}

// One output channel into every `step`-th float of `to`: for each part [ky][kx][channel].
void pack_direct(const FilterSpec& spec, NodeId node, const float* values, float* to,
                 int64_t step) {
  const int64_t taps = int64_t(spec.kernel) * spec.kernel;
  for (const FilterSlice& slice : spec.slices) {
    if (slice.node == node) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t c = 0; c < slice.channels; ++c) {
          to[(tap * slice.channels + c) * step] = values[(slice.first + c) * taps + tap];
        }
      }
    }
    to += taps * slice.channels * step;
  }
}

// The same for WinogradRows: [6][kx][channel of all parts].
void pack_winograd(const FilterSpec& spec, NodeId node, const float* values, float* to,
                   int64_t step) {
  const int64_t channels = channels_of(spec);
  int64_t before = 0;
  for (const FilterSlice& slice : spec.slices) {
    for (int64_t c = 0; c < slice.channels && slice.node == node; ++c) {
      pack_winograd_taps(values + (slice.first + c) * 9, channels, to + (before + c) * step, step);
    }
    before += slice.channels;
  }
}

// The same for Bf16Row: of each part its blocks. `to`: the filter's first weight.
void pack_bf16(const FilterSpec& spec, NodeId node, const float* values, int64_t out,
               uint16_t* to) {
  const int64_t taps = int64_t(spec.kernel) * spec.kernel;
  const int64_t out_blocks = ceil_div(outs_at_once(spec), bf16_outs);
  for (const FilterSlice& slice : spec.slices) {
    const Bf16Taps there = bf16_taps(spec, slice);
    for (int64_t c = 0; c < slice.channels && slice.node == node; ++c) {
      for (int tap = 0; tap < taps; ++tap) {
        const float value = values[(slice.first + c) * taps + tap];
        const uint16_t hi = float_to_bf16(value);
        const auto put = [&](int64_t channel, uint16_t bits) {
          to[bf16_place(there, tap / spec.kernel, tap % spec.kernel, channel, out, out_blocks)] =
              bits;
        };
        put(c, hi);
        if (!slice.hi_lo) continue;
        put(slice.channels + c, hi);
        put(2 * slice.channels + c, float_to_bf16(value - bf16_to_float(hi)));
      }
    }
    to += there.blocks() * out_blocks * bf16_block;
  }
}

// The same for Bf16WinogradRows.
void pack_bf16_winograd(const FilterSpec& spec, NodeId node, const float* values, int64_t out,
                        uint16_t* to) {
  const int64_t channels = channels_of(spec);
  const int64_t out_blocks = ceil_div(spec.out_channels, bf16_outs);
  int64_t before = 0;
  for (const FilterSlice& slice : spec.slices) {
    for (int64_t c = 0; c < slice.channels && slice.node == node; ++c) {
      const float* taps = values + (slice.first + c) * 9;
      for (int r = 0; r < bf16_winograd_rows; ++r) {
        const float* g = bf16_winograd_filter[r];
        for (int kx = 0; kx < 3; ++kx)
          to[bf16_winograd_place(channels, r, kx, before + c, out, out_blocks)] =
              float_to_bf16(g[0] * taps[kx] + g[1] * taps[3 + kx] + g[2] * taps[6 + kx]);
      }
    }
    before += slice.channels;
  }
}

StoredMatrix matrix_of(const WeightView& weight) {
  return {weight.bytes.data(), weight.precision, weight.dims[1], weight.scales.data()};
}

double root_mean_square(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += double(value) * double(value);
  return std::sqrt(squares / double(values.size()));
}

}  // namespace

void encode(std::span<const float> s, Conditioning conditioning, std::vector<float>& encoded) {
  encoded.assign(s.begin(), s.end());
  if (conditioning != Conditioning::layer) return;
  const double rms = root_mean_square(s) + 1e-6;
  for (float& value : encoded) value = float(double(value) / rms);
  encoded.push_back(float(std::tanh(std::log(rms) / 4)));
}

FilterBank::FilterBank(std::shared_ptr<const Model> model, const std::vector<FilterSpec>& specs,
                       const Kernels& kernels, Threads& threads)
    : model_(std::move(model)), kernels_(kernels), threads_(threads) {
  allocate(specs);
  for (FilterId id = 0; id < FilterId(filters_.size()); ++id) pack_constants(id);
  read_channel_weights();
}

void FilterBank::read_channel_weights() {
  for (NodeId id = 0; id <= model_->graph().output(); ++id) {
    const Operator& op = model_->graph().node(id).op;
    if (std::holds_alternative<PRelu>(op)) {
      channel_weights_[id] = {weight(id, ".weight").to_float(), {}};
    } else if (std::holds_alternative<Norm2d>(op)) {
      channel_weights_[id] = {weight(id, ".weight").to_float(), weight(id, ".bias").to_float()};
    }
  }
}

void FilterBank::allocate(const std::vector<FilterSpec>& specs) {
  int64_t total = 0;
  for (const FilterSpec& spec : specs) {
    filters_.push_back(packed_shape(spec, kernels_.lanes));
    total += bytes_of(filters_.back());
  }
  arena_ = Arena(size_t(total));
  std::byte* next = arena_.data();
  for (PackedFilter& filter : filters_) next = place(filter, next);
}

PredictedFilters FilterBank::room_for(const std::vector<FilterId>& ids) const {
  PredictedFilters room;
  room.filters_.resize(filters_.size());
  int64_t total = 0;
  for (const FilterId id : ids) total += bytes_of(filters_[size_t(id)]);
  room.arena_ = Arena(size_t(total));
  std::byte* next = room.arena_.data();
  for (const FilterId id : ids) {
    const PackedFilter& constant = filters_[size_t(id)];
    PackedFilter& filter = room.filters_[size_t(id)];
    filter = constant;
    std::copy_n(constant.weights, bytes_of(constant), next);
    next = place(filter, next);
  }
  return room;
}

const WeightView& FilterBank::weight(NodeId node, const char* suffix) const {
  return model_->weight(model_->graph().node(node).name + suffix);
}

void FilterBank::add_bias(PackedFilter& filter, NodeId node) {
  const auto* conv = std::get_if<Conv2d>(&model_->graph().node(node).op);
  if (conv != nullptr && !conv->bias) return;
  const std::vector<float> bias = weight(node, ".bias").to_float();
  for (int64_t i = 0; i < outs_at_once(filter.spec); ++i)
    filter.bias[i] += bias[size_t(i) % bias.size()];
}

void FilterBank::pack_constants(FilterId id) {
  PackedFilter& filter = filters_[size_t(id)];
  for (const NodeId node : nodes_of(filter.spec)) {
    add_bias(filter, node);
    const Operator& op = model_->graph().node(node).op;
    if (const auto* hyper = std::get_if<HyperConv2d>(&op)) {
      const int64_t largest = weight(node, ".weight").count();
      // Its matrix is read once a photo, at memory's speed.
      const WeightView& a2 = weight(node, ".a2.weight");
      bring_in(a2.bytes.data(), a2.bytes.size());
      predicted_.resize(std::max(predicted_.size(), size_t(largest)));
      hidden_.resize(std::max(hidden_.size(), size_t(hyper->hidden)));
      if (hyper->conditioning == Conditioning::constant) {
        predict(filter, node, weight(node, ".s").to_float());
      }
    } else if (filter.spec.transposed) {
      pack_transposed(filter, node);
    } else {
      const std::vector<float> values = weight(node, ".weight").to_float();
      const int64_t size = int64_t(values.size()) / filter.spec.out_channels;
      for (int64_t out = 0; out < filter.spec.out_channels; ++out) {
        pack_channel(filter, node, out, values.data() + out * size);
      }
    }
  }
}

// `values`: one output channel's filter, [channels][ky][kx]; only the node's own parts are written.
void FilterBank::pack_channel(const PackedFilter& filter, NodeId node, int64_t out,
                              const float* values) {
  const auto vector_of_channel = [&] {
    const BlockPlace block = block_of(out, filter.vectors, kernels_.lanes);
    float* to = reinterpret_cast<float*>(filter.weights) + depth(filter.spec) * block.before +
                (out - block.before);
    return std::pair(to, block.width);
  };
  switch (filter.spec.form) {
    case FilterForm::direct: {
      const auto [to, step] = vector_of_channel();
      return pack_direct(filter.spec, node, values, to, step);
    }
    case FilterForm::winograd: {
      const auto [to, step] = vector_of_channel();
      return pack_winograd(filter.spec, node, values, to, step);
    }
    case FilterForm::bf16:
      return pack_bf16(filter.spec, node, values, out, reinterpret_cast<uint16_t*>(filter.weights));
    case FilterForm::bf16_winograd:
      return pack_bf16_winograd(filter.spec, node, values, out,
                                reinterpret_cast<uint16_t*>(filter.weights));
  }
}

// The weights are [channels][out][dy][dx]; each (dy, dx) becomes a 1x1 filter, or the outputs of
// one.
void FilterBank::pack_transposed(PackedFilter& filter, NodeId node) {
  const std::vector<float> values = weight(node, ".weight").to_float();
  const int64_t outs = filter.spec.out_channels;
  const int64_t channels = int64_t(values.size()) / (4 * outs);
  const int64_t taps_of_filter = outs_at_once(filter.spec) / outs;
  std::vector<float> column(size_t(channels), 0.0f);
  PackedFilter single = filter;
  for (int64_t tap = 0; tap < 4; ++tap) {
    single.weights = filter.weights + tap / taps_of_filter * filter.bytes;
    for (int64_t out = 0; out < outs; ++out) {
      for (int64_t c = 0; c < channels; ++c)
        column[size_t(c)] = values[size_t((c * outs + out) * 4 + tap)];
      pack_channel(single, node, tap % taps_of_filter * outs + out, column.data());
    }
  }
}

void FilterBank::predict(FilterId id, NodeId node, std::span<const float> s,
                         PredictedFilters& room) {
  predict(room.filters_[size_t(id)], node, s);
}

void FilterBank::predict(PackedFilter& filter, NodeId node, std::span<const float> s) {
  const auto& op = std::get<HyperConv2d>(model_->graph().node(node).op);
  encode(s, op.conditioning, encoded_);
  const WeightView& a1 = weight(node, ".a1.weight");
  const WeightView& a1_bias = weight(node, ".a1.bias");
  const WeightView& base = weight(node, ".weight");

  float* hidden = hidden_.data();
  kernels_.convert(a1_bias.bytes.data(), a1_bias.precision, op.hidden, hidden);
  kernels_.multiply_add(matrix_of(a1), encoded_.data(), op.hidden, hidden);
  for (int i = 0; i < op.hidden; ++i) hidden[i] = std::max(hidden[i], 0.0f);

  // One output channel at a time: its rows of A2 lie side by side.
  const int64_t size = base.count() / op.out_channels;
  const auto base_bytes = int64_t(base.bytes.size()) / op.out_channels;
  const StoredMatrix a2 = matrix_of(weight(node, ".a2.weight"));
  const auto body = [&](int64_t out) {
    float* values = predicted_.data() + out * size;
    kernels_.convert(base.bytes.data() + out * base_bytes, base.precision, size, values);
    kernels_.multiply_add(a2.from(out * size), hidden, size, values);
    pack_channel(filter, node, out, values);
  };
  threads_.parallel_for(op.out_channels, std::ref(body));
}

}  // namespace hyperconv
