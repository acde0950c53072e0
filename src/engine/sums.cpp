#include "engine/sums.hpp"

#include <cmath>

namespace hyperconv {
namespace {

// ln as in PhotoDescriptor (graph.hpp).
float log_scaled(double value) { return float((std::log(std::max(value, 0.0) + 1e-4) + 4) / 4); }

}  // namespace

const std::vector<double>& describe(const Frame& frame, const Kernels& kernels, Sums& sums,
                                    std::vector<float>& shift) {
  const PixelRun first = frame.row(0);
  shift.assign(first.data, first.data + frame.channels);
  return sums.over({0, frame.height}, 3 * frame.channels, [&](int64_t y, double* to) {
    kernels.describe(frame.row(y), frame.channels, frame.width, shift.data(), to);
  });
}

void describe_photo(const Frame& frame, const Kernels& kernels, Sums& sums, int64_t all_channels,
                    float* descriptor) {
  std::vector<float> shift;
  const std::vector<double>& sum = describe(frame, kernels, sums, shift);
  const double count = double(frame.height * frame.width);
  const double steps = double(frame.height * std::max<int64_t>(frame.width - 1, 1));
  for (int64_t c = 0; c < frame.channels; ++c) {
    const double mean = sum[size_t(c)] / count;
    const double variance = sum[size_t(frame.channels + c)] / count - mean * mean;
    descriptor[c] = log_scaled(mean + double(shift[size_t(c)]));
    descriptor[all_channels + c] = log_scaled(std::sqrt(std::max(variance, 0.0)));
    descriptor[2 * all_channels + c] = log_scaled(sum[size_t(2 * frame.channels + c)] / steps);
  }
}

}  // namespace hyperconv
