// Steps whose input rows Reach cannot describe.
#include "engine/whole.hpp"

namespace hyperconv {
namespace {

// Where an output row or column reads (Bilinear2d, graph.hpp): the first of two neighbours, the
// second, and its weight.
struct Blend {
  int64_t first, second;
  float weight;
};

Blend blend(bool align_corners, int64_t index, int64_t from, int64_t to) {
  double position = 0;
  if (!align_corners) {
    position = std::max((double(index) + 0.5) * double(from) / double(to) - 0.5, 0.0);
  } else if (to > 1) {
    position = double(index * (from - 1)) / double(to - 1);
  }
  const auto first = std::min(int64_t(position), from - 1);
  return {first, std::min(first + 1, from - 1), float(position - double(first))};
}

float mixed(float a, float b, float weight) { return a + weight * (b - a); }

}  // namespace

void WholeExecutor::execute(const action::Bilinear2d& action, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const FeatureMap& in = feature_map(step.inputs[i]);
    const FeatureMap& out = feature_map(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      const Blend rows = blend(action.align_corners, y, in.height, out.height);
      for (int64_t x = 0; x < out.width; ++x) {
        const Blend columns = blend(action.align_corners, x, in.width, out.width);
        const float* a = pixel(step.inputs[i], rows.first, columns.first);
        const float* b = pixel(step.inputs[i], rows.first, columns.second);
        const float* c = pixel(step.inputs[i], rows.second, columns.first);
        const float* d = pixel(step.inputs[i], rows.second, columns.second);
        float* to = pixel(step.outputs[i], y, x);
        for (int64_t k = 0; k < out.channels; ++k) {
          to[k] = mixed(mixed(a[k], b[k], columns.weight), mixed(c[k], d[k], columns.weight),
                        rows.weight);
        }
      }
    });
  }
}

}  // namespace hyperconv
