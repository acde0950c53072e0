#include "pipeline/develop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "base/watch.hpp"
#include "pipeline/padded_photo.hpp"
#include "raw/colour.hpp"
#include "raw/exif.hpp"
#include "raw/linear_frame.hpp"
#include "raw/mosaic_noise.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr const char* noise_input = "noise";

// About what these take of a photo's time: for who watches.
constexpr double looking_share = 0.1, network_share = 0.75;

std::shared_ptr<const Model> checked(std::shared_ptr<const Model> model) {
  const ModelInfo& info = model->info();
  if (info.task != Task::develop)
    fail("the model '{}' is for the task '{}', not for 'develop'", info.name, to_string(info.task));
  const int side = size_multiple(model->graph()), cell = cell_side(info.packing);
  const Shape in{1, cell_channels(info.packing), side, side},
      out = infer_shapes(model->graph(), in).back();
  const Shape wanted{1, 3, cell * side, cell * side};
  if (out != wanted)
    fail("the model '{}' turns {} into {}; a developer needs {}", info.name, to_string(in),
         to_string(out), to_string(wanted));
  for (const Node& node : model->graph().nodes()) {
    const auto* beside = std::get_if<SideInput>(&node.op);
    if (beside != nullptr && (node.name != noise_input || beside->channels != noise_condition_size))
      fail("the model '{}' takes the side input '{}' of {} numbers; a developer gives '{}' of {}",
           info.name, node.name, beside->channels, noise_input, noise_condition_size);
  }
  return model;
}

bool takes_noise(const Graph& graph) {
  return std::ranges::any_of(
      graph.nodes(), [](const Node& node) { return std::holds_alternative<SideInput>(node.op); });
}

/// The curve whose light a network works in; nothing: linear.
std::optional<StabilisingCurve> curve_for(const Model& model, const NoiseProfile& noise) {
  switch (model.info().domain) {
    case Domain::linear:
      return std::nullopt;
    case Domain::stabilised:
      return StabilisingCurve(noise);
  }
  fail("the model's domain is not known");
}

SideInputs noise_inputs(const Graph& graph, const NoiseProfile& noise, const Mosaic& mosaic) {
  if (!takes_noise(graph)) return {};
  const auto condition = noise_condition(noise, balance_gains(mosaic.white_balance));
  Tensor values({1, noise_condition_size, 1, 1});
  std::ranges::copy(condition, values.data());
  return {{noise_input, std::move(values)}};
}

Region common_part(const Region& a, const Region& b) {
  const int64_t top = std::max(a.top, b.top), left = std::max(a.left, b.left);
  return {top, left, std::min(a.top + a.height, b.top + b.height) - top,
          std::min(a.left + a.width, b.left + b.width) - left};
}

/// Counted from another place.
Region moved(const Region& part, int64_t down, int64_t right) {
  return {part.top + down, part.left + right, part.height, part.width};
}

/// The samples of a part of the cells, which have `side` x `side`.
Region samples_of(const Region& cells, int side) {
  return {side * cells.top, side * cells.left, side * cells.height, side * cells.width};
}

/// The cells that hold a part of the samples.
Region cells_of(const Region& samples, int side) {
  const int64_t top = samples.top / side, left = samples.left / side;
  return {top, left, (samples.top + samples.height + side - 1) / side - top,
          (samples.left + samples.width + side - 1) / side - left};
}

/// Pixels of the photo, which lie at `place` in a network's output, into linear light that holds a
/// part of it.
void copy_light(const Tensor& output, const Region& place,
                const std::optional<StabilisingCurve>& curve, const Highlights* highlights,
                const Region& photo, const Region& held, Tensor& light) {
  const int64_t top = photo.top - held.top, left = photo.left - held.left;
  Threads().parallel_for(photo.height, [&](int64_t y) {
    throw_if_interrupted();
    std::array<std::span<float>, 3> rows;
    for (int64_t c = 0; c < 3; ++c) {
      const float* from = output.row(0, c, place.top + y) + place.left;
      float* to = light.row(0, c, top + y) + left;
      for (int64_t x = 0; x < photo.width; ++x) to[x] = curve ? curve->inverse(from[x]) : from[x];
      rows[size_t(c)] = {to, size_t(photo.width)};
    }
    if (highlights != nullptr)
      highlights->restore(photo.top + y, photo.left, rows[0], rows[1], rows[2]);
  });
}

/// Keeps a network from changing a frame by more than its noise: nothing where there is none.
class NoiseLimit {
 public:
  NoiseLimit(const FrameView& frame, const NoiseProfile& noise,
             const std::optional<StabilisingCurve>& curve)
      : light_(*frame.light), curve_(curve) {
    const auto gains = balance_gains(frame.facts.white_balance);
    for (size_t c = 0; c < 3; ++c) {
      shot_[c] = float(gains[c] * noise.shot);
      read_[c] = float(gains[c] * gains[c] * noise.read);
    }
  }

  /// The pixels of `photo`, which lie at `place` in the output.
  Tensor operator()(const Tensor& output, const Region& place, const Region& photo) const {
    Tensor limited({1, 3, photo.height, photo.width});
    Threads().parallel_for(photo.height, [&](int64_t y) {
      throw_if_interrupted();
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t from = light_.shape().c == 1 ? 0 : c;
        const float* own = light_.row(0, from, photo.top + y) + photo.left;
        const float* made = output.row(0, c, place.top + y) + place.left;
        float* to = limited.row(0, c, y);
        for (int64_t x = 0; x < photo.width; ++x)
          to[x] = within(made[x], std::min(own[x], 1.f), size_t(c));
      }
    });
    return limited;
  }

 private:
  /// Of the frame's own light, in the light of the curve. Its noise is that of the brighter of the
  /// two: a dark sample says less of the noise that made it dark.
  float within(float made, float own, size_t c) const {
    constexpr float deviations = 4;
    const float light = curve_ ? curve_->inverse(made) : made;
    const float reach = deviations * std::sqrt(shot_[c] * std::max({own, light, 0.f}) + read_[c]);
    if (!curve_) return std::clamp(made, own - reach, own + reach);
    return std::clamp(made, (*curve_)(own - reach), (*curve_)(own + reach));
  }

  const Tensor& light_;
  const std::optional<StabilisingCurve>& curve_;
  std::array<float, 3> shot_{}, read_{};
};

/// What a picture's light goes through, and what that needs.
struct Colours {
  Colours(const FrameView& frame, const Rendering& rendering, const Region& part) {
    if (rendering.highlights != HighlightMode::clip) {
      if (frame.light != nullptr) behind = mosaic_behind(frame);
      highlights.emplace(behind ? *behind : frame.facts, rendering.highlights);
    }
    path = {.matrix = rendering_matrix(frame.facts, rendering),
            .space = rendering.space,
            .highlights = highlights ? &*highlights : nullptr,
            .top = part.top,
            .left = part.left};
  }
  Colours(const Colours&) = delete;
  Colours& operator=(const Colours&) = delete;

  std::optional<Mosaic> behind;
  std::optional<Highlights> highlights;
  ColourPath path;
};

/// Of a picture whose rows are passed on as they are made: as many as a JPEG's bands on few
/// threads.
constexpr int64_t rows_at_once = 512;

}  // namespace

Matrix3 camera_to_srgb(const Mosaic& mosaic) {
  return mosaic.xyz_to_camera ? camera_to_srgb(*mosaic.xyz_to_camera) : identity3;
}

Matrix3 rendering_matrix(const Mosaic& mosaic, const Rendering& rendering) {
  Matrix3 matrix = camera_to_srgb(mosaic);
  if (rendering.space != OutputSpace::srgb) matrix = multiply(from_srgb(rendering.space), matrix);
  const double gain = std::exp2(mosaic.baseline_exposure + rendering.stops) /
                      white_of(rendering.highlights, mosaic.white_balance);
  for (auto& row : matrix)
    for (double& value : row) value *= gain;
  return matrix;
}

Image picture_of(const LinearFrame& frame, const Rendering& rendering) {
  const Shape& shape = frame.light.shape();
  Image picture;
  if (shape.c == 3) {
    picture = rgb_picture(int(shape.w), int(shape.h));
    Tensor light = frame.light;
    cut_highlights(light);
    render_part(light, {0, 0, shape.h, shape.w},
                {.matrix = rendering_matrix(frame.facts, rendering), .space = rendering.space},
                picture, 0, 0);
  } else {
    picture = grey_picture(frame.light, std::exp2(frame.facts.baseline_exposure + rendering.stops));
  }
  picture.metadata = metadata_for_picture(frame.facts, rendering.space);
  return picture;
}

void correct_lens(LinearFrame& frame, const LensCorrection& lens, int threads) {
  const Shape& shape = frame.light.shape();
  const Region all{0, 0, shape.h, shape.w};
  frame.light = corrected(lens, frame.light, all, all, shape.w, shape.h, threads);
}

Developer::Developer(std::shared_ptr<const Model> model, const DevelopOptions& options)
    : model_(checked(std::move(model))),
      runner_(model_, options.engine, {.memory = options.memory}),
      given_(options.noise),
      is_told_noise_(takes_noise(model_->graph()) || model_->info().domain != Domain::linear),
      // The network looks half its receptive field to each side, in cells.
      margin_(cell_side(model_->info().packing) * receptive_field(model_->graph()) / 2),
      multiple_(size_multiple(model_->graph())),
      side_(cell_side(model_->info().packing)) {}

void Developer::run_network(const FrameView& photo, const Region& part, bool keeps_grain,
                            const std::function<void(const Pixels&)>& use) {
  if (const Packing packing = model_->info().packing; packing != packing_of(photo))
    fail("the model '{}' develops frames of {}, and this one is {}", model_->info().name,
         to_string(packing), to_string(packing_of(photo)));
  const PackedFrame frame = packed_frame(photo, margin_, multiple_);
  if (is_told_noise_) noise_ = noise_of(photo, given_);
  if (keeps_grain && !is_told_noise_)
    fail("the model '{}' is not told the noise, so it cannot leave any of it", model_->info().name);
  const NoiseProfile told = noise_ && !keeps_grain ? noise_->profile : NoiseProfile{};
  const auto read = [&](const Region& cells_read, Tensor& cells) {
    pack_part(photo, frame, cells_read, cells);
    if (model_->info().domain == Domain::stabilised) stabilise(cells, told);
  };
  const WholeInput input{frame.cells, read};
  const SideInputs side = noise_inputs(model_->graph(), told, photo.facts);
  const Conditions conditions = [&] {
    const WatchStage stage(0, looking_share);
    return runner_.engine().condition(input, {}, side);
  }();
  const WatchStage stage(looking_share, looking_share + network_share);
  const Region wanted = moved(part, frame.photo.top, frame.photo.left);
  const auto curve = curve_for(*model_, told);
  // A demosaicker's faults are mended too; of what was measured all but noise is true.
  std::optional<NoiseLimit> limit;
  if (is_told_noise_ && photo.light != nullptr && !photo.demosaicked_from)
    limit.emplace(photo, told, curve);
  runner_.run(input, cells_of(wanted, side_), conditions, [&](const PhotoPart& run) {
    const Region made = samples_of(run.region, side_), seen = common_part(made, wanted);
    const Region of_photo = moved(seen, -frame.photo.top, -frame.photo.left);
    const Region place = moved(seen, run.output_top - made.top, run.output_left - made.left);
    if (limit)
      use({of_photo,
           {0, 0, seen.height, seen.width},
           (*limit)(run.output, place, of_photo),
           curve});
    else
      use({of_photo, place, run.output, curve});
  });
}

Tensor Developer::camera_rgb(const FrameView& frame, bool keeps_grain) {
  const auto start = Clock::now();
  const int height = frame.facts.height, width = frame.facts.width;
  Tensor rgb({1, 3, height, width});
  const Region all{0, 0, height, width};
  run_network(frame, all, keeps_grain, [&](const Pixels& pixels) {
    copy_light(pixels.output, pixels.place, pixels.curve, nullptr, pixels.photo, all, rgb);
  });
  times_ = {.network = seconds_since(start)};
  return frame.is_monochrome() ? mean_of_colours(rgb) : rgb;
}

Image Developer::picture(const FrameView& frame, const PictureRequest& request) {
  const auto start = Clock::now();
  const Mosaic& facts = frame.facts;
  const Rendering& rendering = request.rendering;
  const Region part = request.part.value_or(Region{0, 0, facts.height, facts.width});
  check_part(part, facts.width, facts.height);
  if (frame.is_monochrome()) return monochrome_picture(frame, request, part);
  const Colours colours(frame, rendering, part);
  ColourPath path = colours.path;
  if (request.lens != nullptr) return corrected_picture(frame, request, part, path);
  Image picture = rgb_picture(int(part.width), int(part.height), rendering.linear);
  times_ = {};
  run_network(frame, part, request.keeps_grain, [&](const Pixels& pixels) {
    const auto colour = Clock::now();
    path.curve = pixels.curve;
    render_part(pixels.output, pixels.place, path, picture, pixels.photo.top, pixels.photo.left);
    times_.colour += seconds_since(colour);
  });
  times_.network = seconds_since(start) - times_.colour;
  picture.metadata = metadata_for_picture(facts, rendering.space, rendering.linear);
  return picture;
}

void Developer::picture_rows(const FrameView& frame, const PictureRequest& request,
                             const std::function<void(const Image&)>& use) {
  if (request.lens != nullptr) fail("a lens's correction needs the whole picture");
  if (frame.is_monochrome()) fail("a monochrome picture is not made row by row");
  const auto start = Clock::now();
  const Rendering& rendering = request.rendering;
  const Region part = request.part.value_or(Region{0, 0, frame.facts.height, frame.facts.width});
  check_part(part, frame.facts.width, frame.facts.height);
  const Colours colours(frame, rendering, part);
  ColourPath path = colours.path;
  times_ = {};
  double elsewhere = 0;
  Image band;
  // The parts beside one another come one after the other.
  run_network(frame, part, request.keeps_grain, [&](const Pixels& pixels) {
    const Region& photo = pixels.photo;
    const bool is_whole_rows = photo.width == part.width;
    const int64_t most_rows = is_whole_rows ? rows_at_once : photo.height;
    path.curve = pixels.curve;
    for (int64_t y = 0; y < photo.height; y += most_rows) {
      const auto colour = Clock::now();
      const int64_t rows = std::min(most_rows, photo.height - y);
      if (band.height != rows) band = rgb_picture(int(part.width), int(rows), rendering.linear);
      path.top = photo.top + y;
      const Region place{pixels.place.top + y, pixels.place.left, rows, photo.width};
      render_part(pixels.output, place, path, band, photo.top + y, photo.left);
      const auto used = Clock::now();
      times_.colour += std::chrono::duration<double>(used - colour).count();
      if (photo.left + photo.width == part.left + part.width) use(band);
      elsewhere += seconds_since(used);
    }
  });
  times_.network = seconds_since(start) - times_.colour - elsewhere;
}

Image Developer::monochrome_picture(const FrameView& frame, const PictureRequest& request,
                                    const Region& part) {
  const auto start = Clock::now();
  const Mosaic& facts = frame.facts;
  const Region needed =
      request.lens == nullptr ? part : needed_for(*request.lens, part, facts.width, facts.height);
  Tensor light({1, 3, needed.height, needed.width});
  run_network(frame, needed, request.keeps_grain, [&](const Pixels& pixels) {
    copy_light(pixels.output, pixels.place, pixels.curve, nullptr, pixels.photo, needed, light);
  });
  const auto colour = Clock::now();
  if (request.lens != nullptr)
    light = corrected(*request.lens, light, needed, part, facts.width, facts.height);
  Image picture = grey_picture(mean_of_colours(light),
                               std::exp2(facts.baseline_exposure + request.rendering.stops));
  picture.metadata = metadata_for_picture(facts, request.rendering.space);
  times_.colour = seconds_since(colour);
  times_.network = seconds_since(start) - times_.colour;
  return picture;
}

Image Developer::corrected_picture(const FrameView& frame, const PictureRequest& request,
                                   const Region& part, ColourPath path) {
  const Mosaic& facts = frame.facts;
  const auto start = Clock::now();
  const Region needed = needed_for(*request.lens, part, facts.width, facts.height);
  Tensor light({1, 3, needed.height, needed.width});
  run_network(frame, needed, request.keeps_grain, [&](const Pixels& pixels) {
    copy_light(pixels.output, pixels.place, pixels.curve, path.highlights, pixels.photo, needed,
               light);
  });
  const auto colour = Clock::now();
  // Linear now, with its highlights.
  path.highlights = nullptr;
  Image picture = rgb_picture(int(part.width), int(part.height), request.rendering.linear);
  constexpr int64_t band_height = 128;
  for (int64_t y = 0; y < part.height; y += band_height) {
    const Region band{part.top + y, part.left, std::min(band_height, part.height - y), part.width};
    const Tensor made = corrected(*request.lens, light, needed, band, facts.width, facts.height);
    render_part(made, {0, 0, band.height, band.width}, path, picture, band.top, band.left);
  }
  picture.metadata = metadata_for_picture(facts, request.rendering.space, request.rendering.linear);
  times_.colour = seconds_since(colour);
  times_.network = seconds_since(start) - times_.colour;
  return picture;
}

}  // namespace hyperconv
