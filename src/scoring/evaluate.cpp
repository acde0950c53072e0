#include "scoring/evaluate.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "image/folder.hpp"
#include "metrics/metrics.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"

namespace hyperconv {
namespace {

// LibRaw refuses anything smaller, and SSIM wants 11.
constexpr int64_t smallest_side = 22;

/// A mean under way.
class QualitySum {
 public:
  void add(const Image& truth, const Image& picture) {
    sum_.psnr += psnr(truth, picture);
    sum_.ssim += ssim(truth, picture);
    if (std::min(truth.width, truth.height) < ms_ssim_smallest_side)
      sum_.ms_ssim.reset();
    else if (sum_.ms_ssim)
      *sum_.ms_ssim += ms_ssim(truth, picture);
    ++count_;
  }

  Quality mean() const {
    const auto n = double(count_);
    Quality quality{sum_.psnr / n, sum_.ssim / n, std::nullopt};
    if (sum_.ms_ssim) quality.ms_ssim = *sum_.ms_ssim / n;
    return quality;
  }

 private:
  Quality sum_{0, 0, 0.0};
  int64_t count_ = 0;
};

struct LevelSums {
  QualitySum model;
  std::vector<QualitySum> rivals;
};

/// The middle of a scene, its sides no longer than `side`.
Tensor middle_of(const Tensor& scene, int side) {
  const Shape shape = scene.shape();
  const int64_t h = std::min<int64_t>(side, shape.h), w = std::min<int64_t>(side, shape.w);
  const int64_t top = (shape.h - h) / 2, left = (shape.w - w) / 2;
  Tensor middle({1, shape.c, h, w});
  for (int64_t c = 0; c < shape.c; ++c)
    for (int64_t y = 0; y < h; ++y)
      std::copy_n(scene.row(0, c, top + y) + left, w, middle.row(0, c, y));
  return middle;
}

/// What is asked of one frame.
class Measurement {
 public:
  Measurement(Developer& developer, const EvaluateOptions& options)
      : developer_(developer), options_(options), filters_(filters_of(developer.packing())) {
    if (!filters_ && options.denoiser)
      denoiser_.emplace(options.denoiser, DenoiseOptions{.engine = options.engine});
  }

  std::vector<std::string> rivals() const {
    if (!filters_)
      return denoiser_ ? std::vector<std::string>{"noisy", "denoiser"}
                       : std::vector<std::string>{"noisy"};
    std::vector<std::string> names;
    for (const LibRawMethod method : libraw_methods(*filters_))
      names.push_back("LibRaw " + to_string(method));
    return names;
  }

  void add(const Subject& subject, const NoiseProfile& noise, LevelSums& sums) {
    if (filters_)
      add_mosaic(take(subject, noise, *filters_), sums);
    else
      add_linear(subject, noise, sums);
  }

 private:
  void add_mosaic(const Take& shot, LevelSums& sums) {
    Mosaic mosaic = shot.mosaic;
    if (options_.estimates_noise) mosaic.noise.reset();
    sums.model.add(shot.truth, srgb_picture(developer_.camera_rgb(mosaic), shot.colours));
    const auto methods = libraw_methods(*filters_);
    for (size_t i = 0; i < methods.size(); ++i)
      sums.rivals[i].add(shot.truth,
                         srgb_picture(demosaic_with_libraw(shot.mosaic, methods[i]), shot.colours));
  }

  void add_linear(const Subject& subject, const NoiseProfile& noise, LevelSums& sums) {
    Random random(subject.seed);
    const SensorSettings sensor{.bits = 14, .noise = noise};
    const LinearTake take = take_linear(subject.scene, subject.camera, sensor, options_.shot,
                                        NormalNumbers::one_by_one, random);
    LinearFrame frame = linear_frame(take, subject.camera, sensor, options_.shot);
    if (options_.estimates_noise) frame.facts.noise.reset();
    const Matrix3 colours = camera_to_srgb(frame.facts);
    const auto seen = [&](const Tensor& light) {
      return light.shape().c == 1 ? grey_picture(light, 1) : srgb_picture(light, colours);
    };
    const Image truth =
        seen(options_.shot.is_monochrome ? mean_of_colours(take.clean) : take.clean);
    sums.model.add(truth, seen(developer_.camera_rgb(frame)));
    const Image noisy = picture_of(frame);
    sums.rivals[0].add(truth, noisy);
    if (denoiser_)
      sums.rivals[1].add(truth, denoiser_->part(noisy, {0, 0, noisy.height, noisy.width}, {}));
  }

  Developer& developer_;
  const EvaluateOptions& options_;
  std::optional<ColourFilters> filters_;
  std::optional<Denoiser> denoiser_;
};

}  // namespace

Subject subject_of(const std::filesystem::path& photo, int shrink, uint64_t seed, uint64_t index,
                   int crop) {
  const Tensor linear = linear_srgb(upright(read_image(photo)), shrink);
  if (std::min(linear.shape().h, linear.shape().w) < smallest_side)
    fail("{}: is smaller than {} pixels after shrinking", photo.string(), smallest_side);
  Random random(seed, index);
  const SimulatedCamera camera = random_camera(random);
  const uint64_t noise_seed = random.bits();
  const Tensor scene = scene_in_camera_colours(linear, camera);
  return {crop > 0 ? middle_of(scene, crop) : scene, camera, noise_seed};
}

Take take(const Subject& subject, const NoiseProfile& noise, const ColourFilters& filters) {
  Random random(subject.seed);
  const SensorSettings sensor{.cfa = filters, .bits = 14, .noise = noise};
  Take result;
  result.mosaic = expose(subject.scene, subject.camera, sensor, random);
  result.colours = camera_to_srgb(result.mosaic);
  result.truth =
      srgb_picture(clean_camera_rgb(subject.scene, subject.camera, sensor), result.colours);
  return result;
}

Evaluation evaluate_develop(Developer& developer, const std::filesystem::path& folder,
                            const EvaluateOptions& options) {
  auto photos = pictures_in(folder);
  if (options.limit > 0 && int64_t(photos.size()) > options.limit)
    photos.resize(size_t(options.limit));
  Evaluation result;
  Measurement measurement(developer, options);
  result.rivals = measurement.rivals();
  std::vector<LevelSums> sums(std::size(evaluation_levels),
                              {{}, std::vector<QualitySum>(result.rivals.size())});
  Progress progress("evaluating", int64_t(photos.size()));
  for (size_t i = 0; i < photos.size(); ++i) {
    throw_if_interrupted();
    try {
      const Subject subject = subject_of(photos[i], options.shrink, options.seed, i, options.crop);
      for (size_t level = 0; level < sums.size(); ++level)
        measurement.add(subject, evaluation_levels[level], sums[level]);
      ++result.images;
    } catch (const Error& error) {
      throw_if_interrupted();
      result.skipped.push_back(error.what());
    }
    progress.show(int64_t(i) + 1);
  }
  if (result.images == 0)
    fail("{}: holds no photo that could be used ({})", folder.string(), result.skipped.front());
  for (size_t level = 0; level < sums.size(); ++level) {
    LevelResult row{evaluation_levels[level], sums[level].model.mean(), {}};
    for (const QualitySum& rival : sums[level].rivals) row.rivals.push_back(rival.mean());
    result.levels.push_back(std::move(row));
  }
  return result;
}

}  // namespace hyperconv
