#include "metrics/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/fail.hpp"
#include "base/threads.hpp"

namespace hyperconv {
namespace {

constexpr int window = ssim_smallest_side;
constexpr double sigma = 1.5;
constexpr double c1 = 0.01 * 0.01;
constexpr double c2 = 0.03 * 0.03;
constexpr std::array<double, 5> scale_weights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

/// One channel. In double, as a variance is a small difference of large means.
struct Plane {
  int width = 0, height = 0;
  std::vector<double> samples;

  const double* row(int64_t y) const { return samples.data() + y * width; }
};

/// Means over all positions of the window.
struct Similarity {
  double whole = 0;               ///< SSIM: luminance times contrast-structure
  double contrast_structure = 0;  ///< its second factor alone
};

void check_same_shape(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels)
    fail("pictures of {}x{} with {} channels and {}x{} with {} cannot be compared; equal ones can",
         a.width, a.height, a.channels, b.width, b.height, b.channels);
  if (a.count() == 0) fail("pictures without pixels cannot be compared");
}

void check_smallest_side(const Image& image, int side, const char* metric) {
  if (std::min(image.width, image.height) < side)
    fail("{} needs pictures of at least {}x{} pixels, not {}x{}", metric, side, side, image.width,
         image.height);
}

Plane channel_of(const Image& image, int channel) {
  Plane plane{image.width, image.height, std::vector<double>(image.count() / image.channels)};
  std::visit(
      [&](const auto& samples) {
        using Sample = typename std::decay_t<decltype(samples)>::value_type;
        constexpr bool is_float = std::is_same_v<Sample, float>;
        constexpr double white = is_float ? 1.0 : double(Sample(-1));
        for (size_t i = 0; i < plane.samples.size(); ++i)
          plane.samples[i] = samples[i * size_t(image.channels) + size_t(channel)] / white;
      },
      image.samples);
  return plane;
}

std::array<double, window> gaussian() {
  std::array<double, window> weights{};
  for (int i = 0; i < window; ++i) {
    const double distance = i - window / 2;
    weights[i] = std::exp(-distance * distance / (2 * sigma * sigma));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// Of the samples under a window.
struct Moments {
  double mean_a = 0, mean_b = 0, square_a = 0, square_b = 0, product = 0;

  void add(const Moments& other, double weight) {
    mean_a += weight * other.mean_a;
    mean_b += weight * other.mean_b;
    square_a += weight * other.square_a;
    square_b += weight * other.square_b;
    product += weight * other.product;
  }

  Similarity similarity() const {
    const double squares = mean_a * mean_a + mean_b * mean_b;
    const double variances = square_a + square_b - squares;
    const double covariance = product - mean_a * mean_b;
    const double contrast_structure = (2 * covariance + c2) / (variances + c2);
    return {(2 * mean_a * mean_b + c1) / (squares + c1) * contrast_structure, contrast_structure};
  }
};

/// Gaussian means under one row of windows: first down the columns, then along the row, each with
/// the innermost loop over x so that the compiler makes vectors of it.
class WindowRow {
 public:
  explicit WindowRow(int width) : width_(width), windows_(width - window + 1) {
    for (auto& column : columns_) column.resize(size_t(width_));
    for (auto& mean : means_) mean.resize(size_t(windows_));
  }

  /// Looks at the windows whose first row is y.
  void gather(const Plane& a, const Plane& b, int64_t y) {
    gather_columns(a, b, y);
    for (int moment = 0; moment < moments; ++moment) gather_row(columns_[moment], means_[moment]);
  }

  int windows() const { return windows_; }
  /// Under the window whose first column is x, in the row last gathered.
  Moments at(int x) const {
    return {means_[mean_a][x], means_[mean_b][x], means_[square_a][x], means_[square_b][x],
            means_[product][x]};
  }

  /// The sums of both similarities over the row last gathered.
  Similarity sums() const {
    Similarity sums;
    for (int x = 0; x < windows_; ++x) {
      const Similarity here = at(x).similarity();
      sums.whole += here.whole;
      sums.contrast_structure += here.contrast_structure;
    }
    return sums;
  }

 private:
  enum Moment { mean_a, mean_b, square_a, square_b, product, moments };

  void gather_columns(const Plane& a, const Plane& b, int64_t y) {
    for (auto& column : columns_) std::fill(column.begin(), column.end(), 0.0);
    for (int i = 0; i < window; ++i) {
      const double weight = weights_[i];
      const double* row_a = a.row(y + i);
      const double* row_b = b.row(y + i);
      for (int x = 0; x < width_; ++x) {
        const double wa = weight * row_a[x], wb = weight * row_b[x];
        columns_[mean_a][x] += wa;
        columns_[mean_b][x] += wb;
        columns_[square_a][x] += wa * row_a[x];
        columns_[square_b][x] += wb * row_b[x];
        columns_[product][x] += wa * row_b[x];
      }
    }
  }

  void gather_row(const std::vector<double>& column, std::vector<double>& mean) const {
    std::fill(mean.begin(), mean.end(), 0.0);
    for (int i = 0; i < window; ++i)
      for (int x = 0; x < windows_; ++x) mean[x] += weights_[i] * column[x + i];
  }

  int width_;
  int windows_;
  std::array<double, window> weights_ = gaussian();
  std::array<std::vector<double>, moments> columns_;  ///< weighted sums of 11 samples above another
  std::array<std::vector<double>, moments> means_;    ///< and of 11 columns
};

Similarity similarity(const Plane& a, const Plane& b, Threads& threads) {
  const int64_t rows = a.height - window + 1;
  std::vector<Similarity> sums(static_cast<size_t>(rows));
  constexpr int64_t band = 16;
  threads.parallel_for((rows + band - 1) / band, [&](int64_t task) {
    WindowRow windows(a.width);
    for (int64_t y = task * band; y < std::min(rows, (task + 1) * band); ++y) {
      windows.gather(a, b, y);
      sums[size_t(y)] = windows.sums();
    }
  });
  // Row by row, so that the number of threads does not change the last digit.
  Similarity mean;
  for (const Similarity& sum : sums) {
    mean.whole += sum.whole;
    mean.contrast_structure += sum.contrast_structure;
  }
  const double count = double(rows) * (a.width - window + 1);
  return {mean.whole / count, mean.contrast_structure / count};
}

Plane halved(const Plane& plane) {
  Plane half{plane.width / 2, plane.height / 2, {}};
  half.samples.reserve(size_t(half.width) * size_t(half.height));
  for (int y = 0; y < half.height; ++y) {
    const double* upper = plane.row(2 * y);
    const double* lower = plane.row(2 * y + 1);
    for (int x = 0; x < 2 * half.width; x += 2)
      half.samples.push_back((upper[x] + upper[x + 1] + lower[x] + lower[x + 1]) / 4);
  }
  return half;
}

/// Mean similarity at each scale: contrast-structure, and at the last one the whole.
using ScaleTerms = std::array<double, scale_weights.size()>;

ScaleTerms scale_terms(Plane a, Plane b, Threads& threads) {
  ScaleTerms terms{};
  for (size_t scale = 0; scale < terms.size(); ++scale) {
    const bool last = scale + 1 == terms.size();
    const Similarity here = similarity(a, b, threads);
    terms[scale] = last ? here.whole : here.contrast_structure;
    if (last) break;
    a = halved(a);
    b = halved(b);
  }
  return terms;
}

double weighted_product(const ScaleTerms& terms) {
  double product = 1;
  for (size_t scale = 0; scale < terms.size(); ++scale)
    product *= std::pow(std::max(terms[scale], 0.0), scale_weights[scale]);
  return product;
}

/// The plane with its edge repeated by half a window.
Plane extended(const Plane& plane) {
  constexpr int border = window / 2;
  Plane wide{plane.width + 2 * border, plane.height + 2 * border, {}};
  wide.samples.reserve(size_t(wide.width) * size_t(wide.height));
  for (int y = -border; y < plane.height + border; ++y) {
    const double* row = plane.row(std::clamp(y, 0, plane.height - 1));
    for (int x = -border; x < plane.width + border; ++x)
      wide.samples.push_back(row[std::clamp(x, 0, plane.width - 1)]);
  }
  return wide;
}

/// Weight of channel j for channel i at [i][j]: the window across channels, the outermost ones
/// repeated.
std::vector<std::vector<double>> channel_weights(int channels) {
  const auto weights = gaussian();
  std::vector<std::vector<double>> table(size_t(channels),
                                         std::vector<double>(size_t(channels), 0.0));
  for (int i = 0; i < channels; ++i)
    for (int d = -window / 2; d <= window / 2; ++d)
      table[i][std::clamp(i + d, 0, channels - 1)] += weights[d + window / 2];
  return table;
}

/// Sum of the similarity over one row of pixels and all channels.
double volume_row(const std::vector<WindowRow>& rows,
                  const std::vector<std::vector<double>>& mixture) {
  double sum = 0;
  for (const auto& weights : mixture)
    for (int x = 0; x < rows[0].windows(); ++x) {
      Moments moments;
      for (size_t c = 0; c < rows.size(); ++c) moments.add(rows[c].at(x), weights[c]);
      sum += moments.similarity().whole;
    }
  return sum;
}

/// The mean over channels of `score`(plane of a, plane of b).
template <class Score>
double mean_over_channels(const Image& a, const Image& b, const Score& score) {
  double sum = 0;
  for (int c = 0; c < a.channels; ++c) sum += score(channel_of(a, c), channel_of(b, c));
  return sum / a.channels;
}

/// Solves S x = v for a symmetric S without negative eigenvalues, by elimination. A direction in
/// which S is nothing but rounding (1e-12 of its largest element) gets no part in x: the least
/// squares that colours without it allow.
std::array<double, 3> solved(std::array<std::array<double, 3>, 3> s, std::array<double, 3> v) {
  double largest = 0;
  for (size_t i = 0; i < 3; ++i) largest = std::max(largest, s[i][i]);
  std::array<bool, 3> used{};
  for (size_t round = 0; round < 3; ++round) {
    size_t pivot = 3;
    for (size_t i = 0; i < 3; ++i)
      if (!used[i] && (pivot == 3 || s[i][i] > s[pivot][pivot])) pivot = i;
    if (s[pivot][pivot] <= 1e-12 * largest) break;
    used[pivot] = true;
    for (size_t i = 0; i < 3; ++i) {
      if (i == pivot) continue;
      const double factor = s[i][pivot] / s[pivot][pivot];
      for (size_t k = 0; k < 3; ++k) s[i][k] -= factor * s[pivot][k];
      v[i] -= factor * v[pivot];
    }
  }
  std::array<double, 3> x{};
  for (size_t i = 0; i < 3; ++i) x[i] = used[i] ? v[i] / s[i][i] : 0;
  return x;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

/// Without its mean.
Plane centred(Plane plane) {
  const double mean = mean_of(plane.samples);
  for (double& sample : plane.samples) sample -= mean;
  return plane;
}

double mean_product(const Plane& a, const Plane& b) {
  return std::inner_product(a.samples.begin(), a.samples.end(), b.samples.begin(), 0.0) /
         double(a.samples.size());
}

}  // namespace

double psnr_affine(const Image& a, const Image& b) {
  check_same_shape(a, b);
  if (a.channels != 3) fail("an affine map of colours is of three channels, not of {}", a.channels);
  // What is added follows from the means, so that centred colours need a matrix alone.
  std::array<Plane, 3> from;
  std::array<std::array<double, 3>, 3> products{};
  for (int c = 0; c < 3; ++c) from[size_t(c)] = centred(channel_of(a, c));
  for (size_t i = 0; i < 3; ++i)
    for (size_t k = 0; k < 3; ++k) products[i][k] = mean_product(from[i], from[k]);
  double mean_square = 0;
  for (int c = 0; c < 3; ++c) {
    const Plane to = centred(channel_of(b, c));
    const auto row = solved(products, {mean_product(from[0], to), mean_product(from[1], to),
                                       mean_product(from[2], to)});
    double sum = 0;
    for (size_t i = 0; i < to.samples.size(); ++i) {
      const double left = to.samples[i] - row[0] * from[0].samples[i] -
                          row[1] * from[1].samples[i] - row[2] * from[2].samples[i];
      sum += left * left;
    }
    mean_square += sum / double(3 * to.samples.size());
  }
  constexpr double rounding = 1e-13;
  return mean_square < rounding ? std::numeric_limits<double>::infinity()
                                : -10 * std::log10(mean_square);
}

double psnr(const Image& a, const Image& b) {
  check_same_shape(a, b);
  const double mean_square = mean_over_channels(a, b, [](const Plane& p, const Plane& q) {
    double sum = 0;
    for (size_t i = 0; i < p.samples.size(); ++i) {
      const double difference = p.samples[i] - q.samples[i];
      sum += difference * difference;
    }
    return sum / double(p.samples.size());
  });
  return -10 * std::log10(mean_square);
}

double ssim(const Image& a, const Image& b) {
  check_same_shape(a, b);
  check_smallest_side(a, ssim_smallest_side, "SSIM");
  Threads threads;
  return mean_over_channels(
      a, b, [&](const Plane& p, const Plane& q) { return similarity(p, q, threads).whole; });
}

double ssim_volume(const Image& a, const Image& b) {
  check_same_shape(a, b);
  std::vector<Plane> planes_a, planes_b;
  for (int c = 0; c < a.channels; ++c) {
    planes_a.push_back(extended(channel_of(a, c)));
    planes_b.push_back(extended(channel_of(b, c)));
  }
  const auto mixture = channel_weights(a.channels);
  std::vector<double> sums(size_t(a.height));
  Threads threads;
  threads.parallel_for(a.height, [&](int64_t y) {
    std::vector<WindowRow> rows(planes_a.size(), WindowRow(planes_a[0].width));
    for (size_t c = 0; c < rows.size(); ++c) rows[c].gather(planes_a[c], planes_b[c], y);
    sums[size_t(y)] = volume_row(rows, mixture);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / double(a.count());
}

double ms_ssim(const Image& a, const Image& b, MsSsimForm form) {
  check_same_shape(a, b);
  check_smallest_side(a, ms_ssim_smallest_side, "MS-SSIM");
  Threads threads;
  double sum_of_products = 0;
  ScaleTerms mean_terms{};
  for (int c = 0; c < a.channels; ++c) {
    const ScaleTerms terms = scale_terms(channel_of(a, c), channel_of(b, c), threads);
    sum_of_products += weighted_product(terms);
    for (size_t scale = 0; scale < terms.size(); ++scale)
      mean_terms[scale] += terms[scale] / a.channels;
  }
  return form == MsSsimForm::channels_last ? sum_of_products / a.channels
                                           : weighted_product(mean_terms);
}

}  // namespace hyperconv
