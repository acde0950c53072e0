// Steps that look at a whole frame: means, variances, softmax.
#include <cmath>

#include "engine/executor.hpp"

namespace hyperconv {
namespace {

constexpr double norm_epsilon = 1e-5;  // graph.hpp

// ln as in PhotoDescriptor (graph.hpp).
float log_scaled(double value) { return float((std::log(std::max(value, 0.0) + 1e-4) + 4) / 4); }

}  // namespace

void Executor::channel_means(const Pictures& pictures) {
  statistics_.clear();
  for (const PictureId p : pictures) {
    const Picture& in = picture(p);
    sum_rows({0, in.height}, in.channels, [&](int64_t y, double* sums) {
      kernels_.sum({pixel(in, y, 0), in.pixel}, in.channels, in.width, sums);
    });
    for (int64_t c = 0; c < in.channels; ++c) {
      statistics_.push_back(float(sums_[size_t(c)] / double(in.height * in.width)));
    }
  }
}

// sums_: see Kernels::describe. Sums of squares are taken around the first pixel, so that a flat
// frame has no spread at all.
void Executor::describe(const Picture& in) {
  const float* shift = pixel(in, 0, 0);
  sum_rows({0, in.height}, 3 * in.channels, [&](int64_t y, double* sums) {
    kernels_.describe({pixel(in, y, 0), in.pixel}, in.channels, in.width, shift, sums);
  });
}

void Executor::execute(const Describe&, const Step& step) {
  const Picture& out = picture(step.outputs.front());
  const int64_t all_channels = out.channels / 3;
  float* descriptor = pixel(out, 0, 0);
  for (const PictureId p : step.inputs) {
    const Picture& in = picture(p);
    const float* shift = pixel(in, 0, 0);
    describe(in);
    const double count = double(in.height * in.width);
    const double steps = double(in.height * std::max<int64_t>(in.width - 1, 1));
    for (int64_t c = 0; c < in.channels; ++c) {
      const double mean = sums_[size_t(c)] / count;
      const double variance = sums_[size_t(in.channels + c)] / count - mean * mean;
      descriptor[c] = log_scaled(mean + double(shift[c]));
      descriptor[all_channels + c] = log_scaled(std::sqrt(std::max(variance, 0.0)));
      descriptor[2 * all_channels + c] = log_scaled(sums_[size_t(2 * in.channels + c)] / steps);
    }
    descriptor += in.channels;
  }
}

void Executor::execute(const PoolParts& action, const Step& step) {
  const int64_t size = action.size;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    const auto part = [&](int64_t index, int64_t extent) {
      return Rows{index * extent / size, ceil_div((index + 1) * extent, size)};
    };
    for (int64_t y = 0; y < size; ++y) {
      const Rows rows = part(y, in.height);
      sum_rows(rows, size * in.channels, [&](int64_t row, double* sums) {
        for (int64_t x = 0; x < size; ++x) {
          const Rows columns = part(x, in.width);
          kernels_.sum({pixel(in, row, columns.first), in.pixel}, in.channels,
                       columns.end - columns.first, sums + x * in.channels);
        }
      });
      for (int64_t x = 0; x < size; ++x) {
        const Rows columns = part(x, in.width);
        const double count = double((rows.end - rows.first) * (columns.end - columns.first));
        for (int64_t c = 0; c < in.channels; ++c)
          pixel(out, y, x)[c] = float(sums_[size_t(x * in.channels + c)] / count);
      }
    }
  }
}

double Executor::mask_maximum(const Picture& mask) {
  sums_.resize(std::max(sums_.size(), size_t(mask.height)));
  for_rows(mask.height, [&](int64_t y) {
    double& largest = sums_[size_t(y)];
    largest = double(*pixel(mask, y, 0));
    for (int64_t x = 1; x < mask.width; ++x)
      largest = std::max(largest, double(*pixel(mask, y, x)));
  });
  return *std::max_element(sums_.begin(), sums_.begin() + mask.height);
}

void Executor::execute(const Attend&, const Step& step) {
  const Picture& mask = picture(step.inputs.back());
  float* to = pixel(picture(step.outputs.front()), 0, 0);
  const double largest = mask_maximum(mask);
  for (size_t i = 0; i + 1 < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    sum_rows({0, in.height}, in.channels + 1, [&](int64_t y, double* sums) {
      for (int64_t x = 0; x < in.width; ++x) {
        const double weight = std::exp(double(*pixel(mask, y, x)) - largest);
        const float* from = pixel(in, y, x);
        for (int64_t c = 0; c < in.channels; ++c) sums[c] += weight * double(from[c]);
        sums[in.channels] += weight;
      }
    });
    const double weights = sums_[size_t(in.channels)];
    for (int64_t c = 0; c < in.channels; ++c) *to++ = float(sums_[size_t(c)] / weights);
  }
}

// `first`: the node's channel that is the picture's channel 0.
void Executor::instance_scales(const Picture& in, int64_t first, const ChannelWeights& weights) {
  describe(in);
  const double count = double(in.height * in.width);
  const float* shift = pixel(in, 0, 0);
  for (int64_t c = 0; c < in.channels; ++c) {
    const double mean = sums_[size_t(c)] / count;
    const double variance = std::max(sums_[size_t(in.channels + c)] / count - mean * mean, 0.0);
    means_.push_back(float(mean + double(shift[c])));
    factors_.push_back(
        float(double(weights.scale[size_t(first + c)]) / std::sqrt(variance + norm_epsilon)));
  }
}

void Executor::layer_scales(const Picture& in, const ChannelWeights& weights) {
  describe(in);
  const double pixels = double(in.height * in.width), count = pixels * double(in.channels);
  const float* shift = pixel(in, 0, 0);
  double mean = 0, variance = 0;
  for (int64_t c = 0; c < in.channels; ++c)
    mean += (sums_[size_t(c)] + pixels * double(shift[c])) / count;
  for (int64_t c = 0; c < in.channels; ++c) {
    // From around the channel's first pixel to around the common mean.
    const double off = double(shift[c]) - mean;
    variance +=
        (sums_[size_t(in.channels + c)] + 2 * off * sums_[size_t(c)] + pixels * off * off) / count;
  }
  const double deviation = std::sqrt(std::max(variance, 0.0) + norm_epsilon);
  for (const float scale : weights.scale) {
    means_.push_back(float(mean));
    factors_.push_back(float(double(scale) / deviation));
  }
}

void Executor::execute(const Normalise& action, const Step& step) {
  const ChannelWeights& weights = filters_.channel_weights(step.node);
  int64_t first = 0;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    means_.clear();
    factors_.clear();
    switch (action.kind) {
      case NormKind::instance:
        instance_scales(in, first, weights);
        break;
      case NormKind::layer:
        layer_scales(in, weights);
        break;
      case NormKind::folded:
        means_.assign(size_t(in.channels), 0.0f);
        factors_.assign(weights.scale.begin() + first, weights.scale.begin() + first + in.channels);
        break;
    }
    const ChannelScale scale{means_.data(), factors_.data(), weights.bias.data() + first};
    for_rows(out.height, [&](int64_t y) {
      kernels_.normalise({pixel(in, y, 0), in.pixel}, {pixel(out, y, 0), out.pixel}, in.channels,
                         out.width, scale, action.rectifier);
    });
    first += in.channels;
  }
}

}  // namespace hyperconv
