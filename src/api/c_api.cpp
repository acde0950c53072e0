#include <algorithm>
#include <cstring>
#include <new>

#include "base/fail.hpp"
#include "hyperconv/hyperconv.h"
#include "hyperconv/hyperconv.hpp"

static_assert(HYPERCONV_VERSION_MAJOR == PROJECT_MAJOR &&
                  HYPERCONV_VERSION_MINOR == PROJECT_MINOR &&
                  HYPERCONV_VERSION_PATCH == PROJECT_PATCH,
              "hyperconv.h has another version than CMakeLists.txt");

struct hyperconv_raw {
  hyperconv::RawFile file;
};
struct hyperconv_develop {
  hyperconv::Develop develop;
};
struct hyperconv_denoise {
  hyperconv::Denoise denoise;
};

namespace hyperconv {
namespace {

struct LastError {
  hyperconv_code code = HYPERCONV_OK;
  std::string line;
};
thread_local LastError last_error;

hyperconv_code code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_argument:
      return HYPERCONV_BAD_ARGUMENT;
    case ErrorCode::bad_file:
      return HYPERCONV_BAD_FILE;
    case ErrorCode::unsupported:
      return HYPERCONV_UNSUPPORTED;
    case ErrorCode::out_of_memory:
      return HYPERCONV_OUT_OF_MEMORY;
    case ErrorCode::cancelled:
      return HYPERCONV_CANCELLED;
    case ErrorCode::io:
      return HYPERCONV_IO;
  }
  return HYPERCONV_INTERNAL;
}

hyperconv_code failed(hyperconv_code code, const char* line) noexcept {
  last_error.code = code;
  try {
    last_error.line = line;
  } catch (const std::bad_alloc&) {
    last_error.line.clear();
  }
  return code;
}

/// Does the work; what it throws becomes a code and the last error.
template <class Work>
hyperconv_code guarded(const Work& work) noexcept {
  try {
    work();
    return HYPERCONV_OK;
  } catch (const Error& error) {
    return failed(code_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return failed(HYPERCONV_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(HYPERCONV_INTERNAL, error.what());
  } catch (...) {
    return failed(HYPERCONV_INTERNAL, "unknown exception");
  }
}

template <class Pointer>
void check_given(const Pointer* pointer, const char* name) {
  if (pointer == nullptr) fail("the argument '{}' is a null pointer", name);
}

Options options_of(const hyperconv_options* options) {
  if (options == nullptr) return {};
  Options found{.threads = options->threads};
  if (options->memory != 0) found.memory = options->memory;
  found.again = options->again != 0;
  return found;
}

std::filesystem::path model_of(const char* model) {
  return model == nullptr ? std::filesystem::path() : std::filesystem::path(model);
}

ImageView view_of(const hyperconv_image& image) {
  return {image.data,     image.width,  image.height,
          image.channels, image.stride, SampleType(image.type)};
}

ImageBuffer buffer_of(const hyperconv_buffer& buffer) {
  return {buffer.data,     buffer.width,  buffer.height,
          buffer.channels, buffer.stride, SampleType(buffer.type)};
}

MosaicView view_of(const hyperconv_mosaic& mosaic) {
  MosaicView view{.data = mosaic.data,
                  .width = mosaic.width,
                  .height = mosaic.height,
                  .stride = mosaic.stride,
                  .type = SampleType(mosaic.type),
                  .cfa = Cfa(mosaic.cfa),
                  .white = mosaic.white};
  if (mosaic.cfa == HYPERCONV_X_TRANS) {
    view.cfa = Cfa::rggb;
    view.x_trans = {mosaic.x_trans_row, mosaic.x_trans_column};
  }
  std::copy_n(mosaic.black, 4, view.black.begin());
  std::copy_n(mosaic.white_balance, 3, view.white_balance.begin());
  if (mosaic.has_matrix != 0) {
    Matrix3& matrix = view.xyz_to_camera.emplace();
    for (size_t i = 0; i < 9; ++i) matrix[i / 3][i % 3] = mosaic.xyz_to_camera[i];
  }
  if (mosaic.has_noise != 0) view.noise = {mosaic.noise_shot, mosaic.noise_read};
  return view;
}

hyperconv_mosaic mosaic_of(const MosaicView& view) {
  hyperconv_mosaic mosaic{};
  mosaic.data = view.data;
  mosaic.width = view.width;
  mosaic.height = view.height;
  mosaic.stride = view.stride;
  mosaic.type = int(view.type);
  mosaic.cfa = int(view.cfa);
  if (view.x_trans) {
    mosaic.cfa = HYPERCONV_X_TRANS;
    mosaic.x_trans_row = view.x_trans->row;
    mosaic.x_trans_column = view.x_trans->column;
  }
  mosaic.white = view.white;
  std::ranges::copy(view.black, mosaic.black);
  std::ranges::copy(view.white_balance, mosaic.white_balance);
  if (view.xyz_to_camera) {
    mosaic.has_matrix = 1;
    for (size_t i = 0; i < 9; ++i) mosaic.xyz_to_camera[i] = (*view.xyz_to_camera)[i / 3][i % 3];
  }
  if (view.noise) {
    mosaic.has_noise = 1;
    mosaic.noise_shot = view.noise->shot;
    mosaic.noise_read = view.noise->read;
  }
  return mosaic;
}

WantedBalance balance_of(const hyperconv_picture_options& options) {
  switch (options.balance) {
    case HYPERCONV_AS_SHOT:
      return AsShot{};
    case HYPERCONV_AUTOMATIC:
      return Automatic{};
    case HYPERCONV_LIGHT:
      return LightColour{options.kelvin, options.tint};
    case HYPERCONV_GREY_PLACE:
      return GreyPlace{options.grey_x, options.grey_y};
    default:
      fail("the balance is {}; there are as shot, automatic, light and grey place",
           options.balance);
  }
}

std::optional<WantedSize> size_of(const hyperconv_picture_options& options) {
  const bool longest = options.longest_side != 0, scaled = options.scale != 0,
             fits = options.fit_width != 0 || options.fit_height != 0;
  if (int(longest) + int(scaled) + int(fits) > 1)
    fail(
        "the size is wanted in several ways; one of longest_side, fit_width with fit_height, and "
        "scale can be other than 0");
  if (longest) return LongestSide{options.longest_side};
  if (scaled) return ShareOfSize{options.scale};
  if (fits) return WithinSize{options.fit_width, options.fit_height};
  return std::nullopt;
}

PictureOptions options_of(const hyperconv_picture_options& options) {
  PictureOptions found{.strength = {options.luma, options.colour},
                       .white_balance = balance_of(options),
                       .exposure = options.exposure,
                       .highlights = HighlightMode(options.highlights),
                       .colour_space = OutputSpace(options.colour_space),
                       .crop = options.camera_crop != 0 ? Crop::camera : Crop::active,
                       .size = size_of(options)};
  if (options.lens != nullptr) found.lens = options.lens;
  if (options.has_part != 0)
    found.part = {options.part_top, options.part_left, options.part_height, options.part_width};
  if (options.rotate != -1) found.rotate = options.rotate;
  return found;
}

FileOptions options_of(const hyperconv_file_options& options) {
  FileOptions found{.picture = options_of(options.picture),
                    .quality = options.quality,
                    .strip_metadata = options.strip_metadata != 0};
  if (options.depth != 0) found.depth = options.depth;
  return found;
}

ProgressCallback callback_of(hyperconv_progress progress, void* user) {
  if (progress == nullptr) return {};
  return [=](double done) { return progress(done, user) == 0; };
}

}  // namespace
}  // namespace hyperconv

using namespace hyperconv;

hyperconv_code hyperconv_last_error(void) { return last_error.code; }

const char* hyperconv_last_error_line(void) { return last_error.line.c_str(); }

const char* hyperconv_version(void) { return HYPERCONV_VERSION; }

hyperconv_code hyperconv_shipped_model(const char* task, char* path, size_t size) {
  return guarded([&] {
    check_given(task, "task");
    check_given(path, "path");
    const std::string found = shipped_model(task).string();
    if (found.size() >= size)
      fail("the path of the model takes {} bytes, there is room for {}", found.size() + 1, size);
    std::memcpy(path, found.c_str(), found.size() + 1);
  });
}

hyperconv_mosaic hyperconv_mosaic_defaults(void) { return mosaic_of(MosaicView()); }

hyperconv_picture_options hyperconv_picture_options_defaults(void) {
  const LightColour light;
  hyperconv_picture_options options{};
  options.luma = options.colour = 1;
  options.kelvin = light.kelvin;
  options.rotate = -1;
  return options;
}

hyperconv_file_options hyperconv_file_options_defaults(void) {
  hyperconv_file_options options{};
  options.picture = hyperconv_picture_options_defaults();
  options.quality = FileOptions().quality;
  return options;
}

hyperconv_code hyperconv_picture_size(const hyperconv_mosaic* mosaic,
                                      const hyperconv_picture_options* options, int* width,
                                      int* height) {
  return guarded([&] {
    check_given(mosaic, "mosaic");
    check_given(options, "options");
    check_given(width, "width");
    check_given(height, "height");
    const PictureSize size = Develop::picture_size(view_of(*mosaic), options_of(*options));
    *width = size.width;
    *height = size.height;
  });
}

hyperconv_code hyperconv_raw_picture_size(const hyperconv_raw* raw,
                                          const hyperconv_picture_options* options, int* width,
                                          int* height) {
  return guarded([&] {
    check_given(raw, "raw");
    check_given(options, "options");
    check_given(width, "width");
    check_given(height, "height");
    const PictureSize size = Develop::picture_size(raw->file, options_of(*options));
    *width = size.width;
    *height = size.height;
  });
}

hyperconv_code hyperconv_raw_read(const char* path, hyperconv_raw** raw) {
  return guarded([&] {
    check_given(path, "path");
    check_given(raw, "raw");
    *raw = new hyperconv_raw{RawFile(path)};
  });
}

void hyperconv_raw_destroy(hyperconv_raw* raw) { delete raw; }

hyperconv_code hyperconv_raw_mosaic(const hyperconv_raw* raw, hyperconv_mosaic* mosaic) {
  return guarded([&] {
    check_given(raw, "raw");
    check_given(mosaic, "mosaic");
    *mosaic = mosaic_of(raw->file.mosaic());
  });
}

int hyperconv_raw_orientation(const hyperconv_raw* raw) {
  return raw == nullptr ? 0 : raw->file.orientation();
}

hyperconv_code hyperconv_develop_create(const char* model, const hyperconv_options* options,
                                        hyperconv_develop** develop) {
  return guarded([&] {
    check_given(develop, "develop");
    *develop = new hyperconv_develop{Develop(model_of(model), options_of(options))};
  });
}

void hyperconv_develop_destroy(hyperconv_develop* develop) { delete develop; }

hyperconv_code hyperconv_develop_picture(hyperconv_develop* develop, const hyperconv_mosaic* mosaic,
                                         const hyperconv_buffer* out, hyperconv_progress progress,
                                         void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(mosaic, "mosaic");
    check_given(out, "out");
    develop->develop.picture(view_of(*mosaic), buffer_of(*out), callback_of(progress, user));
  });
}

hyperconv_code hyperconv_develop_wanted(hyperconv_develop* develop, const hyperconv_mosaic* mosaic,
                                        const hyperconv_picture_options* options,
                                        const hyperconv_buffer* out, hyperconv_progress progress,
                                        void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(mosaic, "mosaic");
    check_given(options, "options");
    check_given(out, "out");
    develop->develop.picture(view_of(*mosaic), buffer_of(*out), options_of(*options),
                             callback_of(progress, user));
  });
}

hyperconv_code hyperconv_develop_raw(hyperconv_develop* develop, const hyperconv_raw* raw,
                                     const hyperconv_picture_options* options,
                                     const hyperconv_buffer* out, hyperconv_progress progress,
                                     void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(raw, "raw");
    check_given(options, "options");
    check_given(out, "out");
    develop->develop.picture(raw->file, buffer_of(*out), options_of(*options),
                             callback_of(progress, user));
  });
}

hyperconv_code hyperconv_develop_camera_rgb(hyperconv_develop* develop,
                                            const hyperconv_mosaic* mosaic,
                                            const hyperconv_buffer* out,
                                            hyperconv_progress progress, void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(mosaic, "mosaic");
    check_given(out, "out");
    develop->develop.camera_rgb(view_of(*mosaic), buffer_of(*out), callback_of(progress, user));
  });
}

hyperconv_code hyperconv_develop_file(hyperconv_develop* develop, const char* in, const char* out,
                                      hyperconv_progress progress, void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(in, "in");
    check_given(out, "out");
    develop->develop.file(in, out, callback_of(progress, user));
  });
}

hyperconv_code hyperconv_develop_file_wanted(hyperconv_develop* develop, const char* in,
                                             const char* out, const hyperconv_file_options* options,
                                             hyperconv_progress progress, void* user) {
  return guarded([&] {
    check_given(develop, "develop");
    check_given(in, "in");
    check_given(out, "out");
    check_given(options, "options");
    develop->develop.file(in, out, options_of(*options), callback_of(progress, user));
  });
}

hyperconv_code hyperconv_denoise_create(const char* model, const hyperconv_options* options,
                                        hyperconv_denoise** denoise) {
  return guarded([&] {
    check_given(denoise, "denoise");
    *denoise = new hyperconv_denoise{Denoise(model_of(model), options_of(options))};
  });
}

void hyperconv_denoise_destroy(hyperconv_denoise* denoise) { delete denoise; }

hyperconv_code hyperconv_denoise_picture(hyperconv_denoise* denoise, const hyperconv_image* photo,
                                         const hyperconv_buffer* out, double luma, double colour,
                                         hyperconv_progress progress, void* user) {
  return guarded([&] {
    check_given(denoise, "denoise");
    check_given(photo, "photo");
    check_given(out, "out");
    denoise->denoise.picture(view_of(*photo), buffer_of(*out), {luma, colour},
                             callback_of(progress, user));
  });
}

hyperconv_code hyperconv_denoise_file(hyperconv_denoise* denoise, const char* in, const char* out,
                                      double luma, double colour, hyperconv_progress progress,
                                      void* user) {
  return guarded([&] {
    check_given(denoise, "denoise");
    check_given(in, "in");
    check_given(out, "out");
    denoise->denoise.file(in, out, {luma, colour}, callback_of(progress, user));
  });
}
