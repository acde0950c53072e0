#include "report/detail.hpp"

#include <algorithm>
#include <cmath>

namespace hyperconv {
namespace {

template <class Sample>
double detail_in(const Region& part, const Image& picture, const std::vector<Sample>& samples) {
  const auto channels = size_t(picture.channels);
  const size_t green = channels >= 3 ? 1 : 0;
  double sum = 0;
  for (int64_t y = part.top; y < part.top + part.height; ++y) {
    const Sample* row = samples.data() + size_t(y) * size_t(picture.width) * channels + green;
    for (int64_t x = part.left + 1; x < part.left + part.width; ++x)
      sum += std::abs(double(row[size_t(x) * channels]) - double(row[size_t(x - 1) * channels]));
  }
  return sum;
}

/// Where squares of that length begin; the last one ends with the picture.
std::vector<int64_t> starts(int64_t extent, int64_t length) {
  const int64_t step = std::max<int64_t>(1, length / 2);
  std::vector<int64_t> all;
  for (int64_t start = 0; start + length < extent; start += step) all.push_back(start);
  all.push_back(extent - length);
  return all;
}

}  // namespace

Region place_of_detail(const Image& picture, int side) {
  Region best{0, 0, std::min(side, picture.height), std::min(side, picture.width)};
  double most = -1;
  for (const int64_t top : starts(picture.height, best.height))
    for (const int64_t left : starts(picture.width, best.width)) {
      const Region part{top, left, best.height, best.width};
      const double detail = std::visit(
          [&](const auto& samples) { return detail_in(part, picture, samples); }, picture.samples);
      if (detail > most) {
        most = detail;
        best = part;
      }
    }
  return best;
}

}  // namespace hyperconv
