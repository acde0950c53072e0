#include "pipeline/develop.hpp"

#include <map>

#include "api/call.hpp"
#include "api/views.hpp"
#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "pipeline/clean_dng.hpp"
#include "pipeline/input.hpp"
#include "pipeline/shipped.hpp"

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

void refuse_twice(const std::filesystem::path& file, const Mosaic& facts) {
  if (was_denoised(facts))
    fail(
        "{}: its noise was removed already{} (NoiseReductionApplied is {:g}); Options::again "
        "removes noise once more",
        file.string(), facts.noise_reduction->by_hyperconv ? " by hyperconv" : "",
        facts.noise_reduction->applied);
}

bool is_dng(const std::filesystem::path& path) {
  return path.extension() == ".dng" || path.extension() == ".DNG";
}

}  // namespace

class Develop::Impl {
 public:
  Impl(const std::filesystem::path& model, const Options& options)
      : Impl(load(model, Task::develop), options, model.empty()) {}

  void picture(const MosaicView& view, const ImageBuffer& out) {
    const Turn turn(mutex_);
    check_buffer(out, view.width, view.height, 3);
    const Image picture = developer_.picture(mosaic_of(view));
    throw_if_interrupted();
    write_into(out, picture);
  }

  void camera_rgb(const MosaicView& view, const ImageBuffer& out) {
    const Turn turn(mutex_);
    check_buffer(out, view.width, view.height, 3);
    if (out.type != SampleType::f32) fail("camera RGB is written as f32, in no other sample type");
    const Image picture = interleaved(developer_.camera_rgb(mosaic_of(view)));
    throw_if_interrupted();
    write_into(out, picture);
  }

  void file(const std::filesystem::path& in, const std::filesystem::path& out) {
    const Turn turn(mutex_);
    if (!is_dng(out)) check_writable(out);
    check_not_same(in, out);
    RawFrame frame;
    reading([&] { frame = InputFile(in).raw({}); });
    const FrameView seen(frame);
    if (!options_.again) refuse_twice(in, seen.facts);
    Developer& developer = developer_for(packing_of(seen));
    if (is_dng(out)) {
      const Tensor light = developer.camera_rgb(seen);
      write_linear_dng(out, light,
                       cleaned(seen, light, {}, developer.model_name(), options_.threads),
                       {.threads = options_.threads});
    } else {
      write_image(out, upright(developer.picture(seen)));
    }
  }

 private:
  Impl(const std::shared_ptr<const Model>& model, const Options& options, bool is_shipped)
      : options_(options), is_shipped_(is_shipped), developer_(model, developing(*model)) {}

  DevelopOptions developing(const Model& model) const {
    return {.engine = {.threads = options_.threads, .precision = fastest_precision(model.graph())},
            .memory = options_.memory};
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
  watched(progress, [&] { impl_->picture(mosaic, out); });
}

void Develop::camera_rgb(const MosaicView& mosaic, const ImageBuffer& out,
                         const ProgressCallback& progress) {
  watched(progress, [&] { impl_->camera_rgb(mosaic, out); });
}

void Develop::file(const std::filesystem::path& in, const std::filesystem::path& out,
                   const ProgressCallback& progress) {
  watched(progress, [&] { impl_->file(in, out); });
}

}  // namespace hyperconv
