#include "pipeline/denoise.hpp"

#include "api/call.hpp"
#include "api/views.hpp"
#include "base/fail.hpp"
#include "base/interrupt.hpp"

namespace hyperconv {

class Denoise::Impl {
 public:
  Impl(const std::filesystem::path& model, const Options& options)
      : denoiser_(load(model, Task::denoise),
                  {.engine = {.threads = options.threads}, .memory = options.memory}) {}

  void part(const ImageView& view, const Region& part, const ImageBuffer& out,
            const DenoiseStrength& strength) {
    const Turn turn(mutex_);
    check_buffer(out, part.width, part.height, view.channels);
    const Image picture = denoiser_.part(image_of(view), part, strength);
    throw_if_interrupted();
    write_into(out, picture);
  }

  void file(const std::filesystem::path& in, const std::filesystem::path& out,
            const DenoiseStrength& strength) {
    const Turn turn(mutex_);
    check_writable(out);
    check_not_same(in, out);
    Image photo;
    reading([&] { photo = read_image(in); });
    write_image(out, denoiser_.picture(photo, strength));
  }

 private:
  Denoiser denoiser_;
  std::timed_mutex mutex_;
};

Denoise::Denoise(const std::filesystem::path& model, const Options& options) {
  check_options(options);
  translated([&] { impl_ = std::make_unique<Impl>(model, options); });
}
Denoise::~Denoise() = default;
Denoise::Denoise(Denoise&&) noexcept = default;
Denoise& Denoise::operator=(Denoise&&) noexcept = default;

void Denoise::picture(const ImageView& photo, const ImageBuffer& out,
                      const DenoiseStrength& strength, const ProgressCallback& progress) {
  part(photo, {0, 0, photo.height, photo.width}, out, strength, progress);
}

void Denoise::part(const ImageView& photo, const Region& part, const ImageBuffer& out,
                   const DenoiseStrength& strength, const ProgressCallback& progress) {
  watched(progress, [&] { impl_->part(photo, part, out, strength); });
}

void Denoise::file(const std::filesystem::path& in, const std::filesystem::path& out,
                   const DenoiseStrength& strength, const ProgressCallback& progress) {
  watched(progress, [&] { impl_->file(in, out, strength); });
}

}  // namespace hyperconv
