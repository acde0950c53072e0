#include "scoring/evaluate.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "image/folder.hpp"
#include "metrics/metrics.hpp"
#include "raw/colour.hpp"
#include "raw/linear_frame.hpp"
#include "simulation/demosaic.hpp"

namespace hyperconv {
namespace {

// LibRaw refuses anything smaller, and SSIM wants 11.
constexpr int64_t smallest_side = 22;

PictureScore score_of(const Image& truth, const Image& picture) {
  return {psnr(truth, picture), ssim(truth, picture)};
}

/// A mean under way.
class QualitySum {
 public:
  PictureScore add(const Image& truth, const Image& picture) {
    const PictureScore score = score_of(truth, picture);
    sum_.psnr += score.psnr;
    sum_.ssim += score.ssim;
    if (std::min(truth.width, truth.height) < ms_ssim_smallest_side)
      sum_.ms_ssim.reset();
    else if (sum_.ms_ssim)
      *sum_.ms_ssim += ms_ssim(truth, picture);
    ++count_;
    return score;
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

  /// The pictures go to `photo`, too, if there is one, which it makes of the clean one and a note.
  using MakePhoto = std::function<ComparedPhoto(const std::string& note, const Image& truth)>;
  std::optional<ComparedPhoto> add(const Subject& subject, const NoiseProfile& noise,
                                   const MakePhoto& make_photo, LevelSums& sums) {
    return filters_ ? add_mosaic(take(subject, noise, *filters_), make_photo, sums)
                    : add_linear(subject, noise, make_photo, sums);
  }

 private:
  std::optional<ComparedPhoto> add_mosaic(const Take& shot, const MakePhoto& make_photo,
                                          LevelSums& sums) {
    const Image& truth = shot.truth;
    std::optional<ComparedPhoto> photo;
    const auto seen = [&](const Tensor& camera_rgb) {
      return srgb_picture(camera_rgb, shot.colours);
    };
    if (make_photo) {
      photo = make_photo(noise_note(*shot.mosaic.noise), truth);
      const Image input = seen(bilinear_camera_rgb(shot.mosaic));
      photo->add("input, bilinear", input, score_of(truth, input));
    }
    const auto count = [&](const std::string& name, const Image& picture, QualitySum& sum) {
      const PictureScore score = sum.add(truth, picture);
      if (photo) photo->add(name, picture, score);
    };
    Mosaic mosaic = shot.mosaic;
    if (options_.estimates_noise) mosaic.noise.reset();
    count(developer_.model_name(), seen(developer_.camera_rgb(mosaic)), sums.model);
    const auto methods = libraw_methods(*filters_);
    for (size_t i = 0; i < methods.size(); ++i)
      count("LibRaw " + to_string(methods[i]), seen(demosaic_with_libraw(shot.mosaic, methods[i])),
            sums.rivals[i]);
    return photo;
  }

  std::optional<ComparedPhoto> add_linear(const Subject& subject, const NoiseProfile& noise,
                                          const MakePhoto& make_photo, LevelSums& sums) {
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
    std::optional<ComparedPhoto> photo;
    if (make_photo) photo = make_photo(noise_note(noise), truth);
    const auto count = [&](const std::string& name, const Image& picture, QualitySum& sum) {
      const PictureScore score = sum.add(truth, picture);
      if (photo) photo->add(name, picture, score);
    };
    const Image noisy = picture_of(frame);
    count("input", noisy, sums.rivals[0]);
    count(developer_.model_name(), seen(developer_.camera_rgb(frame)), sums.model);
    if (denoiser_)
      count("denoiser", denoiser_->part(noisy, {0, 0, noisy.height, noisy.width}, {}),
            sums.rivals[1]);
    return photo;
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
    Measurement::MakePhoto make_photo;
    if (options.page != nullptr && result.images < ComparisonPage::photos_of_a_set)
      make_photo = [&](const std::string& note, const Image& truth) {
        return ComparedPhoto(photos[i].filename().string(), note, truth);
      };
    std::vector<ComparedPhoto> shown;
    try {
      const Subject subject = subject_of(photos[i], options.shrink, options.seed, i, options.crop);
      for (size_t level = 0; level < sums.size(); ++level)
        if (auto photo =
                measurement.add(subject, evaluation_levels[level], make_photo, sums[level]))
          shown.push_back(std::move(*photo));
      ++result.images;
    } catch (const Error& error) {
      throw_if_interrupted();
      result.skipped.push_back(error.what());
      shown.clear();
    }
    // A page that cannot be written is no fault of the photo.
    for (ComparedPhoto& photo : shown) options.page->add(std::move(photo));
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
