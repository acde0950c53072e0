#include "scoring/evaluate_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "base/fail.hpp"
#include "base/integers.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "data/damage.hpp"
#include "engine/parts.hpp"
#include "image/folder.hpp"
#include "metrics/metrics.hpp"
#include "pipeline/denoise.hpp"
#include "scoring/named_pairs.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// A model that turns the input of a pair into a picture [1,3,h,w].
class PairRunner {
 public:
  PairRunner(std::shared_ptr<const Model> model, const EngineOptions& options)
      : model_(std::move(model)),
        runner_(model_, options),
        multiple_(size_multiple(model_->graph())),
        samples_(model_->info().task == Task::isp ? 2 : 1) {
    check_output();
  }

  /// Squares of `patch` pixels of the picture one by one, each a photo of its own; 0: all at once.
  Tensor picture(const Tensor& input, int patch) {
    const Shape& shape = input.shape();
    const int64_t height = patch > 0 ? patch / samples_ : shape.h;
    const int64_t width = patch > 0 ? patch / samples_ : shape.w;
    Tensor whole({1, 3, shape.h * samples_, shape.w * samples_});
    for (int64_t top = 0; top < shape.h; top += height)
      for (int64_t left = 0; left < shape.w; left += width)
        run(input, {top, left, height, width}, whole);
    return whole;
  }

 private:
  void check_output() const {
    const Task task = model_->info().task;
    const int side = multiple_;
    const Shape in{1, task == Task::isp ? 4 : 3, side, side};
    const Shape out = infer_shapes(model_->graph(), in).back();
    const bool fits = out.h == in.h * samples_ && out.w == in.w * samples_ &&
                      (task == Task::isp ? out.c == 3 : out.c >= 3);
    if (!fits)
      fail("the model '{}' turns {} into {}, which is no picture", model_->info().name,
           to_string(in), to_string(out));
  }

  /// A square of the input as a photo, mirrored at the right and below to what the network takes.
  void run(const Tensor& input, const Region& square, Tensor& whole) {
    const Shape shape{1, input.shape().c, round_up(square.height, multiple_),
                      round_up(square.width, multiple_)};
    const auto read = [&](const Region& part, Tensor& values) {
      cut_out(input, square.top + part.top, square.left + part.left, values);
    };
    const WholeInput photo{shape, read};
    const Region within{0, 0, std::min(square.height, input.shape().h - square.top),
                        std::min(square.width, input.shape().w - square.left)};
    runner_.run(photo, within, runner_.engine().condition(photo),
                [&](const PhotoPart& part) { place(part, square, whole); });
  }

  void place(const PhotoPart& part, const Region& square, Tensor& whole) const {
    const int64_t top = (square.top + part.region.top) * samples_;
    const int64_t left = (square.left + part.region.left) * samples_;
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < part.region.height * samples_; ++y) {
        const float* from = part.output.row(0, c, part.output_top + y) + part.output_left;
        float* to = whole.row(0, c, top + y) + left;
        std::copy_n(from, part.region.width * samples_, to);
        if (model_->info().task != Task::denoise) continue;
        // A denoiser says what to add to the photo.
        const float* photo = part.input.row(0, c, part.input_top + y) + part.input_left;
        for (int64_t x = 0; x < part.region.width; ++x) to[x] += photo[x];
      }
  }

  std::shared_ptr<const Model> model_;
  PartRunner runner_;
  int multiple_;
  int samples_;  ///< of the picture for one pixel of the input, in each direction
};

Image cut_to_range(Image picture) {
  for (float& sample : std::get<std::vector<float>>(picture.samples))
    sample = std::clamp(sample, 0.0f, 1.0f);
  return picture;
}

/// What a model makes of an input, cut to [0,1].
using MakePicture = std::function<Image(const Tensor&)>;

/// Whether a photo's noise is estimated before the network sees it.
bool is_told(const Model& model) {
  return model.info().task == Task::denoise && is_told_grain(model.graph());
}

/// The network by itself, or a photo as `enhance` cleans it.
MakePicture picture_maker(std::shared_ptr<const Model> model, const PairEvaluateOptions& options) {
  if (options.noise_limit > 0 || is_told(*model)) {
    const auto denoiser = std::make_shared<Denoiser>(
        std::move(model),
        DenoiseOptions{.engine = options.engine, .noise_limit = options.noise_limit});
    constexpr float all = std::numeric_limits<float>::infinity();
    return [denoiser](const Tensor& input) {
      return cut_to_range(denoiser->picture(float_image(input, -all, all)));
    };
  }
  const auto runner = std::make_shared<PairRunner>(std::move(model), options.engine);
  return [runner, patch = options.patch](const Tensor& input) {
    return float_image(runner->picture(input, patch));
  };
}

PairScore score(const Image& picture, const Image& target) {
  PairScore score;
  score.width = target.width;
  score.height = target.height;
  score.psnr = psnr(picture, target);
  score.psnr_8bit = psnr(to_u8(picture), to_u8(target));
  score.ssim = ssim(picture, target);
  score.ssim_volume = ssim_volume(picture, target);
  if (std::min(target.width, target.height) >= ms_ssim_smallest_side) {
    score.ms_ssim = ms_ssim(picture, target);
    score.ms_ssim_channels_first = ms_ssim(picture, target, MsSsimForm::channels_first);
  }
  return score;
}

/// What the input is worth as it is.
void score_input(const Image& input, const Image& target, PairScore& score) {
  score.input_psnr = psnr(input, target);
  score.input_psnr_8bit = psnr(to_u8(input), to_u8(target));
  score.input_ssim = ssim(input, target);
  score.input_ssim_volume = ssim_volume(input, target);
}

void check_options(const Model& model, const PairEvaluateOptions& options) {
  const int patch = options.patch;
  if (options.noise_limit > 0 && model.info().task != Task::denoise)
    fail("the model '{}' is for the task '{}'; a noise limit is for 'denoise'", model.info().name,
         to_string(model.info().task));
  if (options.noise_limit > 0 && patch > 0)
    fail("a noise limit follows from whole photos; patches show the network by itself");
  if (patch > 0 && is_told(model))
    fail("the model '{}' is told the noise, which is estimated of whole photos, not of patches",
         model.info().name);
  const int multiple = size_multiple(model.graph()) * (model.info().task == Task::isp ? 2 : 1);
  if (patch % multiple != 0)
    fail("patches of {} do not suit the model '{}': multiples of {} do", patch, model.info().name,
         multiple);
}

void check_fit(const Model& model, const PairSet& set, const PairEvaluateOptions& options) {
  const Task wanted = set.is_mosaic() ? Task::isp : Task::denoise;
  if (model.info().task != wanted)
    fail("{}: holds pairs for the task '{}'; the model '{}' is for '{}'", set.folder().string(),
         to_string(wanted), model.info().name, to_string(model.info().task));
  check_options(model, options);
  if (set.is_mosaic() && options.crop % 2 != 0)
    fail("crops of {} do not suit mosaics: even sizes do", options.crop);
}

/// What is scored, a pair at a time.
struct PairList {
  int64_t size;
  std::function<std::string(int64_t)> name;
  std::function<TensorPair(int64_t)> read;
  /// Told of a pair that could not be read, and why; may throw.
  std::function<void(int64_t, const std::string&)> note;
  std::string noise;  ///< what a page says of it
};

/// "a/b" is no name for a file.
std::string file_name(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name + ".png";
}

/// Looked at, if anybody wants to: with the input where that is a photo.
using Look = std::function<void(const NamedPair&, const Image& picture, const Image& target,
                                const PairScore&)>;

PairScore score_and_save(const MakePicture& make, const NamedPair& named, bool is_photo,
                         const PairEvaluateOptions& options, const Look& look) {
  const auto& [name, pair] = named;
  const Image picture = make(pair.input);
  const Image target = float_image(pair.target);
  PairScore row = score(picture, target);
  if (is_photo)
    score_input(float_image(pair.input), target, row);
  else
    row.psnr_affine = psnr_affine(picture, target);
  row.name = name;
  if (!options.save.empty()) write_image(options.save / file_name(name), to_u8(picture));
  if (look) look(named, picture, target, row);
  return row;
}

std::vector<PairScore> score_all(std::shared_ptr<const Model> model, const PairList& list,
                                 const PairEvaluateOptions& options) {
  const bool is_photo = model->info().task == Task::denoise;
  const std::string name = model->info().name;
  std::vector<ComparedPhoto> shown;
  const Look show = [&](const NamedPair& named, const Image& picture, const Image& target,
                        const PairScore& score) {
    ComparedPhoto photo(named.name, list.noise, target);
    if (is_photo)
      photo.add("input", float_image(named.pair.input), {*score.input_psnr, *score.input_ssim});
    photo.add(name, picture, {score.psnr, score.ssim});
    shown.push_back(std::move(photo));
  };
  const MakePicture make = picture_maker(std::move(model), options);
  std::vector<PairScore> scores;
  const int64_t count = options.limit > 0 ? std::min(options.limit, list.size) : list.size;
  Progress progress("evaluating", count);
  for (int64_t i = 0; i < count; ++i) {
    if (!options.shard.has(i)) continue;
    throw_if_interrupted();
    try {
      std::vector<NamedPair> pieces;
      pieces.push_back({list.name(i), list.read(i)});
      if (options.crop > 0) pieces = crops_of(pieces.front(), options.crop);
      for (const NamedPair& piece : pieces) {
        throw_if_interrupted();
        const bool shows =
            options.page != nullptr && int64_t(scores.size()) < ComparisonPage::photos_of_a_set;
        scores.push_back(score_and_save(make, piece, is_photo, options, shows ? show : Look()));
        scores.back().index = i;
      }
    } catch (const Error& error) {
      throw_if_interrupted();
      list.note(i, error.what());
    }
    // A page that cannot be written is no fault of the pair.
    for (ComparedPhoto& photo : shown) options.page->add(std::move(photo));
    shown.clear();
    progress.show(i + 1);
  }
  return scores;
}

}  // namespace

const std::vector<ScoreColumn>& score_columns() {
  using Value = std::optional<double>;
  static const std::vector<ScoreColumn> all = {
      {"psnr", [](const PairScore& s) -> Value { return s.psnr; }},
      {"psnr_8bit", [](const PairScore& s) -> Value { return s.psnr_8bit; }},
      {"ssim", [](const PairScore& s) -> Value { return s.ssim; }},
      {"ssim_volume", [](const PairScore& s) -> Value { return s.ssim_volume; }},
      {"ms_ssim", [](const PairScore& s) -> Value { return s.ms_ssim; }},
      {"ms_ssim_channels_first",
       [](const PairScore& s) -> Value { return s.ms_ssim_channels_first; }},
      {"input_psnr", [](const PairScore& s) -> Value { return s.input_psnr; }},
      {"input_psnr_8bit", [](const PairScore& s) -> Value { return s.input_psnr_8bit; }},
      {"input_ssim", [](const PairScore& s) -> Value { return s.input_ssim; }},
      {"input_ssim_volume", [](const PairScore& s) -> Value { return s.input_ssim_volume; }},
      {"psnr_affine", [](const PairScore& s) -> Value { return s.psnr_affine; }},
  };
  return all;
}

std::optional<MeanScore> mean_score(const std::vector<PairScore>& scores,
                                    const ScoreColumn& column) {
  double sum = 0, squares = 0;
  for (const PairScore& score : scores) {
    const auto value = column.of(score);
    if (!value) return std::nullopt;
    sum += *value;
  }
  if (scores.empty()) return std::nullopt;
  const auto n = double(scores.size());
  MeanScore result{sum / n, 0};
  for (const PairScore& score : scores) squares += std::pow(*column.of(score) - result.mean, 2);
  // Equal pictures have an infinite PSNR.
  if (scores.size() > 1 && std::isfinite(result.mean))
    result.interval = 1.96 * std::sqrt(squares / (n - 1) / n);
  return result;
}

PairEvaluation evaluate_pairs(std::shared_ptr<const Model> model, const PairSet& set,
                              const PairEvaluateOptions& options) {
  check_fit(*model, set, options);
  DamageLog damage(set);
  const PairList list{int64_t(set.size()), [&](int64_t i) { return set.name(size_t(i)); },
                      [&](int64_t i) { return set.read(size_t(i)); },
                      [&](int64_t i, const std::string& why) { damage.note(size_t(i), why); },
                      "as in the data"};
  PairEvaluation result{score_all(std::move(model), list, options), {}};
  result.skipped = damage.lines();
  return result;
}

PairEvaluation evaluate_noisy_photos(std::shared_ptr<const Model> model, const fs::path& folder,
                                     const SyntheticNoise& noise, uint64_t seed,
                                     const PairEvaluateOptions& options) {
  if (model->info().task != Task::denoise)
    fail("the model '{}' is for the task '{}'; noise is added for 'denoise'", model->info().name,
         to_string(model->info().task));
  check_options(*model, options);
  const auto photos = pictures_in(folder);
  std::vector<std::string> skipped;
  const auto read = [&](int64_t i) -> TensorPair {
    NoisyAndClean made = with_noise(clean_photo(photos[size_t(i)]), noise, seed, uint64_t(i));
    return {std::move(made.noisy), std::move(made.clean)};
  };
  const PairList list{
      int64_t(photos.size()), [&](int64_t i) { return photos[size_t(i)].filename().string(); },
      read, [&](int64_t, const std::string& why) { skipped.push_back(why); }, to_string(noise)};
  PairEvaluation result{score_all(std::move(model), list, options), std::move(skipped)};
  if (result.scores.empty() && !result.skipped.empty())
    fail("{}: holds no photo that could be used ({})", folder.string(), result.skipped.front());
  return result;
}

}  // namespace hyperconv
