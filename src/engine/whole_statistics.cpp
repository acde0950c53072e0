// Steps that look at a whole frame: means, variances, softmax.
#include <cmath>

#include "engine/whole.hpp"

namespace hyperconv {
namespace {

constexpr double norm_epsilon = 1e-5;  // graph.hpp

}  // namespace

Frame WholeExecutor::frame_of(FeatureMapId id) const {
  const FeatureMap& of = feature_map(id);
  return {of.channels, of.height, of.width, [this, id](int64_t y) { return run_of(id, y); }};
}

void WholeExecutor::channel_means(const FeatureMaps& feature_maps) {
  statistics_.clear();
  for (const FeatureMapId p : feature_maps) {
    const FeatureMap& in = feature_map(p);
    std::vector<double>& sums = map_sums_[size_t(p)];
    if (sums.empty()) {
      sums = sums_.over({0, in.height}, in.channels, [&](int64_t y, double* to) {
        rows_->add_sums(p, y, {0, in.width}, to);
      });
    }
    for (const double sum : sums) statistics_.push_back(float(sum / double(in.height * in.width)));
  }
}

void WholeExecutor::execute(const action::AdaptiveAveragePool2d& action, const Step& step) {
  const int64_t size = action.size;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FeatureMapId from = step.inputs[i];
    const FeatureMap& in = feature_map(from);
    const auto cell = [&](int64_t index, int64_t extent) {
      return Interval{index * extent / size, ceil_div((index + 1) * extent, size)};
    };
    for (int64_t y = 0; y < size; ++y) {
      const Interval rows = cell(y, in.height);
      const auto& sums = sums_.over(rows, size * in.channels, [&](int64_t row, double* to) {
        for (int64_t x = 0; x < size; ++x) {
          const Interval columns = cell(x, in.width);
          kernels_.sum({pixel(from, row, columns.first), in.pixel}, in.channels, columns.size(),
                       to + x * in.channels);
        }
      });
      for (int64_t x = 0; x < size; ++x) {
        const double count = double(rows.size() * cell(x, in.width).size());
        for (int64_t c = 0; c < in.channels; ++c)
          pixel(step.outputs[i], y, x)[c] = float(sums[size_t(x * in.channels + c)] / count);
      }
    }
  }
}

double WholeExecutor::mask_maximum(FeatureMapId mask) {
  const FeatureMap& of = feature_map(mask);
  row_maxima_.resize(size_t(of.height));
  for_rows(of.height, [&](int64_t y) {
    double& largest = row_maxima_[size_t(y)];
    largest = double(*pixel(mask, y, 0));
    for (int64_t x = 1; x < of.width; ++x) largest = std::max(largest, double(*pixel(mask, y, x)));
  });
  return *std::max_element(row_maxima_.begin(), row_maxima_.end());
}

void WholeExecutor::execute(const action::AttentionPool&, const Step& step) {
  const FeatureMapId mask = step.inputs.back();
  float* to = pixel(step.outputs.front(), 0, 0);
  const double largest = mask_maximum(mask);
  for (size_t i = 0; i + 1 < step.inputs.size(); ++i) {
    const FeatureMapId from = step.inputs[i];
    const FeatureMap& in = feature_map(from);
    const auto& sums = sums_.over({0, in.height}, in.channels + 1, [&](int64_t y, double* row) {
      for (int64_t x = 0; x < in.width; ++x) {
        const double weight = std::exp(double(*pixel(mask, y, x)) - largest);
        const float* values = pixel(from, y, x);
        for (int64_t c = 0; c < in.channels; ++c) row[c] += weight * double(values[c]);
        row[in.channels] += weight;
      }
    });
    const double weights = sums[size_t(in.channels)];
    for (int64_t c = 0; c < in.channels; ++c) *to++ = float(sums[size_t(c)] / weights);
  }
}

// `first`: the node's channel that is the feature map's channel 0.
void WholeExecutor::instance_scales(FeatureMapId id, int64_t first, const ChannelWeights& weights) {
  const FeatureMap& in = feature_map(id);
  const auto& sums = describe(frame_of(id), kernels_, sums_, shift_);
  const double count = double(in.height * in.width);
  for (int64_t c = 0; c < in.channels; ++c) {
    const double mean = sums[size_t(c)] / count;
    const double variance = std::max(sums[size_t(in.channels + c)] / count - mean * mean, 0.0);
    means_.push_back(float(mean + double(shift_[size_t(c)])));
    factors_.push_back(
        float(double(weights.scale[size_t(first + c)]) / std::sqrt(variance + norm_epsilon)));
  }
}

void WholeExecutor::layer_scales(FeatureMapId id, const ChannelWeights& weights) {
  const FeatureMap& in = feature_map(id);
  const auto& sums = describe(frame_of(id), kernels_, sums_, shift_);
  const double pixels = double(in.height * in.width), count = pixels * double(in.channels);
  double mean = 0, variance = 0;
  for (int64_t c = 0; c < in.channels; ++c)
    mean += (sums[size_t(c)] + pixels * double(shift_[size_t(c)])) / count;
  for (int64_t c = 0; c < in.channels; ++c) {
    // From around the channel's first pixel to around the common mean.
    const double off = double(shift_[size_t(c)]) - mean;
    variance +=
        (sums[size_t(in.channels + c)] + 2 * off * sums[size_t(c)] + pixels * off * off) / count;
  }
  const double deviation = std::sqrt(std::max(variance, 0.0) + norm_epsilon);
  for (const float scale : weights.scale) {
    means_.push_back(float(mean));
    factors_.push_back(float(double(scale) / deviation));
  }
}

void WholeExecutor::execute(const action::Norm2d& action, const Step& step) {
  const ChannelWeights& weights = filters_.channel_weights(step.node);
  int64_t first = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FeatureMap& in = feature_map(step.inputs[i]);
    means_.clear();
    factors_.clear();
    switch (action.kind) {
      case NormKind::instance:
        instance_scales(step.inputs[i], first, weights);
        break;
      case NormKind::layer:
        layer_scales(step.inputs[i], weights);
        break;
      case NormKind::folded:
        means_.assign(size_t(in.channels), 0.0f);
        factors_.assign(weights.scale.begin() + first, weights.scale.begin() + first + in.channels);
        break;
    }
    const ChannelScale scale{means_.data(), factors_.data(), weights.bias.data() + first};
    for_rows(in.height, [&](int64_t y) {
      kernels_.norm2d(run_of(step.inputs[i], y), mutable_run_of(step.outputs[i], y), in.channels,
                      in.width, scale, action.rectifier);
    });
    first += in.channels;
  }
}

}  // namespace hyperconv
