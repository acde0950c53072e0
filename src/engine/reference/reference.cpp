#include "engine/reference/reference.hpp"

#include <algorithm>
#include <cmath>

#include "base/overloaded.hpp"

namespace hyperconv::reference {
namespace {

constexpr double unit = 0x1.0p-24;

// See Result; one more for the rounding of the value itself.
float error_bound(double terms, double magnitude) {
  const double n = terms + 1;
  return float(n * unit / (1 - n * unit) * magnitude);
}

Result result_of(const Shape& shape) { return {Tensor(shape), Tensor(shape), 1}; }

// Calls body(n, c, y, x) for every element.
template <class Body>
void for_each(const Shape& shape, const Body& body) {
  for (int64_t n = 0; n < shape.n; ++n) {
    for (int64_t c = 0; c < shape.c; ++c) {
      for (int64_t y = 0; y < shape.h; ++y) {
        for (int64_t x = 0; x < shape.w; ++x) body(n, c, y, x);
      }
    }
  }
}

// Filters of one sample, [out][channels][ky][kx]: values, and what their own rounding follows.
struct Filters {
  std::vector<double> values;
  std::vector<double> magnitudes;
  double terms = 0;
};

struct Geometry {
  int64_t out;
  int64_t kernel;
  int64_t stride = 1;
  Padding padding = Padding::zero;
};

// The row or column of a frame of `size` that reflection at its edges, again and again, puts at
// `index`.
int64_t reflected(int64_t index, int64_t size) {
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  const int64_t phase = (index % period + period) % period;
  return phase < size ? phase : period - phase;
}

void convolve_sample(const Tensor& x, int64_t n, const Geometry& shape, const Filters& filters,
                     const std::vector<float>& bias, Result& y) {
  const Shape& in = x.shape();
  const int64_t pad = shape.kernel / 2;
  const Shape out{1, shape.out, in.h / shape.stride, in.w / shape.stride};
  for_each(out, [&](int64_t, int64_t o, int64_t row, int64_t column) {
    double sum = bias.empty() ? 0 : double(bias[size_t(o)]), magnitude = std::fabs(sum);
    for_each({1, in.c, shape.kernel, shape.kernel},
             [&](int64_t, int64_t c, int64_t ky, int64_t kx) {
               int64_t yy = shape.stride * row + ky - pad, xx = shape.stride * column + kx - pad;
               switch (shape.padding) {
                 case Padding::zero:
                   break;
                 case Padding::reflect:
                   yy = reflected(yy, in.h);
                   xx = reflected(xx, in.w);
                   break;
               }
               if (yy < 0 || yy >= in.h || xx < 0 || xx >= in.w) return;
               const auto w = size_t(((o * in.c + c) * shape.kernel + ky) * shape.kernel + kx);
               const double value = double(x.at(n, c, yy, xx));
               sum += value * filters.values[w];
               magnitude += std::fabs(value) * filters.magnitudes[w];
             });
    y.value.at(n, o, row, column) = float(sum);
    const double taps = double(in.c * shape.kernel * shape.kernel + 1);
    y.terms = taps + filters.terms;
    y.bound.at(n, o, row, column) = error_bound(y.terms, magnitude);
  });
}

class Evaluator {
 public:
  Evaluator(const Model& model, NodeId node, const std::vector<Tensor>& inputs)
      : model_(model), node_(model.graph().node(node)), in_(inputs) {}

  Result evaluate() {
    return std::visit([&](const auto& op) { return apply(op); }, node_.op);
  }

 private:
  std::vector<float> weight(const char* suffix) const {
    return model_.weight(node_.name + suffix).to_float();
  }
  const Tensor& x() const { return in_[0]; }
  const Shape& shape() const { return in_[0].shape(); }

  Result apply(const Input&) { return {x(), Tensor(shape()), 1}; }
  Result apply(const SideInput&) { return {x(), Tensor(shape()), 1}; }

  Result apply(const Conv2d& op) {
    Filters filters;
    for (const float w : weight(".weight")) {
      filters.values.push_back(double(w));
      filters.magnitudes.push_back(std::fabs(double(w)));
    }
    const auto bias = op.bias ? weight(".bias") : std::vector<float>();
    Result y =
        result_of({shape().n, op.out_channels, shape().h / op.stride, shape().w / op.stride});
    for (int64_t n = 0; n < shape().n; ++n) {
      convolve_sample(x(), n, {op.out_channels, op.kernel, op.stride, op.padding}, filters, bias,
                      y);
    }
    return y;
  }

  Result apply(const HyperConv2d& op) {
    Result y = result_of({shape().n, op.out_channels, shape().h, shape().w});
    for (int64_t n = 0; n < shape().n; ++n) {
      const Filters filters = predict(op, encode(op, conditioning(op, n)));
      convolve_sample(x(), n, {op.out_channels, op.kernel}, filters, weight(".bias"), y);
    }
    return y;
  }

  std::vector<double> conditioning(const HyperConv2d& op, int64_t n) const {
    std::vector<double> s;
    switch (op.conditioning) {
      case Conditioning::layer:
        for (int64_t c = 0; c < shape().c; ++c) s.push_back(mean(x(), n, c));
        break;
      case Conditioning::image:
        for (int64_t c = 0; c < in_[1].shape().c; ++c) s.push_back(double(in_[1].at(n, c, 0, 0)));
        break;
      case Conditioning::constant:
        for (const float value : weight(".s")) s.push_back(double(value));
        break;
    }
    return s;
  }

  static double mean(const Tensor& x, int64_t n, int64_t c) {
    double sum = 0;
    for_each({1, 1, x.shape().h, x.shape().w}, [&](int64_t, int64_t, int64_t row, int64_t column) {
      sum += double(x.at(n, c, row, column));
    });
    return sum / double(x.shape().plane());
  }

  static std::vector<double> encode(const HyperConv2d& op, std::vector<double> s) {
    if (op.conditioning != Conditioning::layer) return s;
    double squares = 0;
    for (const double value : s) squares += value * value;
    const double rms = std::sqrt(squares / double(s.size())) + 1e-6;
    for (double& value : s) value /= rms;
    s.push_back(std::tanh(std::log(rms) / 4));
    return s;
  }

  Filters predict(const HyperConv2d& op, const std::vector<double>& encoded) const {
    const auto a1 = weight(".a1.weight"), a1_bias = weight(".a1.bias"), a2 = weight(".a2.weight"),
               base = weight(".weight");
    std::vector<double> hidden, hidden_magnitude;
    for (int h = 0; h < op.hidden; ++h) {
      double sum = double(a1_bias[size_t(h)]), magnitude = std::fabs(sum);
      for (size_t e = 0; e < encoded.size(); ++e) {
        const double term = double(a1[size_t(h) * encoded.size() + e]) * encoded[e];
        sum += term;
        magnitude += std::fabs(term);
      }
      hidden.push_back(std::max(sum, 0.0));
      hidden_magnitude.push_back(magnitude);
    }
    Filters filters;
    for (size_t f = 0; f < base.size(); ++f) {
      double sum = double(base[f]), magnitude = std::fabs(sum);
      for (size_t h = 0; h < hidden.size(); ++h) {
        const auto a = double(a2[f * hidden.size() + h]);
        sum += a * hidden[h];
        magnitude += std::fabs(a) * hidden_magnitude[h];
      }
      filters.values.push_back(sum);
      filters.magnitudes.push_back(magnitude);
    }
    // The two layers' sums, and the roundings of s, of its division and of the logarithm.
    filters.terms = double(encoded.size()) + op.hidden + 6;
    return filters;
  }

  Result apply(const ConvTranspose2d& op) {
    const auto w = weight(".weight"), bias = weight(".bias");
    Result y = result_of({shape().n, op.out_channels, 2 * shape().h, 2 * shape().w});
    for_each(y.value.shape(), [&](int64_t n, int64_t o, int64_t row, int64_t column) {
      double sum = double(bias[size_t(o)]), magnitude = std::fabs(sum);
      for (int64_t c = 0; c < shape().c; ++c) {
        const auto tap = size_t((c * op.out_channels + o) * 4 + row % 2 * 2 + column % 2);
        const double term = double(w[tap]) * double(x().at(n, c, row / 2, column / 2));
        sum += term;
        magnitude += std::fabs(term);
      }
      y.value.at(n, o, row, column) = float(sum);
      y.terms = double(shape().c + 1);
      y.bound.at(n, o, row, column) = error_bound(y.terms, magnitude);
    });
    return y;
  }

  Result apply(const AveragePool2d&) {
    Result y = result_of({shape().n, shape().c, shape().h / 2, shape().w / 2});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      double sum = 0, magnitude = 0;
      for (int64_t tap = 0; tap < 4; ++tap) {
        const auto value = double(x().at(n, c, 2 * row + tap / 2, 2 * column + tap % 2));
        sum += value / 4;
        magnitude += std::fabs(value) / 4;
      }
      y.value.at(n, c, row, column) = float(sum);
      y.bound.at(n, c, row, column) = error_bound(4, magnitude);
    });
    return y;
  }

  Result apply(const MaxPool2d&) {
    Result y = result_of({shape().n, shape().c, shape().h / 2, shape().w / 2});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      float most = x().at(n, c, 2 * row, 2 * column);
      for (int64_t tap = 1; tap < 4; ++tap) {
        most = std::max(most, x().at(n, c, 2 * row + tap / 2, 2 * column + tap % 2));
      }
      y.value.at(n, c, row, column) = most;
    });
    return y;
  }

  Result apply(const AdaptiveAveragePool2d& op) {
    const int64_t size = op.size;
    Result y = result_of({shape().n, shape().c, size, size});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t i, int64_t j) {
      double sum = 0, magnitude = 0, count = 0;
      for_each({1, 1, shape().h, shape().w}, [&](int64_t, int64_t, int64_t row, int64_t column) {
        // Pixel p is in cell i of n pixels when p >= floor(i n / size), p < ceil((i+1) n / size).
        const bool inside = row >= i * shape().h / size && row * size < (i + 1) * shape().h &&
                            column >= j * shape().w / size && column * size < (j + 1) * shape().w;
        if (!inside) return;
        sum += double(x().at(n, c, row, column));
        magnitude += std::fabs(double(x().at(n, c, row, column)));
        count += 1;
      });
      y.value.at(n, c, i, j) = float(sum / count);
      y.bound.at(n, c, i, j) = error_bound(1, magnitude / count);
    });
    return y;
  }

  Result apply(const AttentionPool&) {
    Result y = result_of({shape().n, shape().c, 1, 1});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t, int64_t) {
      double largest = -INFINITY, weights = 0, sum = 0, magnitude = 0;
      const Shape frame{1, 1, shape().h, shape().w};
      for_each(frame, [&](int64_t, int64_t, int64_t row, int64_t column) {
        largest = std::max(largest, double(in_[1].at(n, 0, row, column)));
      });
      for_each(frame, [&](int64_t, int64_t, int64_t row, int64_t column) {
        const double w = std::exp(double(in_[1].at(n, 0, row, column)) - largest);
        weights += w;
        sum += w * double(x().at(n, c, row, column));
        magnitude += w * std::fabs(double(x().at(n, c, row, column)));
      });
      y.value.at(n, c, 0, 0) = float(sum / weights);
      y.bound.at(n, c, 0, 0) = error_bound(1, magnitude / weights);
    });
    return y;
  }

  // Where an output row or column reads, as far from the first one of `from`.
  static double position(const Bilinear2d& op, int64_t index, int64_t from, int64_t to) {
    if (op.align_corners) return to > 1 ? double(index * (from - 1)) / double(to - 1) : 0;
    return std::max((double(index) + 0.5) * double(from) / double(to) - 0.5, 0.0);
  }

  Result apply(const Bilinear2d& op) {
    const Shape frame =
        in_.size() == 2 ? in_[1].shape() : Shape{1, 1, 2 * shape().h, 2 * shape().w};
    Result y = result_of({shape().n, shape().c, frame.h, frame.w});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      const double py = position(op, row, shape().h, frame.h);
      const double px = position(op, column, shape().w, frame.w);
      double sum = 0, magnitude = 0;
      for (int64_t tap = 0; tap < 4; ++tap) {
        const int64_t dy = tap / 2, dx = tap % 2;
        const double fy = py - std::floor(py), fx = px - std::floor(px);
        const double w = (dy == 1 ? fy : 1 - fy) * (dx == 1 ? fx : 1 - fx);
        const double value = double(x().at(n, c, std::min(int64_t(py) + dy, shape().h - 1),
                                           std::min(int64_t(px) + dx, shape().w - 1)));
        sum += w * value;
        magnitude += std::fabs(value);
      }
      y.value.at(n, c, row, column) = float(sum);
      // Weights are rounded, differences of values taken, multiplied and added, twice.
      y.terms = 8;
      y.bound.at(n, c, row, column) = error_bound(y.terms, magnitude);
    });
    return y;
  }

  // Sign of pixel (dy, dx) in a subband: LL, HL, LH, HH.
  static double haar_sign(int64_t band, int64_t dy, int64_t dx) {
    const double horizontal = dx == 1 ? 1 : -1, vertical = dy == 1 ? 1 : -1;
    return (band % 2 == 1 ? horizontal : 1) * (band / 2 == 1 ? vertical : 1);
  }

  Result apply(const Haar2d& op) {
    switch (op.kind) {
      case HaarKind::analysis:
        return haar_bands(4);
      case HaarKind::low:
        return haar_bands(1);
      case HaarKind::synthesis:
        return haar_pixels();
    }
    return {};
  }

  Result haar_bands(int64_t bands) const {
    const int64_t channels = shape().c;
    return haar_sums({shape().n, bands * channels, shape().h / 2, shape().w / 2},
                     [&](int64_t n, int64_t c, int64_t row, int64_t column, int64_t tap) {
                       const int64_t dy = tap / 2, dx = tap % 2;
                       return haar_sign(c / channels, dy, dx) *
                              double(x().at(n, c % channels, 2 * row + dy, 2 * column + dx));
                     });
  }

  Result haar_pixels() const {
    const int64_t channels = shape().c / 4;
    return haar_sums({shape().n, channels, 2 * shape().h, 2 * shape().w},
                     [&](int64_t n, int64_t c, int64_t row, int64_t column, int64_t band) {
                       return haar_sign(band, row % 2, column % 2) *
                              double(x().at(n, band * channels + c, row / 2, column / 2));
                     });
  }

  // Half the sum of four terms.
  template <class Term>
  Result haar_sums(const Shape& out, const Term& term) const {
    Result y = result_of(out);
    for_each(out, [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      double sum = 0, magnitude = 0;
      for (int64_t i = 0; i < 4; ++i) {
        const double value = term(n, c, row, column, i);
        sum += value / 2;
        magnitude += std::fabs(value) / 2;
      }
      y.value.at(n, c, row, column) = float(sum);
      y.terms = 4;
      y.bound.at(n, c, row, column) = error_bound(y.terms, magnitude);
    });
    return y;
  }

  Result apply(const Upsample2d&) {
    Result y = result_of({shape().n, shape().c, 2 * shape().h, 2 * shape().w});
    for_each(y.value.shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      y.value.at(n, c, row, column) = x().at(n, c, row / 2, column / 2);
    });
    return y;
  }

  Result apply(const PixelShuffle& op) {
    const int64_t f = op.factor;
    Result y = result_of({shape().n, shape().c / (f * f), f * shape().h, f * shape().w});
    for_each(shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      y.value.at(n, c / (f * f), f * row + c % (f * f) / f, f * column + c % f) =
          x().at(n, c, row, column);
    });
    return y;
  }

  Result apply(const Concat&) {
    int64_t channels = 0;
    for (const Tensor& part : in_) channels += part.shape().c;
    Result y = result_of({shape().n, channels, shape().h, shape().w});
    int64_t first = 0;
    for (const Tensor& part : in_) {
      for_each(part.shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
        y.value.at(n, first + c, row, column) = part.at(n, c, row, column);
      });
      first += part.shape().c;
    }
    return y;
  }

  // One value of the second input for each of the first's: its own, or its channel's.
  double second(int64_t n, int64_t c, int64_t row, int64_t column) const {
    const Tensor& b = in_[1];
    return double(b.shape() == shape() ? b.at(n, c, row, column) : b.at(n, c, 0, 0));
  }

  Result apply(const Add&) {
    Result y = result_of(shape());
    for_each(shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      const double a = double(x().at(n, c, row, column)), b = second(n, c, row, column);
      y.value.at(n, c, row, column) = float(a + b);
      y.bound.at(n, c, row, column) = error_bound(1, std::fabs(a) + std::fabs(b));
    });
    return y;
  }

  Result apply(const Multiply&) {
    Result y = result_of(shape());
    for_each(shape(), [&](int64_t n, int64_t c, int64_t row, int64_t column) {
      const double product = double(x().at(n, c, row, column)) * second(n, c, row, column);
      y.value.at(n, c, row, column) = float(product);
      y.bound.at(n, c, row, column) = error_bound(1, std::fabs(product));
    });
    return y;
  }

  // y = f(x), by a float computation of `terms` roundings.
  template <class Function>
  Result each(double terms, const Function& f) const {
    Result y = result_of(shape());
    for (size_t i = 0; i < y.value.size(); ++i) {
      const double value = f(double(x().data()[i]));
      y.value.data()[i] = float(value);
      y.bound.data()[i] = error_bound(terms, std::fabs(value));
    }
    return y;
  }

  Result apply(const Activation& op) {
    switch (op.kind) {
      case ActivationKind::relu:
        return each(0, [](double v) { return std::max(v, 0.0); });
      case ActivationKind::leaky_relu:
        // 0.2 itself is rounded, and so is the product.
        return each(2, [](double v) { return v > 0 ? v : 0.2 * v; });
      case ActivationKind::sigmoid:
        return each(1, [](double v) { return 1 / (1 + std::exp(-v)); });
      case ActivationKind::tanh:
        return each(1, [](double v) { return std::tanh(v); });
    }
    return {};
  }

  Result apply(const PRelu&) {
    const auto slope = double(weight(".weight").front());
    return each(1, [&](double v) { return v > 0 ? v : slope * v; });
  }

  struct Moments {
    double mean = 0;
    double variance = 0;
  };
  // Over channels [first, first + count) of a sample.
  Moments moments(int64_t n, int64_t first, int64_t count) const {
    const Shape part{1, count, shape().h, shape().w};
    Moments m;
    for (int64_t c = 0; c < count; ++c) m.mean += mean(x(), n, first + c) / double(count);
    for_each(part, [&](int64_t, int64_t c, int64_t row, int64_t column) {
      const double off = double(x().at(n, first + c, row, column)) - m.mean;
      m.variance += off * off / double(part.count());
    });
    return m;
  }

  Moments moments_of(NormKind kind, int64_t n, int64_t c) const {
    switch (kind) {
      case NormKind::instance:
        return moments(n, c, 1);
      case NormKind::layer:
        return moments(n, 0, shape().c);
      case NormKind::folded:
        return {};
    }
    return {};
  }

  static double norm_divisor(NormKind kind, const Moments& m) {
    switch (kind) {
      case NormKind::instance:
      case NormKind::layer:
        return std::sqrt(m.variance + 1e-5);
      case NormKind::folded:
        return 1;
    }
    return 0;
  }

  Result apply(const Norm2d& op) {
    const auto scale = weight(".weight"), bias = weight(".bias");
    Result y = result_of(shape());
    y.terms = 5;
    for_each({shape().n, shape().c, 1, 1}, [&](int64_t n, int64_t c, int64_t, int64_t) {
      const Moments m = moments_of(op.kind, n, c);
      const double centre = m.mean, factor = double(scale[size_t(c)]) / norm_divisor(op.kind, m);
      for_each({1, 1, shape().h, shape().w}, [&](int64_t, int64_t, int64_t row, int64_t column) {
        const auto value = double(x().at(n, c, row, column)), b = double(bias[size_t(c)]);
        y.value.at(n, c, row, column) = float((value - centre) * factor + b);
        const double size = std::fabs(factor) * (std::fabs(value) + std::fabs(centre));
        y.bound.at(n, c, row, column) = error_bound(y.terms, size + std::fabs(b));
      });
    });
    return y;
  }

  Result apply(const PhotoDescriptor&) {
    const auto f = [](double v) { return float((std::log(std::max(v, 0.0) + 1e-4) + 4) / 4); };
    Result y = result_of({shape().n, 3 * shape().c, 1, 1});
    for_each({shape().n, shape().c, 1, 1}, [&](int64_t n, int64_t c, int64_t, int64_t) {
      const double centre = mean(x(), n, c);
      double squares = 0, steps = 0;
      for_each({1, 1, shape().h, shape().w}, [&](int64_t, int64_t, int64_t row, int64_t column) {
        const auto value = double(x().at(n, c, row, column));
        squares += (value - centre) * (value - centre);
        if (column > 0) steps += std::fabs(value - double(x().at(n, c, row, column - 1)));
      });
      const int64_t pairs = shape().h * std::max<int64_t>(shape().w - 1, 1);
      y.value.at(n, c, 0, 0) = f(centre);
      y.value.at(n, shape().c + c, 0, 0) = f(std::sqrt(squares / double(shape().plane())));
      y.value.at(n, 2 * shape().c + c, 0, 0) = f(steps / double(pairs));
    });
    // Both sum in double: what remains is the rounding to float, of values that f keeps near one.
    for (size_t i = 0; i < y.bound.size(); ++i) {
      y.bound.data()[i] = error_bound(1, std::fabs(double(y.value.data()[i])) + 1);
    }
    return y;
  }

  const Model& model_;
  const Node& node_;
  const std::vector<Tensor>& in_;
};

void move_by_usual_error(Result& result, Random& noise) {
  const auto part = float(1 / std::sqrt(result.terms));
  for (size_t i = 0; i < result.value.size(); ++i) {
    result.value.data()[i] += part * float(noise.uniform(-1, 1)) * result.bound.data()[i];
  }
}

}  // namespace

Result apply(const Model& model, NodeId node, const std::vector<Tensor>& inputs) {
  return Evaluator(model, node, inputs).evaluate();
}

Tensor run(const Model& model, const Tensor& input, Random* noise, const SideInputs& given) {
  check_side_inputs(model.graph(), given, input.shape().n);
  const SideInputs side = held_to(model.info().side_ranges, given);
  std::vector<Tensor> values;
  const auto needed = needed_nodes(model.graph());
  for (NodeId id = 0; id <= model.graph().output(); ++id) {
    if (!needed[size_t(id)]) {
      values.emplace_back();
      continue;
    }
    std::vector<Tensor> inputs;
    for (const NodeId from : model.graph().node(id).inputs) inputs.push_back(values[size_t(from)]);
    if (id == 0) inputs.push_back(input);
    const Node& node = model.graph().node(id);
    if (std::holds_alternative<SideInput>(node.op)) inputs.push_back(side.at(node.name));
    Result result = apply(model, id, inputs);
    if (noise != nullptr) move_by_usual_error(result, *noise);
    values.push_back(std::move(result.value));
  }
  return values.back();
}

double tolerance(const Model& model, const Tensor& input, const SideInputs& side) {
  const Tensor exact = run(model, input, nullptr, side);
  double farthest = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    Random noise(seed);
    const Tensor moved = run(model, input, &noise, side);
    for (size_t i = 0; i < exact.size(); ++i) {
      farthest = std::max(farthest, std::fabs(double(moved.data()[i]) - double(exact.data()[i])));
    }
  }
  return farthest;
}

}  // namespace hyperconv::reference
