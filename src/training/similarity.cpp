#include "training/similarity.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>

#include "base/wide.hpp"
#include "metrics/metrics.hpp"
#include "training/blur.hpp"

namespace hyperconv {
namespace {

constexpr float c1 = 0.01f * 0.01f, c2 = 0.03f * 0.03f;

const std::vector<float>& window() {
  static const std::vector<float> weights = gaussian_window(ssim_smallest_side / 2, 1.5);
  return weights;
}

/// Step by step: on a GPU, in double, and where both batches need gradients.
Similarity plain_similarity(const torch::Tensor& a, const torch::Tensor& b) {
  const auto blurred = [](const torch::Tensor& x) { return blur(x, window()); };
  const torch::Tensor mean_a = blurred(a), mean_b = blurred(b);
  // Only the sum of both variances counts: one blur less.
  const torch::Tensor squares = mean_a * mean_a + mean_b * mean_b, product = mean_a * mean_b;
  const torch::Tensor variances = blurred(a * a + b * b) - squares;
  const torch::Tensor covariance = blurred(a * b) - product;
  const torch::Tensor contrast = (2 * covariance + c2) / (variances + c2);
  const torch::Tensor luminance = (2 * product + c1) / (squares + c1);
  return {(luminance * contrast).mean({2, 3}), contrast.mean({2, 3})};
}

// ---- A plane at a time

/// Two planes' sums of squares and products, before they are blurred.
HYPERCONV_WIDE void multiply(const float* a, const float* b, int64_t count, float* squares,
                             float* product) {
  for (int64_t i = 0; i < count; ++i) {
    squares[i] = a[i] * a[i] + b[i] * b[i];
    product[i] = a[i] * b[i];
  }
}

/// Blurred: a, b, a^2 + b^2 and a b.
struct Maps {
  const float *mean_a, *mean_b, *squares, *product;
};

/// Sums of luminance times contrast, and of contrast, of a row. In as many partial sums as a vector
/// has lanes: one sum would have to be added to in order.
HYPERCONV_WIDE void add_row(const Maps& m, int64_t first, int64_t count, double* whole,
                            double* contrast_structure) {
  constexpr int64_t lanes = 16;
  float sum_whole[lanes] = {}, sum_contrast[lanes] = {};
  for (int64_t start = first; start < first + count; start += lanes) {
    const int64_t length = std::min(lanes, first + count - start);
    for (int64_t lane = 0; lane < length; ++lane) {
      const int64_t i = start + lane;
      const float squares = m.mean_a[i] * m.mean_a[i] + m.mean_b[i] * m.mean_b[i];
      const float product = m.mean_a[i] * m.mean_b[i];
      const float contrast = (2 * (m.product[i] - product) + c2) / (m.squares[i] - squares + c2);
      sum_whole[lane] += (2 * product + c1) / (squares + c1) * contrast;
      sum_contrast[lane] += contrast;
    }
  }
  for (int64_t lane = 0; lane < lanes; ++lane) {
    *whole += double(sum_whole[lane]);
    *contrast_structure += double(sum_contrast[lane]);
  }
}

/// Slopes of the weighted sum of both by the blurred a, a^2 + b^2 and a b.
HYPERCONV_WIDE void find_slopes(const Maps& m, int64_t count, float whole, float contrast_structure,
                                float* mean, float* squares, float* product) {
  for (int64_t i = 0; i < count; ++i) {
    const float means = m.mean_a[i] * m.mean_a[i] + m.mean_b[i] * m.mean_b[i];
    const float both = m.mean_a[i] * m.mean_b[i];
    const float variances = m.squares[i] - means + c2, brightness = means + c1;
    const float contrast = (2 * (m.product[i] - both) + c2) / variances;
    const float luminance = (2 * both + c1) / brightness;
    const float of_contrast = contrast_structure + whole * luminance;
    const float of_luminance = whole * contrast;
    product[i] = 2 * of_contrast / variances;
    squares[i] = -of_contrast * contrast / variances;
    const float of_both = 2 * of_luminance / brightness - product[i];
    const float of_means = -of_luminance * luminance / brightness - squares[i];
    mean[i] = of_both * m.mean_b[i] + 2 * of_means * m.mean_a[i];
  }
}

/// The gradient of a from those slopes, blurred back.
HYPERCONV_WIDE void join_slopes(const float* a, const float* b, int64_t count, const float* mean,
                                const float* squares, const float* product, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = mean[i] + 2 * a[i] * squares[i] + b[i] * product[i];
}

/// The work on one plane after the other; keeps its memory.
class PlaneWorker {
 public:
  PlaneWorker(int64_t height, int64_t width)
      : height_(height), width_(width), less_(int64_t(window().size()) - 1) {
    for (auto* memory : {&squares_, &product_, &back_[0], &back_[1], &back_[2]})
      memory->resize(size_t(height * width));
    for (auto& map : maps_) map.resize(size_t(inner()));
    for (auto& slope : slopes_) slope.resize(size_t(inner()));
    padded_.resize(size_t((height + less_) * (width + less_)));
  }

  void means(const float* a, const float* b, float* whole, float* contrast_structure) {
    const Maps maps = blurred(a, b);
    const int64_t row = width_ - less_;
    double sums[2] = {0, 0};
    for (int64_t i = 0; i < inner(); i += row) add_row(maps, i, row, &sums[0], &sums[1]);
    *whole = float(sums[0] / double(inner()));
    *contrast_structure = float(sums[1] / double(inner()));
  }

  void gradient(const float* a, const float* b, float whole, float contrast_structure, float* to) {
    const Maps maps = blurred(a, b);
    const auto count = float(inner());
    find_slopes(maps, inner(), whole / count, contrast_structure / count, slopes_[0].data(),
                slopes_[1].data(), slopes_[2].data());
    for (size_t i = 0; i < slopes_.size(); ++i) blur_back(slopes_[i], back_[i]);
    join_slopes(a, b, height_ * width_, back_[0].data(), back_[1].data(), back_[2].data(), to);
  }

 private:
  int64_t inner() const { return (height_ - less_) * (width_ - less_); }

  Maps blurred(const float* a, const float* b) {
    multiply(a, b, height_ * width_, squares_.data(), product_.data());
    const float* planes[] = {a, b, squares_.data(), product_.data()};
    for (size_t i = 0; i < maps_.size(); ++i)
      blur_plane(planes[i], height_, width_, window(), rows_, maps_[i].data());
    return {maps_[0].data(), maps_[1].data(), maps_[2].data(), maps_[3].data()};
  }

  /// The window is symmetric: backwards is the same, with zeros around.
  void blur_back(const std::vector<float>& slope, std::vector<float>& to) {
    const int64_t row = width_ - less_, padded_row = width_ + less_;
    for (int64_t y = 0; y < height_ - less_; ++y)
      std::copy_n(slope.data() + y * row, row, padded_.data() + (y + less_) * padded_row + less_);
    blur_plane(padded_.data(), height_ + less_, padded_row, window(), rows_, to.data());
  }

  int64_t height_, width_, less_;
  std::vector<float> squares_, product_, rows_, padded_;
  std::array<std::vector<float>, 4> maps_;
  std::array<std::vector<float>, 3> slopes_, back_;
};

/// body(worker, plane) for all planes of a batch.
template <class Body>
void for_planes(const torch::Tensor& a, const Body& body) {
  at::parallel_for(0, a.size(0) * a.size(1), 1, [&](int64_t begin, int64_t end) {
    PlaneWorker worker(a.size(2), a.size(3));
    for (int64_t plane = begin; plane < end; ++plane) body(worker, plane);
  });
}

class PlaneSimilarity : public torch::autograd::Function<PlaneSimilarity> {
 public:
  /// [2,N,C]: whole, contrast_structure.
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& a,
                               const torch::Tensor& b) {
    RECORD_FUNCTION("similarity", std::vector<c10::IValue>());
    const torch::Tensor left = a.contiguous(), right = b.contiguous();
    context->save_for_backward({left, right});
    torch::Tensor means = torch::empty({2, a.size(0), a.size(1)}, a.options());
    const float *from = left.data_ptr<float>(), *beside = right.data_ptr<float>();
    float* to = means.data_ptr<float>();
    const int64_t planes = a.size(0) * a.size(1), size = a.size(2) * a.size(3);
    for_planes(a, [&](PlaneWorker& worker, int64_t plane) {
      worker.means(from + plane * size, beside + plane * size, to + plane, to + planes + plane);
    });
    return means;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    RECORD_FUNCTION("similarity_backward", std::vector<c10::IValue>());
    const auto saved = context->get_saved_variables();
    const torch::Tensor weights = gradients[0].contiguous();
    torch::Tensor gradient = torch::empty_like(saved[0]);
    const float *a = saved[0].data_ptr<float>(), *b = saved[1].data_ptr<float>(),
                *w = weights.data_ptr<float>();
    float* to = gradient.data_ptr<float>();
    const int64_t planes = gradient.size(0) * gradient.size(1);
    const int64_t size = gradient.size(2) * gradient.size(3);
    for_planes(gradient, [&](PlaneWorker& worker, int64_t plane) {
      worker.gradient(a + plane * size, b + plane * size, w[plane], w[planes + plane],
                      to + plane * size);
    });
    return {gradient, torch::Tensor()};
  }
};

}  // namespace

Similarity similarity(const torch::Tensor& a, const torch::Tensor& b) {
  const bool floats =
      a.is_cpu() && a.scalar_type() == torch::kFloat32 && b.scalar_type() == torch::kFloat32;
  if (!floats || b.requires_grad()) return plain_similarity(a, b);
  const torch::Tensor means = PlaneSimilarity::apply(a, b);
  return {means[0], means[1]};
}

}  // namespace hyperconv
