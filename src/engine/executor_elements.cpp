// Steps that work on every value, or every few neighbours, alike.
#include <cmath>

#include "engine/executor.hpp"

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

float squashed(float value, ActivationKind kind) {
  const auto v = double(value);
  return float(kind == ActivationKind::tanh ? std::tanh(v) : 1 / (1 + std::exp(-v)));
}

}  // namespace

// Row y of a picture as large as `over`, or its one pixel again and again.
PixelRun Executor::broadcast_row(const Picture& of, const Picture& over, int64_t y) const {
  const bool whole = of.height == over.height && of.width == over.width;
  return whole ? PixelRun{pixel(of, y, 0), of.pixel} : PixelRun{pixel(of, 0, 0), 0};
}

void Executor::execute(const Sum& action, const Step& step) {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const Picture& left = picture(step.inputs[i]);
    const Picture& right = picture(step.inputs[step.outputs.size() + i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.add({pixel(left, y, 0), left.pixel}, broadcast_row(right, out, y),
                   {pixel(out, y, 0), out.pixel}, out.channels, out.width, action.rectifier);
    });
  }
}

void Executor::execute(const Rectify& action, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.rectify({pixel(in, y, 0), in.pixel}, {pixel(out, y, 0), out.pixel}, out.channels,
                       out.width, action.rectifier);
    });
  }
}

void Executor::execute(const Product&, const Step& step) {
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    const Picture& left = picture(step.inputs[i]);
    const Picture& right = picture(step.inputs[step.outputs.size() + i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.multiply({pixel(left, y, 0), left.pixel}, broadcast_row(right, out, y),
                        {pixel(out, y, 0), out.pixel}, out.channels, out.width);
    });
  }
}

void Executor::execute(const Squash& action, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      for (int64_t x = 0; x < out.width; ++x) {
        const float* from = pixel(in, y, x);
        float* to = pixel(out, y, x);
        for (int64_t c = 0; c < out.channels; ++c) to[c] = squashed(from[c], action.kind);
      }
    });
  }
}

void Executor::execute(const RectifyLearned&, const Step& step) {
  const float slope = filters_.channel_weights(step.node).scale.front();
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      for (int64_t x = 0; x < out.width; ++x) {
        const float* from = pixel(in, y, x);
        float* to = pixel(out, y, x);
        for (int64_t c = 0; c < out.channels; ++c) to[c] = from[c] > 0 ? from[c] : slope * from[c];
      }
    });
  }
}

void Executor::execute(const Pool&, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.average_pool({pixel(in, 2 * y, 0), in.pixel}, {pixel(in, 2 * y + 1, 0), in.pixel},
                            {pixel(out, y, 0), out.pixel}, in.channels, out.width);
    });
  }
}

void Executor::execute(const PoolLargest&, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.max_pool({pixel(in, 2 * y, 0), in.pixel}, {pixel(in, 2 * y + 1, 0), in.pixel},
                        {pixel(out, y, 0), out.pixel}, in.channels, out.width);
    });
  }
}

void Executor::execute(const Upsample&, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      kernels_.upsample({pixel(in, y / 2, 0), in.pixel}, {pixel(out, y, 0), out.pixel}, in.channels,
                        in.width);
    });
  }
}

void Executor::execute(const Interpolate& action, const Step& step) {
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const Picture& in = picture(step.inputs[i]);
    const Picture& out = picture(step.outputs[i]);
    for_rows(out.height, [&](int64_t y) {
      const Blend rows = blend(action.align_corners, y, in.height, out.height);
      for (int64_t x = 0; x < out.width; ++x) {
        const Blend columns = blend(action.align_corners, x, in.width, out.width);
        const float* a = pixel(in, rows.first, columns.first);
        const float* b = pixel(in, rows.first, columns.second);
        const float* c = pixel(in, rows.second, columns.first);
        const float* d = pixel(in, rows.second, columns.second);
        float* to = pixel(out, y, x);
        for (int64_t k = 0; k < out.channels; ++k) {
          to[k] = mixed(mixed(a[k], b[k], columns.weight), mixed(c[k], d[k], columns.weight),
                        rows.weight);
        }
      }
    });
  }
}

// The inverse is the same sum: the transform of four values is its own inverse.
void Executor::execute(const Transform& action, const Step& step) {
  const Picture& in = picture(step.inputs.front());
  const Picture& out = picture(step.outputs.front());
  const bool up = action.kind == HaarKind::synthesis;
  const Picture& coarse = up ? in : out;
  const int64_t channels = up ? out.channels : in.channels;
  for_rows(coarse.height, [&](int64_t y) {
    for (int64_t x = 0; x < coarse.width; ++x) {
      const auto fine = [&](const Picture& of, int64_t i) {
        return pixel(of, 2 * y + i / 2, 2 * x + i % 2);
      };
      for (int64_t k = 0; k < channels; ++k) {
        if (up) {
          const float* from = pixel(in, y, x) + k;
          const float ll = from[0], hl = from[channels], lh = from[2 * channels],
                      hh = from[3 * channels];
          fine(out, 0)[k] = 0.5f * ((ll - hl) + (hh - lh));
          fine(out, 1)[k] = 0.5f * ((ll + hl) - (lh + hh));
          fine(out, 2)[k] = 0.5f * ((ll - hl) + (lh - hh));
          fine(out, 3)[k] = 0.5f * ((ll + hl) + (lh + hh));
          continue;
        }
        const float a = fine(in, 0)[k], b = fine(in, 1)[k], c = fine(in, 2)[k], d = fine(in, 3)[k];
        float* to = pixel(out, y, x) + k;
        to[0] = 0.5f * ((a + b) + (c + d));
        if (action.kind == HaarKind::low) continue;
        to[channels] = 0.5f * ((b - a) + (d - c));
        to[2 * channels] = 0.5f * ((c - a) + (d - b));
        to[3 * channels] = 0.5f * ((a - b) + (d - c));
      }
    }
  });
}

void Executor::execute(const Shuffle& action, const Step& step) {
  const Picture& in = picture(step.inputs.front());
  const Picture& out = picture(step.outputs.front());
  const int64_t factor = action.factor;
  for_rows(out.height, [&](int64_t y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const float* from = pixel(in, y / factor, x / factor) + y % factor * factor + x % factor;
      float* to = pixel(out, y, x);
      for (int64_t c = 0; c < out.channels; ++c) to[c] = from[c * factor * factor];
    }
  });
}

}  // namespace hyperconv
