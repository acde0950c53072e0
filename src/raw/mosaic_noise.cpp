#include "raw/mosaic_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "base/wide.hpp"
#include "raw/linear_frame.hpp"

namespace hyperconv {
namespace {

constexpr int side = 8;
constexpr int area = side * side;
using Block = std::array<float, area>;

// Coefficients (u, v), down and across. Fine ones measure, middle ones tell texture; row noise is
// in neither, but where v = 0. Texture is there too, and as much where u = 0.
constexpr bool is_fine(int u, int v) { return u + v >= 9; }
constexpr bool is_middle(int u, int v) { return u > 0 && v > 0 && u + v >= 3 && u + v <= 8; }
constexpr bool is_row(int u, int v) { return u >= 4 && v == 0; }
constexpr bool is_column(int u, int v) { return is_row(v, u); }

template <class Kind>
constexpr int count_of(Kind kind) {
  int count = 0;
  for (int u = 0; u < side; ++u)
    for (int v = 0; v < side; ++v) count += kind(u, v) ? 1 : 0;
  return count;
}
constexpr int fine_count = count_of(is_fine);
constexpr int middle_count = count_of(is_middle);
constexpr int row_count = count_of(is_row);

/// Orthonormal DCT-II, basis function u in row u.
const Block& dct() {
  static const Block matrix = [] {
    Block m{};
    for (int u = 0; u < side; ++u)
      for (int i = 0; i < side; ++i)
        m[size_t(u * side + i)] = float(std::sqrt((u == 0 ? 1.0 : 2.0) / side) *
                                        std::cos(std::numbers::pi / side * (i + 0.5) * u));
    return m;
  }();
  return matrix;
}

/// block -> D block D^T; the second product goes over D's transpose so that it is by rows too.
HYPERCONV_WIDE void transform(const float* d, const float* transposed, float* block) {
  float half[area] = {};
  for (int u = 0; u < side; ++u)
    for (int i = 0; i < side; ++i)
      for (int x = 0; x < side; ++x) half[u * side + x] += d[u * side + i] * block[i * side + x];
  for (int u = 0; u < side; ++u) {
    float row[side] = {};
    for (int x = 0; x < side; ++x)
      for (int v = 0; v < side; ++v) row[v] += half[u * side + x] * transposed[x * side + v];
    for (int v = 0; v < side; ++v) block[u * side + v] = row[v];
  }
}

/// How a block's samples lie in the frame.
enum class Lattice {
  plane,    ///< of one place of the cell: two samples apart, down and across
  green,    ///< both greens, along the diagonals: 1.4 apart, which sees less of the texture
  falling,  ///< X-Trans' greens along a diagonal down to the right; three samples apart across
  rising,   ///< the same down to the left
  diamond   ///< X-Trans' reds or blues along both diagonals, 4.2 apart
};

/// Rows and columns from one sample of a block to the next, and of the first from its corner.
struct Steps {
  int down_rows, down_columns, across_rows, across_columns, first_column;
};

constexpr Steps steps_of(Lattice lattice) {
  switch (lattice) {
    case Lattice::plane:
      return {2, 0, 0, 2, 0};
    case Lattice::green:
      return {1, 1, 1, -1, side - 1};
    case Lattice::falling:
      return {1, 1, 0, 3, 0};
    case Lattice::rising:
      return {1, -1, 0, 3, side - 1};
    case Lattice::diamond:
      return {3, 3, 3, -3, 3 * (side - 1)};
  }
  return {};
}

/// Rows and columns of the frame that a block reaches over.
struct Extent {
  int rows, columns;
};
constexpr Extent bayer_extent{2 * side - 1, 2 * side - 1},
    x_trans_extent{6 * side - 5, 6 * side - 5};

/// Greens are as bright as most of a photo, reds and blues darker.
constexpr bool is_green(Lattice lattice) {
  switch (lattice) {
    case Lattice::green:
    case Lattice::falling:
    case Lattice::rising:
      return true;
    case Lattice::plane:
    case Lattice::diamond:
      return false;
  }
  return false;
}

/// What one block says, in levels.
struct Evidence {
  float mean = 0;
  float fine = 0, middle = 0, row = 0, column = 0;  ///< mean squares of its coefficients
  float above_floor = 0;                            ///< share of samples above it
  Lattice lattice = Lattice::plane;
  bool saturated = false;
};

/// Where the sensor's range ends, in samples of the file.
struct Range {
  double floor = 0;    ///< samples at or below it are clipped
  double ceiling = 0;  ///< samples at or above it are
};

Range range_of(const Mosaic& mosaic) {
  std::vector<int64_t> histogram(65536, 0);
  // Odd steps see all places of the cell alike.
  const size_t count = mosaic.samples.size(), step = 2 * (count / 2'000'000) + 1;
  int64_t total = 0;
  for (size_t i = 0; i < count; i += step, ++total) ++histogram[mosaic.samples[i]];
  // A heap at an end of the range is a sensor's or a converter's cut, not a tail.
  const int64_t heap = std::max<int64_t>(20, total / 2000);
  const double black = *std::ranges::max_element(mosaic.black);
  Range range{-1, mosaic.white};
  const auto lowest = std::ranges::find_if(histogram, [](int64_t n) { return n > 0; });
  if (const auto value = lowest - histogram.begin();
      double(value) <= black && *lowest >= heap && *lowest > 2 * *(lowest + 1))
    range.floor = double(value);
  for (size_t v = histogram.size() - 1; v > 0; --v) {
    if (histogram[v] == 0) continue;
    if (double(v) > black + 0.5 * (mosaic.white - black) && histogram[v] >= heap &&
        histogram[v] > 2 * histogram[v - 1])
      range.ceiling = std::min(range.ceiling, double(v));
    break;
  }
  return range;
}

class Blocks {
 public:
  Blocks(const Mosaic& mosaic, const Range& range) : mosaic_(mosaic), range_(range) {
    for (int u = 0; u < side; ++u)
      for (int i = 0; i < side; ++i)
        transposed_[size_t(i * side + u)] = dct()[size_t(u * side + i)];
  }

  /// The block whose first row and column these are.
  Evidence at(int y, int x, Lattice lattice) const {
    Evidence evidence;
    evidence.lattice = lattice;
    Block block;
    gather(y, x, lattice, block, evidence);
    if (evidence.saturated) return evidence;
    transform(dct().data(), transposed_.data(), block.data());
    for (int u = 0; u < side; ++u)
      for (int v = 0; v < side; ++v) {
        const float square = block[size_t(u * side + v)] * block[size_t(u * side + v)];
        if (is_fine(u, v)) evidence.fine += square / float(fine_count);
        if (is_middle(u, v)) evidence.middle += square / float(middle_count);
        if (is_row(u, v)) evidence.row += square / float(row_count);
        if (is_column(u, v)) evidence.column += square / float(row_count);
      }
    // Of a block so near the end of the range some samples would have been cut in another frame.
    const float top = float(range_.ceiling - *std::ranges::min_element(mosaic_.black));
    if (evidence.mean + 4 * std::sqrt(evidence.fine) > top) evidence.saturated = true;
    return evidence;
  }

 private:
  void gather(int y, int x, Lattice lattice, Block& block, Evidence& evidence) const {
    const bool diagonal = lattice == Lattice::green;
    const Steps steps = steps_of(lattice);
    const int column = x + steps.first_column;
    const uint16_t* first = &mosaic_.samples[size_t(y) * size_t(mosaic_.width) + size_t(column)];
    const int down = steps.down_rows * mosaic_.width + steps.down_columns;
    const int across = steps.across_rows * mosaic_.width + steps.across_columns;
    // A diagonal block changes place in the cell from one sample to the next, a plane's never; all
    // places of X-Trans have one black level.
    const auto black = [&](int row, int at) {
      return float(mosaic_.black[size_t(2 * (row % 2) + at % 2)]);
    };
    const std::array<float, 2> blacks = {black(y, column),
                                         diagonal ? black(y + 1, column + 1) : black(y, column)};
    const auto floor = float(range_.floor);
    const auto ceiling = float(range_.ceiling);
    std::array<float, 2> sums{};
    int above = 0, saturated = 0;
    for (int i = 0; i < side; ++i)
      for (int j = 0; j < side; ++j) {
        const auto raw = float(first[i * down + j * across]);
        const float value = raw - blacks[size_t((i + j) % 2)];
        block[size_t(i * side + j)] = value;
        sums[size_t((i + j) % 2)] += value;
        above += raw > floor ? 1 : 0;
        saturated += raw >= ceiling ? 1 : 0;
      }
    evidence.mean = (sums[0] + sums[1]) / float(area);
    evidence.above_floor = float(above) / float(area);
    evidence.saturated = saturated > 0;
    if (!diagonal) return;
    // The greens of a sensor may differ a little: to a diagonal block that is the finest texture.
    const float half = (sums[0] - sums[1]) / float(area);
    for (int i = 0; i < side; ++i)
      for (int j = 0; j < side; ++j) block[size_t(i * side + j)] += (i + j) % 2 == 0 ? -half : half;
  }

  const Mosaic& mosaic_;
  Range range_;
  Block transposed_{};
};

/// The same of X-Trans, at (y, x) or up to five samples to the right.
std::array<Evidence, 2> look_at_x_trans(const Blocks& blocks, const XTrans& pattern, bool is_blue,
                                        int y, int x) {
  const auto block_of = [&](int colour, Lattice lattice) {
    const Steps steps = steps_of(lattice);
    const auto fits = [&](int right) {
      for (int i = 0; i < side; ++i)
        if (pattern.colour(y + i * steps.down_rows,
                           x + right + steps.first_column + i * steps.down_columns) != colour)
          return false;
      return true;
    };
    int right = 0;
    while (!fits(right)) ++right;
    return blocks.at(y, x + right, lattice);
  };
  return {block_of(1, is_blue ? Lattice::rising : Lattice::falling),
          block_of(is_blue ? 2 : 0, Lattice::diamond)};
}

/// A block of green, and one of red or blue.
std::array<Evidence, 2> look_at_bayer(const Blocks& blocks, Cfa cfa, bool is_blue, int y, int x) {
  const int green = cfa_colour(cfa, y, x + side - 1) == 1 ? 0 : 1;
  const auto red = red_offset(cfa);
  const int down_by = is_blue ? 1 - red[0] : red[0], right_by = is_blue ? 1 - red[1] : red[1];
  return {blocks.at(y, x + green, Lattice::green),
          blocks.at(y + down_by, x + right_by, Lattice::plane)};
}

/// Blocks all over the frame, in pairs.
std::vector<Evidence> look_at(const Mosaic& mosaic, const Range& range, int threads) {
  constexpr double most = 15'000;
  const Cfa* bayer = mosaic.cfa.bayer();
  const Extent extent = bayer != nullptr ? bayer_extent : x_trans_extent;
  // A block may begin up to one sample further on, of X-Trans five.
  const int rows = mosaic.height - extent.rows - 1;
  const int columns = mosaic.width - extent.columns - (bayer != nullptr ? 1 : 5);
  if (rows < 1 || columns < 1) return {};
  const double step = std::max(double(side), std::sqrt(double(rows) * columns / most));
  const auto down = int64_t(rows / step) + 1, across = int64_t(columns / step) + 1;
  std::vector<Evidence> all(size_t(2 * down * across));
  const Blocks blocks(mosaic, range);
  Threads(threads).parallel_for(down, [&](int64_t i) {
    throw_if_interrupted();
    for (int64_t j = 0; j < across; ++j) {
      // Cells begin at even rows and columns; a green block's corner is side - 1 columns on.
      const int y = std::min(int(double(i) * step), rows - 1) / 2 * 2;
      const int x = std::min(int(double(j) * step), columns - 1) / 2 * 2;
      const bool is_blue = (i + j) % 2 == 1;  // in turn
      const auto two = bayer != nullptr
                           ? look_at_bayer(blocks, *bayer, is_blue, y, x)
                           : look_at_x_trans(blocks, *mosaic.cfa.x_trans(), is_blue, y, x);
      std::ranges::copy(two, &all[size_t(2 * (i * across + j))]);
    }
  });
  std::erase_if(all, [](const Evidence& e) { return e.saturated || e.above_floor < 0.3f; });
  return all;
}

/// The value below which this share lies; of at least one.
double quantile(std::vector<double>& values, double share) {
  const auto place = values.begin() + std::ptrdiff_t(double(values.size() - 1) * share);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

/// A quantile of the mean of `count` squared normal numbers, so many deviations from the median
/// (Wilson and Hilferty 1931).
double quantile_of_mean_square(int count, double deviations) {
  const double share = 2.0 / (9.0 * count);
  return std::pow(1 - share + deviations * std::sqrt(share), 3);
}

/// Rounding to whole levels adds a twelfth to a variance that is not far below one; where noise is
/// weaker, even places are often the same level altogether. This is the variance around a block's
/// mean after rounding, averaged over where between two levels that mean lies: the variance of the
/// rounding's error less that of its mean, which is a Fourier series (B. Widrow, I. Kollar,
/// "Quantization Noise", 2008).
double rounded(double variance) {
  double sum = variance + 1.0 / 12;
  for (int k = 1; k <= 8; ++k) {
    const double term = std::exp(-4 * std::pow(std::numbers::pi * k, 2) * variance) /
                        (2 * std::pow(std::numbers::pi * k, 2));
    sum -= term;
  }
  return std::max(sum, 0.0);
}

/// The other way; no less than a hundredth of a level squared.
double unrounded(double variance) {
  constexpr double least = 1e-2;
  if (variance > 0.6) return variance - 1.0 / 12;
  double low = least, high = 0.6;
  for (int i = 0; i < 30; ++i) {
    const double middle = 0.5 * (low + high);
    (rounded(middle) < variance ? low : high) = middle;
  }
  return low;
}

/// What the even places of one brightness say, in levels.
struct Point {
  double mean = 0, variance = 0;
  double error = 0;  ///< relative
  double row = 0;    ///< variance of rows, on top
  double row_error = 0;
  int64_t blocks = 0;
};

/// Of white noise whose blocks' fine coefficients have these mean squares, of which some may be
/// more.
double variance_of(const std::vector<double>& fine) {
  std::vector<double> values = fine;
  const double robust = quantile(values, 0.25) / quantile_of_mean_square(fine_count, -0.6745);
  if (robust > 1) return robust;
  // So few levels that a quantile would be one or another of them: the mean of nine tenths.
  const double cut = quantile(values, 0.9);
  double sum = 0, count = 0;
  for (const double value : fine)
    if (value <= cut) sum += value, ++count;
  return sum / count;
}

/// Of texture's middle frequencies so much is in the fine ones, too: the slope from the flattest
/// `count` blocks to those that follow, in which noise is the same and texture is more.
double fine_share_of_texture(const std::vector<const Evidence*>& blocks, size_t count,
                             double fine) {
  const size_t from = blocks.size() / 5, to = blocks.size() / 2;
  if (from < count || to < from + count) return 0;
  std::vector<double> others;
  for (size_t i = from; i < to; ++i) others.push_back(blocks[i]->fine);
  const double middle = blocks[count / 2]->middle;
  const double rise = variance_of(others) - fine, run = blocks[(from + to) / 2]->middle - middle;
  return run > 0 ? std::clamp(rise / run, 0.0, 0.6) : 0;
}

/// What rows have in common is in the rows' coefficients `side` times; texture is in the columns',
/// too.
void tell_rows(std::span<const Evidence* const> blocks, Point& point) {
  std::vector<double> row, column;
  for (const Evidence* block : blocks) {
    row.push_back(block->row);
    column.push_back(block->column);
  }
  const double unit = side * quantile_of_mean_square(row_count, 0);
  point.row = (quantile(row, 0.5) - quantile(column, 0.5)) / unit;
  point.row_error = point.variance * std::sqrt(6.4 / (double(blocks.size()) * row_count)) / side;
}

/// What blocks of one brightness say; of at least one.
Point point_of(std::vector<const Evidence*> blocks) {
  constexpr double flattest = 0.05;
  constexpr size_t least = 16;
  std::ranges::sort(blocks, {}, [](const Evidence* e) { return e->middle; });
  auto count = std::min(blocks.size(), std::max(least, size_t(flattest * double(blocks.size()))));
  std::vector<double> fine;
  for (size_t i = 0; i < count; ++i) fine.push_back(blocks[i]->fine);
  const double first = variance_of(fine);
  const double texture = blocks[count / 2]->middle / std::max(first, 1e-9);
  const double share = fine_share_of_texture(blocks, count, first);
  // All that are as even as noise alone is.
  const double even = first * (1 + 2 * std::sqrt(2.0 / middle_count));
  for (; count < blocks.size() && blocks[count]->middle <= even; ++count)
    fine.push_back(blocks[count]->fine);
  Point point;
  point.variance = variance_of(fine);
  for (size_t i = 0; i < count; ++i) point.mean += blocks[i]->mean / double(count);
  if (texture > 1) {
    const double noise = (first - share * texture * first) / (1 - share);
    point.variance = std::min(point.variance, std::max(noise, first / 4));
  }
  point.blocks = int64_t(count);
  const double statistical = std::sqrt(3.2 / (double(count) * fine_count));
  point.error = std::hypot(statistical, 0.03) + std::max(0.0, std::log(texture));
  // Rows cross a diamond aslant.
  if (blocks[0]->lattice != Lattice::diamond) tell_rows(std::span(blocks).first(count), point);
  return point;
}

/// Even places by brightness, in equal steps of its root: noise then grows evenly from one to the
/// next.
std::vector<Point> points_of(const std::vector<Evidence>& all, double range) {
  constexpr int steps = 24;
  constexpr size_t least = 16;
  std::array<std::array<std::vector<const Evidence*>, steps>, 2> groups;
  for (const Evidence& e : all) {
    const double root = std::sqrt(std::clamp(double(e.mean) / range, 0.0, 1.0));
    const auto step = size_t(std::min(int(root * steps), steps - 1));
    groups[is_green(e.lattice) ? 1 : 0][step].push_back(&e);
  }
  std::vector<Point> points;
  for (auto& of_lattice : groups)
    for (auto& group : of_lattice)
      if (group.size() >= least) points.push_back(point_of(std::move(group)));
  return points;
}

/// A normal number with deviation 1 and mean z that is cut at 0 from below.
struct Cut {
  double mean = 0, variance = 0;
};
Cut cut_normal(double z) {
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  const double above = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  const double mean = density + z * above;
  return {mean, above + z * mean - mean * mean};
}

/// Where the dark side of the noise is cut off at the floor, variances are too small and means too
/// large; their ratio says how much of it is.
void undo_the_cut(Point& point, double floor) {
  constexpr double none = 4;  // deviations from which on nothing is cut
  const double ratio = (point.mean - floor) / std::sqrt(point.variance);
  if (!(ratio < none)) return;
  double low = -1.5, high = none;
  for (int i = 0; i < 30; ++i) {
    const double z = 0.5 * (low + high);
    const Cut cut = cut_normal(z);
    (cut.mean / std::sqrt(cut.variance) < ratio ? low : high) = z;
  }
  const Cut cut = cut_normal(low);
  point.error += 0.1 * (1 - cut.variance);
  const double deviation = std::sqrt(point.variance / cut.variance);
  point.variance = deviation * deviation;
  point.mean = floor + low * deviation;
}

/// From what a file holds to variances on [0,1] without the rounding.
void normalise(Point& point, double range) {
  const double without = unrounded(point.variance);
  point.error *= std::max(1.0, point.variance / without);
  point.mean = std::max(0.0, point.mean / range);
  point.variance = without / (range * range);
  point.row /= range * range;
  point.row_error /= range * range;
}

/// How far a line is from the points: squares of the logarithms' differences in units of their
/// errors, which grow more slowly beyond one (texture) or two (cut noise), and of the distance from
/// what cameras have in common.
double misfit(const std::vector<Point>& points, double log_shot, double log_read) {
  constexpr double spread = 1.05;            // of read around the line of cameras
  constexpr double middle = -8.3, wide = 3;  // any ISO
  const double from_cameras = (log_read - (1.23 * log_shot - 3.87)) / spread;
  const double from_middle = (log_shot - middle) / wide;
  double sum = from_cameras * from_cameras + from_middle * from_middle;
  const double shot = std::exp(log_shot), read = std::exp(log_read);
  for (const Point& p : points) {
    const double d = (std::log(p.variance) - std::log(shot * p.mean + read)) / p.error;
    const double bend = d > 0 ? 1 : 2;
    const double size = std::abs(d);
    sum += size <= bend ? d * d : bend * (2 * size - bend);
  }
  return sum;
}

/// The line through the points, by looking: on a grid, and again around the best with a finer one.
NoiseProfile fitted(const std::vector<Point>& points) {
  double shot = -8.5, read = -14.5, step = 1;  // natural logarithms
  int reach = 13;
  double best = misfit(points, shot, read);
  while (step > 1e-3) {
    const double centre_shot = shot, centre_read = read;
    for (int i = -reach; i <= reach; ++i)
      for (int j = -reach; j <= reach; ++j) {
        const double s = centre_shot + i * step, r = centre_read + j * step;
        if (const double m = misfit(points, s, r); m < best) best = m, shot = s, read = r;
      }
    // Not to lose the valley of the misfit, which lies askew.
    reach = 4;
    step /= 2;
  }
  return {std::exp(shot), std::exp(read)};
}

/// What rows have on top, from all points together; 0 where it is within thrice its error.
double row_variance(const std::vector<Point>& points) {
  double sum = 0, weights = 0;
  for (const Point& p : points) {
    if (!(p.row_error > 0)) continue;
    const double weight = 1 / (p.row_error * p.row_error);
    sum += weight * p.row;
    weights += weight;
  }
  if (weights == 0) return 0;
  const double mean = sum / weights;
  return mean > 3 / std::sqrt(weights) ? mean : 0;
}

/// The doubt is a harmonic mean, so that points which agree with the line count, not those whose
/// texture it passes by.
void tell_trust(const std::vector<Point>& points, MosaicNoise& noise) {
  noise.darkest = 1;
  double certainty = 0;
  for (const Point& p : points) {
    noise.samples += p.blocks * area;
    noise.darkest = std::min(noise.darkest, p.mean);
    noise.brightest = std::max(noise.brightest, p.mean);
    const double off = p.variance / noise.variance(p.mean) - 1;
    certainty += 1 / (p.error * p.error + off * off) / double(points.size());
  }
  noise.doubt = std::min(1.0, 1 / std::sqrt(certainty));
}

}  // namespace

MosaicNoise estimate_noise(const Mosaic& mosaic, int threads) {
  const double black = *std::ranges::min_element(mosaic.black), range = mosaic.white - black;
  MosaicNoise noise;
  noise.profile = fitted({});
  if (!(range > 0)) return noise;
  noise.quantisation = 1 / (12 * range * range);
  const Range ends = range_of(mosaic);
  const auto all = look_at(mosaic, ends, threads);
  auto points = points_of(all, range);
  for (Point& point : points) {
    if (ends.floor >= 0) undo_the_cut(point, ends.floor - black);
    normalise(point, range);
  }
  if (points.empty()) return noise;
  noise.profile = fitted(points);
  noise.row = row_variance(points);
  tell_trust(points, noise);
  return noise;
}

std::string to_string(NoiseSource source) {
  switch (source) {
    case NoiseSource::given:
      return "given";
    case NoiseSource::file:
      return "file";
    case NoiseSource::estimated:
      return "estimated";
  }
  return {};
}

KnownNoise noise_of(const FrameView& frame, const std::optional<NoiseProfile>& given) {
  if (given) {
    const auto is_variance = [](double v) { return v >= 0 && std::isfinite(v); };
    if (!is_variance(given->shot) || !is_variance(given->read))
      fail("noise variances are 0 or more, not shot {} and read {}", given->shot, given->read);
    return {*given, NoiseSource::given, std::nullopt};
  }
  if (const auto& noise = frame.facts.noise) return {*noise, NoiseSource::file, std::nullopt};
  const MosaicNoise estimate =
      frame.light == nullptr ? estimate_noise(frame.facts) : estimate_noise(mosaic_behind(frame));
  return {estimate.profile, NoiseSource::estimated, estimate};
}

}  // namespace hyperconv
