#include "pipeline/denoise.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "base/watch.hpp"
#include "engine/parts.hpp"
#include "pipeline/noise_level.hpp"
#include "pipeline/padded_photo.hpp"

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr const char* noise_input = "noise";

// About which share of a photo's time these take: for progress.
constexpr double filters_share = 0.15, level_share = 0.15;

Region whole_of(const Image& photo) { return {0, 0, photo.height, photo.width}; }

template <class Sample>
Sample moved(Sample sample, float added) {
  if constexpr (std::is_same_v<Sample, float>) return sample + added;
  constexpr float white = white_of<Sample>();
  const float value = std::clamp(float(sample) + white * added, 0.0f, white);
  return Sample(value + 0.5f);
}

/// A part of the photo, untouched.
Image cut(const Image& photo, const Region& part) {
  Image image{int(part.width), int(part.height), photo.channels, {}, photo.metadata};
  const auto channels = size_t(photo.channels);
  std::visit(
      [&](const auto& samples) {
        std::decay_t<decltype(samples)> kept;
        kept.reserve(image.count());
        for (int64_t y = part.top; y < part.top + part.height; ++y) {
          const auto from =
              samples.begin() +
              std::ptrdiff_t((size_t(y) * size_t(photo.width) + size_t(part.left)) * channels);
          kept.insert(kept.end(), from, from + std::ptrdiff_t(size_t(part.width) * channels));
        }
        image.samples = std::move(kept);
      },
      photo.samples);
  return image;
}

LocalNoise local_noise(const PhotoPart& part) {
  return {part.input, part.output, part.input_top - part.output_top,
          part.input_left - part.output_left};
}

/// What is added to a part of the photo: what the network says, as far as the limit allows.
class Addition {
 public:
  /// `photo`: where the photo lies in what the part is a part of.
  Addition(const PhotoPart& part, const Region& photo, const std::optional<NoiseLevel>& limit)
      : part_(part),
        region_{part.region.top - photo.top, part.region.left - photo.left, part.region.height,
                part.region.width},
        noise_(local_noise(part)),
        limit_(limit) {}

  /// In the photo.
  const Region& region() const { return region_; }

  /// Scratch memory of one thread.
  struct Row {
    LocalNoise::Row local;
    std::array<std::vector<float>, 3> limited;
  };
  /// R, G and B of the part's row y.
  std::array<const float*, 3> row(int64_t y, Row& room) const {
    std::array<const float*, 3> rgb;
    if (!limit_) {
      for (size_t c = 0; c < 3; ++c)
        rgb[c] = part_.output.row(0, int64_t(c), part_.output_top + y) + part_.output_left;
      return rgb;
    }
    std::array<float*, 3> limited;
    for (size_t c = 0; c < 3; ++c) {
      room.limited[c].resize(size_t(region().width));
      rgb[c] = limited[c] = room.limited[c].data();
    }
    noise_.limited(part_.output_top + y, part_.output_left, region().width, *limit_, room.local,
                   limited);
    return rgb;
  }

 private:
  const PhotoPart& part_;
  const Region region_;
  const LocalNoise noise_;
  const std::optional<NoiseLevel>& limit_;
};

/// Rows that one thread processes at a time, with the same scratch memory.
constexpr int64_t rows_at_once = 16;

/// Calls use(y, rgb) for every row of the part.
template <class Use>
void for_rows(const Addition& addition, Threads& threads, const Use& use) {
  const int64_t height = addition.region().height;
  threads.parallel_for((height + rows_at_once - 1) / rows_at_once, [&](int64_t group) {
    throw_if_interrupted();
    Addition::Row room;
    const int64_t first = group * rows_at_once, end = std::min(first + rows_at_once, height);
    for (int64_t y = first; y < end; ++y) use(y, addition.row(y, room));
  });
}

/// To the part's pixels of `image`, whose origin lies at `origin` in the photo.
void add_to(Image& image, const Region& origin, const Addition& addition, const Blend& blend,
            Threads& threads) {
  const Region& part = addition.region();
  const auto channels = size_t(image.channels);
  const bool is_colour = colours_of(image) == 3;
  std::visit(
      [&](auto& samples) {
        for_rows(addition, threads, [&](int64_t y, const std::array<const float*, 3>& rows) {
          auto* pixel = samples.data() + (size_t(part.top - origin.top + y) * size_t(image.width) +
                                          size_t(part.left - origin.left)) *
                                             channels;
          for (int64_t x = 0; x < part.width; ++x, pixel += channels) {
            const std::array<float, 3> added = {rows[0][x], rows[1][x], rows[2][x]};
            if (!is_colour) {
              pixel[0] = moved(pixel[0], blend.grey(added));
              continue;
            }
            const auto blended = blend(added);
            for (size_t c = 0; c < 3; ++c) pixel[c] = moved(pixel[c], blended[c]);
          }
        });
      },
      image.samples);
}

/// Into `whole` [1,3,h,w], which lies at `origin` in the photo.
void keep(const Addition& addition, const Region& origin, Tensor& whole, Threads& threads) {
  const Region& part = addition.region();
  for_rows(addition, threads, [&](int64_t y, const std::array<const float*, 3>& rows) {
    for (size_t c = 0; c < 3; ++c)
      std::copy_n(rows[c], part.width,
                  whole.row(0, int64_t(c), part.top - origin.top + y) + (part.left - origin.left));
  });
}

void check_shape(const Model& model, Task task, const char* what,
                 const std::vector<int64_t>& channels) {
  const ModelInfo& info = model.info();
  if (info.task != task)
    fail("the model '{}' is for the task '{}', not for '{}'", info.name, to_string(info.task),
         to_string(task));
  if (const int taken = std::get<Input>(model.graph().node(0).op).channels; taken != 3)
    fail("the model '{}' takes {} channels; {} (task '{}') takes a photo's 3", info.name, taken,
         what, to_string(task));
  const int side = size_multiple(model.graph());
  const Shape in{1, 3, side, side}, out = infer_shapes(model.graph(), in).back();
  for (const Node& node : model.graph().nodes()) {
    const auto* beside = std::get_if<SideInput>(&node.op);
    if (beside != nullptr && (node.name != noise_input || beside->channels != grain_condition_size))
      fail("the model '{}' takes the side input '{}' of {} numbers; {} gives '{}' of {}", info.name,
           node.name, beside->channels, what, noise_input, grain_condition_size);
  }
  if (std::ranges::find(channels, out.c) == channels.end() || out.h != side || out.w != side)
    fail("the model '{}' turns {} into {}; {} (task '{}') gives {} channels of the same size",
         info.name, to_string(in), to_string(out), what, to_string(task), channels.front());
}

/// How a photo is padded for one model, which must be one that takes photos.
class PhotoPadding {
 public:
  PhotoPadding(const Model& model, Task task, const char* what,
               const std::vector<int64_t>& channels) {
    check_shape(model, task, what, channels);
    margin_ = receptive_field(model.graph()) / 2 + local_reach;
    multiple_ = size_multiple(model.graph());
  }

  PaddedPhoto of(const Image& photo, Threads& threads) const {
    return padded_photo(photo, margin_, multiple_, threads);
  }

 private:
  int64_t margin_ = 0, multiple_ = 1;
};

/// A part of the photo, where it lies in the padded one.
Region within(const PaddedPhoto& padded, const Region& part) {
  return {padded.photo.top + part.top, padded.photo.left + part.left, part.height, part.width};
}

/// Where a photo's noise level is taken from: squares in a grid over all of it, which cover a small
/// photo and are spread over a large one.
std::vector<Region> samples_of(const Image& photo) {
  constexpr int64_t side = 128, most = 24;
  const auto needed = [](int64_t extent) { return (extent + side - 1) / side; };
  const double aspect = double(photo.width) / photo.height;
  const int64_t columns = std::min(
      needed(photo.width), std::clamp<int64_t>(std::llround(std::sqrt(most * aspect)), 1, most));
  const int64_t rows = std::min(needed(photo.height), most / columns);
  const auto start = [](int64_t index, int64_t count, int64_t extent) {
    return count == 1 ? std::max<int64_t>(0, (extent - side) / 2)
                      : (extent - side) * index / (count - 1);
  };
  std::vector<Region> samples;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      samples.push_back({start(row, rows, photo.height), start(column, columns, photo.width),
                         std::min<int64_t>(side, photo.height),
                         std::min<int64_t>(side, photo.width)});
  return samples;
}

}  // namespace

bool is_told_grain(const Graph& graph) {
  return std::ranges::any_of(
      graph.nodes(), [](const Node& node) { return std::holds_alternative<SideInput>(node.op); });
}

SideInputs grain_inputs(const Graph& graph, const Grain& grain) {
  if (!is_told_grain(graph)) return {};
  const auto condition = grain_condition(grain);
  Tensor values({1, grain_condition_size, 1, 1});
  std::ranges::copy(condition, values.data());
  return {{noise_input, std::move(values)}};
}

class Denoiser::Impl {
 public:
  Impl(const std::shared_ptr<const Model>& model, const DenoiseOptions& options)
      : options_(options),
        model_(model),
        padding_(*model, Task::denoise, "a denoiser", {3, 6}),
        threads_(options.engine.threads),
        // Local deviations are taken of what lies around a place.
        runner_(model, options.engine, {.memory = options.memory, .around = local_reach}) {
    if (!(options.noise_limit >= 0))
      fail("a noise limit is {}, must be 0 or more", options.noise_limit);
  }

  Result run(const Image& photo, const Region& part, const DenoiseStrength& strength,
             bool wants_noise) {
    const auto start = Clock::now();
    check_part(part, photo.width, photo.height);
    check_strength(strength);
    times_ = {};
    Result result{cut(photo, part), {}};
    const bool changes = strength.luma > 0 || strength.colour > 0;
    if (changes || wants_noise) {
      Tensor added;
      if (wants_noise) added = Tensor({1, 3, part.height, part.width});
      const Blend blend(strength);
      const PaddedPhoto padded = padding_.of(photo, threads_);
      const Conditions conditions = conditions_for(photo, padded);
      const auto limit = limit_of(photo, padded, conditions);
      const WatchStage stage(filters_share + level_share, 1);
      runner_.run(padded.input, within(padded, part), conditions, [&](const PhotoPart& made) {
        const Addition addition(made, padded.photo, limit);
        add_to(result.picture, part, addition, blend, threads_);
        if (wants_noise) keep(addition, part, added, threads_);
      });
      times_.network = seconds_since(start) - times_.filters - times_.level;
      if (wants_noise) {
        local_deviation(added, threads_);
        result.removed_noise = noise_picture(added, colours_of(photo) == 1);
      }
    }
    times_.total = seconds_since(start);
    return result;
  }

  const DenoiseTimes& times() const { return times_; }
  const std::optional<Grain>& grain() const { return grain_; }

 private:
  /// What follows from the whole of this photo.
  Conditions look_at(const PaddedPhoto& padded, const Grain& grain) {
    const auto start = Clock::now();
    const WatchStage stage(0, filters_share);
    Conditions conditions = runner_.engine().condition(padded.input, padded.photo,
                                                       grain_inputs(model_->graph(), grain));
    times_.filters = seconds_since(start);
    return conditions;
  }

  /// Calls use(part) for squares all over the photo, as the network runs on them.
  void for_samples(const Image& photo, const PaddedPhoto& padded, const Conditions& conditions,
                   const std::function<void(const PhotoPart&)>& use) {
    const WatchStage whole_stage(filters_share, filters_share + level_share);
    // Where one part takes a run of the whole, the whole is looked at in one.
    const auto samples = runner_.engine().why_not_in_parts(conditions)
                             ? std::vector<Region>{whole_of(photo)}
                             : samples_of(photo);
    int64_t index = 0;
    for (const Region& sample : samples) {
      const WatchStage stage(index++, int64_t(samples.size()));
      runner_.run(padded.input, within(padded, sample), conditions, use);
    }
  }

  /// The conditions of this photo: a network that is told the noise is told what the photo's even
  /// places show. Texture from edge to edge shows there as noise, which training taught it.
  Conditions conditions_for(const Image& photo, const PaddedPhoto& padded) {
    grain_.reset();
    if (is_told_grain(model_->graph()))
      grain_ = options_.grain ? *options_.grain : estimate_grain(photo);
    return look_at(padded, grain_.value_or(Grain{}));
  }

  /// The limit on what is removed, estimated from squares all over the photo. Nothing where there
  /// is no limit, or where the photo is too small to estimate one.
  std::optional<NoiseLevel> limit_of(const Image& photo, const PaddedPhoto& padded,
                                     const Conditions& conditions) {
    if (options_.noise_limit == 0) return std::nullopt;
    const auto start = Clock::now();
    NoiseLevelEstimate estimate;
    for_samples(photo, padded, conditions, [&](const PhotoPart& part) {
      estimate.add(local_noise(part), part.output_top, part.output_left, part.region.height,
                   part.region.width);
    });
    const auto level = estimate.level();
    times_.level += seconds_since(start);
    if (!level) return std::nullopt;
    return level->times(options_.noise_limit);
  }

  DenoiseOptions options_;
  std::shared_ptr<const Model> model_;
  PhotoPadding padding_;
  Threads threads_;
  PartRunner runner_;
  DenoiseTimes times_;
  std::optional<Grain> grain_;
};

Denoiser::Denoiser(std::shared_ptr<const Model> model, const DenoiseOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Denoiser::~Denoiser() = default;
Denoiser::Denoiser(Denoiser&&) noexcept = default;
Denoiser& Denoiser::operator=(Denoiser&&) noexcept = default;

Image Denoiser::picture(const Image& photo, const DenoiseStrength& strength) {
  return impl_->run(photo, whole_of(photo), strength, false).picture;
}

Image Denoiser::part(const Image& photo, const Region& part, const DenoiseStrength& strength) {
  return impl_->run(photo, part, strength, false).picture;
}

Image Denoiser::removed_noise(const Image& photo, const Region& part) {
  return impl_->run(photo, part, {}, true).removed_noise;
}

Denoiser::Result Denoiser::picture_and_noise(const Image& photo, const Region& part,
                                             const DenoiseStrength& strength) {
  return impl_->run(photo, part, strength, true);
}

const DenoiseTimes& Denoiser::times() const { return impl_->times(); }
const std::optional<Grain>& Denoiser::grain() const { return impl_->grain(); }

Image estimated_noise(const std::shared_ptr<const Model>& noise_model, const Image& photo,
                      const Region& part, const DenoiseOptions& options) {
  const PhotoPadding padding(*noise_model, Task::noise, "a noise estimator", {6});
  check_part(part, photo.width, photo.height);
  Threads threads(options.engine.threads);
  Tensor deviations({1, 3, part.height, part.width});
  PartRunner runner(noise_model, options.engine, {.memory = options.memory});
  const PaddedPhoto padded = padding.of(photo, threads);
  const Conditions conditions = runner.engine().condition(padded.input, padded.photo);
  const std::optional<NoiseLevel> no_limit;
  runner.run(padded.input, within(padded, part), conditions, [&](const PhotoPart& made) {
    const auto plane = size_t(made.output.shape().plane());
    float* log_alpha = made.output.data();
    const float* log_beta = log_alpha + 3 * plane;
    for (size_t i = 0; i < 3 * plane; ++i)
      log_alpha[i] = std::sqrt(std::exp(log_beta[i]) / (std::exp(log_alpha[i]) + 1));
    keep(Addition(made, padded.photo, no_limit), part, deviations, threads);
  });
  return noise_picture(deviations, colours_of(photo) == 1);
}

}  // namespace hyperconv
