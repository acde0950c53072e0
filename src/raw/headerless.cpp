// Mosaics whose facts the user has to know: bare samples, and PNG.
#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "image/image.hpp"
#include "image/png.hpp"
#include "raw/decode.hpp"
#include "raw/limits.hpp"
#include "raw/mosaic.hpp"
#include "raw/white_balance.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

// ---- Sizes

/// Sizes that this number of samples could have, for a message: one side as given, or a common
/// shape.
std::string sizes_that_fit(int64_t samples, int width, int height) {
  std::vector<std::array<int64_t, 2>> sizes;
  const auto offer = [&](int64_t w) {
    if (w <= 0 || w > samples || samples % w != 0) return;
    const std::array<int64_t, 2> size = {w, samples / w};
    if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
  };
  offer(width);
  if (height > 0 && samples % height == 0) offer(samples / height);
  for (const double shape : {4.0 / 3, 3.0 / 2, 16.0 / 9, 1.0})
    offer(std::llround(std::sqrt(double(samples) * shape)));
  std::string text;
  for (const auto& [w, h] : sizes) text += fmt::format("{}{}x{}", text.empty() ? "" : ", ", w, h);
  return text;
}

void check_size(const std::string& name, uint64_t bytes, const MosaicFormat& format) {
  if (format.width <= 0 || format.height <= 0)
    fail("{}: is read as bare samples, so its width and height must be given", name);
  const int64_t wanted = int64_t(format.width) * format.height;
  if (wanted > most_samples)
    fail("{}: {}x{} are more than {} samples", name, format.width, format.height, most_samples);
  if (bytes == uint64_t(wanted) * 2) return;
  const std::string fitting =
      bytes % 2 == 0 ? sizes_that_fit(int64_t(bytes / 2), format.width, format.height) : "";
  fail("{}: has {} bytes, but {}x{} samples of 2 bytes take {}{}", name, bytes, format.width,
       format.height, wanted * 2, fitting.empty() ? "" : "; these sizes would fit: " + fitting);
}

// ---- Levels

double white_of(const std::string& name, const MosaicFormat& format) {
  if (format.bits < 1 || format.bits > 16)
    fail("{}: {} bits a sample cannot be; 1 to 16 can", name, format.bits);
  const double white = format.white.value_or(double((1 << format.bits) - 1));
  if (!(format.black >= 0) || !(white > format.black) || !(white <= 65535))
    fail("{}: black level {} and white level {} cannot be; 0 <= black < white <= 65535 can", name,
         format.black, white);
  return white;
}

/// Resampling leaves a few samples above white (the Nokia N900 mosaic that Halide ships has three);
/// more than this share of them means that the depth is wrong.
constexpr double stray_share = 1e-3;

/// `otherwise`: what else the file may be, for a message.
void check_depth(const std::string& name, Mosaic& mosaic, int bits, const char* otherwise) {
  const double limit = std::max(double((1 << bits) - 1), mosaic.white);
  const auto& samples = mosaic.samples;
  const auto above =
      std::count_if(samples.begin(), samples.end(), [limit](uint16_t s) { return s > limit; });
  if (above == 0) return;
  const auto brightest = std::max_element(samples.begin(), samples.end());
  const auto place = std::distance(samples.begin(), brightest);
  int enough = bits;
  while ((1 << enough) <= *brightest) ++enough;
  const std::string finding =
      fmt::format("sample {} at row {}, column {} is above {}, the most that {} bits hold",
                  *brightest, place / mosaic.width, place % mosaic.width, limit, bits);
  if (double(above) > stray_share * double(samples.size()))
    fail("{}: {}, as are {} others; it has {} bits or more (--bits {}){}", name, finding, above - 1,
         enough, enough, otherwise);
  mosaic.warnings.push_back(
      fmt::format("{}, as are {} others; they are taken for saturated", finding, above - 1));
}

// ---- White balance

bool is_given(const std::array<double, 3>& white_balance) {
  return white_balance != std::array<double, 3>{0, 0, 0};
}

void set_white_balance(const std::string& name, const MosaicFormat& format, Mosaic& mosaic) {
  const auto& given = format.white_balance;
  if (!is_given(given)) {
    take_grey_world(mosaic);
    return;
  }
  for (size_t c = 0; c < 3; ++c) {
    if (!(given[c] > 0) || !std::isfinite(given[c]))
      fail("{}: white balance {} {} {} cannot be; three numbers above 0 can", name, given[0],
           given[1], given[2]);
    mosaic.white_balance[c] = given[c] / given[1];
  }
}

Mosaic mosaic_of(const std::string& name, int width, int height, std::vector<uint16_t> samples,
                 const MosaicFormat& format, const char* otherwise = "") {
  Mosaic mosaic;
  mosaic.width = width;
  mosaic.height = height;
  mosaic.samples = std::move(samples);
  mosaic.cfa = format.cfa;
  mosaic.black.fill(format.black);
  mosaic.white = white_of(name, format);
  check_depth(name, mosaic, format.bits, otherwise);
  set_white_balance(name, format, mosaic);
  mosaic.warnings.push_back("no colour matrix; the camera's colours are taken for linear sRGB");
  return mosaic;
}

/// A grey JPEG or TIFF would be read as well, but its samples are no sensor's; nor are those of
/// less than 8 bits once they are spread over 8.
void check_png(const std::string& name, const std::vector<uint8_t>& bytes) {
  constexpr size_t depth_place = 24;  // in the header, which comes first
  if (!is_png(bytes)) fail("{}: is no PNG; a mosaic as a one-channel PNG is wanted", name);
  if (bytes.size() > depth_place && int(bytes[depth_place]) < 8)
    fail("{}: has {} bits a sample; a mosaic has 8 or 16", name, int(bytes[depth_place]));
}

}  // namespace

Mosaic decode_headerless(const std::string& name, const std::vector<uint8_t>& bytes,
                         const MosaicFormat& format) {
  if (bytes.empty()) fail("{}: is empty", name);
  check_size(name, bytes.size(), format);
  std::vector<uint16_t> samples(bytes.size() / 2);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = uint16_t(bytes[2 * i] | bytes[2 * i + 1] << 8);
  return mosaic_of(name, format.width, format.height, std::move(samples), format);
}

Mosaic read_headerless(const fs::path& path, const MosaicFormat& format) {
  return decode_headerless(path.string(), read_file(path, uint64_t(most_samples) * 2), format);
}

Mosaic mosaic_of_png(const std::string& name, const std::vector<uint8_t>& bytes, Image image,
                     const MosaicFormat& format) {
  check_png(name, bytes);
  if (image.channels != 1) fail("{}: has {} channels; a mosaic has one", name, image.channels);
  constexpr const char* otherwise = ", or is a photo (--task denoise)";
  if (auto* deep = std::get_if<std::vector<uint16_t>>(&image.samples))
    return mosaic_of(name, image.width, image.height, std::move(*deep), format, otherwise);
  if (const auto* flat = std::get_if<std::vector<uint8_t>>(&image.samples)) {
    Mosaic mosaic =
        mosaic_of(name, image.width, image.height, {flat->begin(), flat->end()}, format, otherwise);
    if (mosaic.white > 255)
      mosaic.warnings.push_back(fmt::format(
          "has 8 bits a sample, which are taken for values up to {}; --bits 8 takes 255 for white",
          mosaic.white));
    return mosaic;
  }
  fail("{}: has floating-point samples; a mosaic has 8 or 16 bits", name);
}

Mosaic read_mosaic_png(const fs::path& path, const MosaicFormat& format) {
  const std::string name = path.string();
  const std::vector<uint8_t> bytes = read_file(path);
  check_png(name, bytes);
  return mosaic_of_png(name, bytes, decode_png(name, bytes), format);
}

}  // namespace hyperconv
