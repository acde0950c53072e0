#include "pipeline/develop.hpp"

#include <map>

#include "api/call.hpp"
#include "api/picture_options.hpp"
#include "api/raw_file.hpp"
#include "api/views.hpp"
#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "pipeline/clean_dng.hpp"
#include "pipeline/input.hpp"
#include "pipeline/kept_grain.hpp"
#include "pipeline/lens_finder.hpp"
#include "pipeline/shipped.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

/// [1,3,H,W] with the samples of a pixel beside one another.
Image interleaved(const Tensor& planes) {
  const Shape& shape = planes.shape();
  Image image{int(shape.w), int(shape.h), int(shape.c), {}, {}};
  std::vector<float> samples(image.count());
  for (int64_t y = 0; y < shape.h; ++y)
    for (int64_t c = 0; c < shape.c; ++c) {
      const float* from = planes.row(0, c, y);
      float* to = samples.data() + y * shape.w * shape.c + c;
      for (int64_t x = 0; x < shape.w; ++x) to[x * shape.c] = from[x];
    }
  image.samples = std::move(samples);
  return image;
}

/// `name` is the file's, or words for it.
void refuse_twice(const std::string& name, const Mosaic& facts) {
  if (was_denoised(facts))
    fail(
        "{}: its noise was removed already{} (NoiseReductionApplied is {:g}); Options::again "
        "removes noise once more",
        name, facts.noise_reduction->by_hyperconv ? " by hyperconv" : "",
        facts.noise_reduction->applied);
}

Mosaic& facts_of(RawFrame& frame) {
  if (auto* linear = std::get_if<LinearFrame>(&frame)) return linear->facts;
  return std::get<Mosaic>(frame);
}

/// Errors that say what a photo is or does, without its name: `who` is that, "x.dng: " or "the
/// photo ".
template <class Work>
auto said_of(const std::string& who, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    throw Error(who + error.what(), error.code());
  }
}

constexpr const char* in_memory = "the photo ";

bool is_dng(const std::filesystem::path& path) {
  return path.extension() == ".dng" || path.extension() == ".DNG";
}

}  // namespace

class Develop::Impl {
 public:
  Impl(const std::filesystem::path& model, const Options& options)
      : Impl(load(model, Task::develop), options, model.empty()) {}

  void picture(const MosaicView& view, const ImageBuffer& out, const PictureOptions& options) {
    const Turn waited(mutex_);
    check(options);
    check_for_mosaic_view(options);
    Mosaic mosaic = mosaic_of(view);
    picture_of(mosaic, out, options);
  }

  void picture(const Mosaic& decoded, const ImageBuffer& out, const PictureOptions& options) {
    const Turn waited(mutex_);
    check(options);
    if (!options_.again && removes_noise(options)) refuse_twice("the photo", decoded);
    Mosaic mosaic = decoded;
    picture_of(mosaic, out, options);
  }

  void camera_rgb(const MosaicView& view, const ImageBuffer& out) {
    const Turn waited(mutex_);
    check_buffer(out, view.width, view.height, 3);
    if (out.type != SampleType::f32) fail("camera RGB is written as f32, in no other sample type");
    const Mosaic mosaic = mosaic_of(view);
    const Image picture = interleaved(developer_for(packing_of(mosaic)).camera_rgb(mosaic));
    throw_if_interrupted();
    write_into(out, picture);
  }

  void file(const std::filesystem::path& in, const std::filesystem::path& out,
            const FileOptions& options) {
    const Turn waited(mutex_);
    check(options);
    const WriteOptions write = write_options_of(options, options_.threads);
    if (is_dng(out))
      check_for_dng(options);
    else
      check_writable(out, write);
    check_not_same(in, out);
    lenses_.check(options.picture.lens);
    RawFrame frame;
    reading([&] { frame = InputFile(in).raw({}); });
    Mosaic& facts = facts_of(frame);
    if (!options_.again && removes_noise(options.picture)) refuse_twice(in.string(), facts);
    turn(options.picture, facts);
    const std::string who = in.string() + ": ";
    if (FrameView(frame).is_monochrome()) said_of(who, [&] { check_for_monochrome(options); });
    balance(frame, options.picture, who);
    if (is_dng(out))
      write_dng_of(frame, out, options);
    else
      write_image(out, developed(frame, options.picture, options.depth == 32, who), write);
  }

 private:
  Impl(const std::shared_ptr<const Model>& model, const Options& options, bool is_shipped)
      : options_(options), is_shipped_(is_shipped), developer_(model, developing(*model)) {}

  DevelopOptions developing(const Model& model) const {
    return {.engine = {.threads = options_.threads, .precision = fastest_precision(model.graph())},
            .memory = options_.memory};
  }

  /// A mosaic that is the caller's no more.
  void picture_of(Mosaic& mosaic, const ImageBuffer& out, const PictureOptions& options) {
    lenses_.check(options.lens);
    turn(options, mosaic);
    const auto [width, height] = size_of(options, mosaic);
    check_buffer(out, width, height, 3);
    RawFrame frame = std::move(mosaic);
    balance(frame, options, in_memory);
    const Image picture = developed(frame, options, false, in_memory);
    throw_if_interrupted();
    write_into(out, picture);
  }

  static void balance(RawFrame& frame, const PictureOptions& options, const std::string& who) {
    said_of(who, [&] {
      std::visit([&](auto& kind) { balance_as_wanted(kind, options.white_balance); }, frame);
    });
  }

  /// Balanced and turned already.
  Image developed(RawFrame& frame, const PictureOptions& options, bool linear,
                  const std::string& who) {
    Mosaic& facts = facts_of(frame);
    const auto found = said_of(who, [&] { return lenses_.find(options.lens, facts); });
    PictureRequest request{.rendering = rendering_of(options),
                           .part = part_of(options, facts),
                           .lens = found.lens.get()};
    request.rendering.linear = linear;
    const FrameView seen(frame);
    Image picture =
        picture_with_grain(developer_for(packing_of(seen)), seen, request, options.strength);
    return finished(
        std::move(picture),
        finish_of(options, facts, found.lens ? &found.lens->report() : nullptr, options_.threads));
  }

  void write_dng_of(const RawFrame& frame, const std::filesystem::path& out,
                    const FileOptions& options) {
    const FrameView seen(frame);
    const DenoiseStrength& strength = options.picture.strength;
    Developer& developer = developer_for(packing_of(seen));
    const Tensor light = light_with_grain(developer, seen, strength);
    Mosaic clean = cleaned(seen, light, strength, developer.model_name(), options_.threads);
    if (options.strip_metadata) strip_metadata(clean);
    write_linear_dng(out, light, clean, {.threads = options_.threads});
  }

  /// There is a shipped model for each packing; one that was named is for its own.
  Developer& developer_for(Packing packing) {
    if (packing == Packing::bayer || !is_shipped_) return developer_;
    auto& found = others_[packing];
    if (!found) {
      const auto model = load(shipped_model(Task::develop, packing), Task::develop);
      found.emplace(model, developing(*model));
    }
    return *found;
  }

  Options options_;
  bool is_shipped_;
  Developer developer_;
  std::map<Packing, std::optional<Developer>> others_;
  LensFinder lenses_;
  std::timed_mutex mutex_;
};

Develop::Develop(const std::filesystem::path& model, const Options& options) {
  check_options(options);
  translated([&] { impl_ = std::make_unique<Impl>(model, options); });
}
Develop::~Develop() = default;
Develop::Develop(Develop&&) noexcept = default;
Develop& Develop::operator=(Develop&&) noexcept = default;

void Develop::picture(const MosaicView& mosaic, const ImageBuffer& out,
                      const ProgressCallback& progress) {
  picture(mosaic, out, PictureOptions(), progress);
}

void Develop::picture(const MosaicView& mosaic, const ImageBuffer& out,
                      const PictureOptions& options, const ProgressCallback& progress) {
  watched(progress, [&] { impl_->picture(mosaic, out, options); });
}

void Develop::picture(const RawFile& raw, const ImageBuffer& out, const PictureOptions& options,
                      const ProgressCallback& progress) {
  watched(progress, [&] { impl_->picture(raw.impl_->mosaic, out, options); });
}

PictureSize Develop::picture_size(const MosaicView& mosaic, const PictureOptions& options) {
  PictureSize size;
  translated([&] {
    check(options);
    check_for_mosaic_view(options);
    if (mosaic.width < 1 || mosaic.height < 1)
      fail("the mosaic is {}x{} pixels; it must have some", mosaic.width, mosaic.height);
    Mosaic facts;
    facts.width = mosaic.width;
    facts.height = mosaic.height;
    turn(options, facts);
    size = size_of(options, facts);
  });
  return size;
}

PictureSize Develop::picture_size(const RawFile& raw, const PictureOptions& options) {
  PictureSize size;
  translated([&] {
    check(options);
    const Mosaic& mosaic = raw.impl_->mosaic;
    Mosaic facts;
    facts.width = mosaic.width;
    facts.height = mosaic.height;
    facts.orientation = mosaic.orientation;
    facts.pixel_aspect = mosaic.pixel_aspect;
    facts.camera_crop = mosaic.camera_crop;
    turn(options, facts);
    size = size_of(options, facts);
  });
  return size;
}

void Develop::camera_rgb(const MosaicView& mosaic, const ImageBuffer& out,
                         const ProgressCallback& progress) {
  watched(progress, [&] { impl_->camera_rgb(mosaic, out); });
}

void Develop::file(const std::filesystem::path& in, const std::filesystem::path& out,
                   const ProgressCallback& progress) {
  file(in, out, FileOptions(), progress);
}

void Develop::file(const std::filesystem::path& in, const std::filesystem::path& out,
                   const FileOptions& options, const ProgressCallback& progress) {
  watched(progress, [&] { impl_->file(in, out, options); });
}

}  // namespace hyperconv
