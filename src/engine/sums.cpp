#include "engine/sums.hpp"

#include <algorithm>
#include <cassert>
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

void PhotoSums::add(const Tensor& band, Interval rows, Interval columns) {
  const int64_t channels = band.shape().c, width = columns.size(), count = 3 * channels;
  if (rows_ == 0) {
    for (int64_t c = 0; c < channels; ++c)
      shift_.push_back(band.at(0, c, rows.first, columns.first));
    sums_.assign(size_t(count), 0.0);
    width_ = width;
  }
  assert(width == width_ && int64_t(sums_.size()) == count);
  parts_.assign(size_t(rows.size() * count), 0.0);
  constexpr int64_t rows_at_once = 16;
  const auto describe_rows = [&](int64_t group) {
    throw_if_interrupted();
    // Kernels read whole vectors.
    std::vector<float> pixels(size_t(width * channels + 16));
    const int64_t first = group * rows_at_once, end = std::min(rows.size(), first + rows_at_once);
    for (int64_t y = first; y < end; ++y) {
      for (int64_t c = 0; c < channels; ++c) {
        const float* from = band.row(0, c, rows.first + y) + columns.first;
        for (int64_t x = 0; x < width; ++x) pixels[size_t(x * channels + c)] = from[x];
      }
      kernels_.describe({pixels.data(), channels}, channels, width, shift_.data(),
                        parts_.data() + y * count);
    }
  };
  threads_.parallel_for(ceil_div(rows.size(), rows_at_once), std::ref(describe_rows));
  for (size_t i = 0; i < parts_.size(); ++i) sums_[i % size_t(count)] += parts_[i];
  rows_ += rows.size();
}

std::vector<float> PhotoSums::descriptor() const {
  const size_t channels = shift_.size();
  const double count = double(rows_ * width_);
  const double steps = double(rows_ * std::max<int64_t>(width_ - 1, 1));
  std::vector<float> values(3 * channels);
  for (size_t c = 0; c < channels; ++c) {
    const double mean = sums_[c] / count;
    const double variance = sums_[channels + c] / count - mean * mean;
    values[c] = log_scaled(mean + double(shift_[c]));
    values[channels + c] = log_scaled(std::sqrt(std::max(variance, 0.0)));
    values[2 * channels + c] = log_scaled(sums_[2 * channels + c] / steps);
  }
  return values;
}

}  // namespace hyperconv
