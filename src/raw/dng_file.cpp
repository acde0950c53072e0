// DNG 1.4 (Adobe, "Digital Negative Specification 1.4.0.0", 2012).
#include "raw/dng_file.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/threads.hpp"
#include "image/exif.hpp"
#include "image/exiv2_guard.hpp"
#include "image/jpeg.hpp"
#include "raw/colour.hpp"
#include "raw/dng_tags.hpp"
#include "raw/exif.hpp"
#include "raw/limits.hpp"
#include "raw/lossless_jpeg.hpp"
#include "raw/matrix3.hpp"

namespace hyperconv {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they are");

constexpr uint16_t tag_strip_offsets = 273;
constexpr uint16_t tag_tile_offsets = 324;
constexpr uint16_t tag_sub_directories = 330;
constexpr uint16_t tag_exif = 34665;
constexpr uint16_t tag_gps = 34853;
constexpr uint16_t tag_maker_notes = 37500;
constexpr uint16_t tag_image_history = 0x9213;
constexpr uint32_t header_size = 8;

constexpr uint16_t jpeg_compression = 7, no_compression = 1;
constexpr uint32_t the_photo = 0, smaller_copy = 1;  // NewSubfileType

/// Pixels of a tile, multiples of 16: what Adobe's programs write, but no wider than the photo, of
/// whose width dcraw and its heirs make the tile's.
struct TileSize {
  explicit TileSize(const DngLayout& layout)
      : width(std::clamp<int64_t>(layout.width / step * step, step, usual)),
        height(std::clamp<int64_t>((layout.height + step - 1) / step * step, step, usual)) {}
  static constexpr int64_t usual = 256, step = 16;
  int64_t width, height;
};

/// The samples as they are stored: what is compressed, in tiles.
struct StoredSamples {
  std::vector<std::vector<uint8_t>> tiles;  ///< none: one strip, uncompressed
  bool is_compressed() const { return !tiles.empty(); }
};

void add_picture(TiffDirectory& tags, uint32_t kind, int64_t width, int64_t height, int samples,
                 uint16_t bits, uint16_t compression, uint16_t photometric) {
  tags.longs(254, {kind});
  tags.longs(256, {uint32_t(width)});
  tags.longs(257, {uint32_t(height)});
  tags.shorts(258, std::vector<uint16_t>(size_t(samples), bits));
  tags.shorts(259, {compression});
  tags.shorts(262, {photometric});
  tags.shorts(277, {uint16_t(samples)});
  tags.shorts(284, {1});  // PlanarConfiguration
}

void add_strip(TiffDirectory& tags, int64_t rows, uint64_t bytes) {
  tags.longs(tag_strip_offsets, {0});
  tags.longs(278, {uint32_t(rows)});  // RowsPerStrip
  tags.longs(279, {uint32_t(bytes)});
}

void add_layout(TiffDirectory& tags, const DngLayout& layout, const StoredSamples& stored) {
  const bool compressed = stored.is_compressed();
  add_picture(tags, the_photo, layout.width, layout.height, layout.samples_per_pixel, 16,
              compressed ? jpeg_compression : no_compression, layout.photometric);
  if (!compressed) {
    add_strip(tags, layout.height, layout.bytes());
    return;
  }
  std::vector<uint32_t> sizes;
  for (const auto& tile : stored.tiles) sizes.push_back(uint32_t(tile.size()));
  const TileSize tile(layout);
  tags.longs(322, {uint32_t(tile.width)});
  tags.longs(323, {uint32_t(tile.height)});
  tags.longs(tag_tile_offsets, std::vector<uint32_t>(sizes.size()));
  tags.longs(325, sizes);
}

/// Where what add_layout() described lies, from `start` on.
void set_places(TiffDirectory& tags, const StoredSamples& stored, uint32_t start) {
  if (!stored.is_compressed()) {
    tags.replace_long(tag_strip_offsets, start);
    return;
  }
  std::vector<uint32_t> places;
  for (const auto& tile : stored.tiles) {
    places.push_back(start);
    start += uint32_t(tile.size());
  }
  tags.replace_longs(tag_tile_offsets, places);
}

/// What a raw converter is to do with the samples.
void add_rendering(TiffDirectory& tags, const Mosaic& facts) {
  if (facts.pixel_aspect != 1)  // DefaultScale
    tags.rationals(50718, std::array{std::max(facts.pixel_aspect, 1.0),
                                     std::max(1 / facts.pixel_aspect, 1.0)});
  const auto& list = facts.later_opcodes;
  if (!list.empty()) tags.verbatim(51022, 7, uint32_t(list.size()), list);
  if (facts.noise_reduction)  // NoiseReductionApplied: a raw converter need not add its own
    tags.rationals(50935, std::array{facts.noise_reduction->applied});
}

void add_camera(TiffDirectory& tags, const Shot& shot) {
  // Make and model come with EXIF, as the camera writes them.
  tags.ascii(305, software_name());
  const bool named_by_model = shot.make.empty() || shot.model.starts_with(shot.make);
  std::string name = named_by_model ? shot.model : shot.make + " " + shot.model;
  if (!tags.has(50708)) tags.ascii(50708, name.empty() ? no_camera : name);  // UniqueCameraModel
}

/// A DNG has to say something about colours. Where they are not known it says linear sRGB, which is
/// what we take them for.
void add_colours(TiffDirectory& tags, const Mosaic& facts) {
  std::array<double, 3> neutral{};
  for (size_t c = 0; c < 3; ++c) neutral[c] = 1 / facts.white_balance[c];
  tags.rationals(50728, neutral);
  if (tags.has(50721)) return;  // as the camera's own DNG has it
  const Matrix3 matrix = facts.xyz_to_camera.value_or(*inverse(xyz_from_srgb));
  std::array<double, 9> rows{};
  for (size_t i = 0; i < 9; ++i) rows[i] = matrix[i / 3][i % 3];
  tags.signed_rationals(50721, rows);  // ColorMatrix1
  tags.shorts(50778, {21});            // CalibrationIlluminant1: D65
}

/// The directories that EXIF is made of.
struct ExifDirectories {
  TiffDirectory exif, gps;
  uint32_t notes_at = 0, notes_size = 0;  ///< of the maker's notes in `exif`, if they are there
};

/// Adobe's way to keep a maker's notes in a DNG (DNGPrivateData): with the byte order that they are
/// in, and where they lay.
std::vector<uint8_t> adobe_maker_notes(const std::vector<uint8_t>& notes, Exiv2::ByteOrder order,
                                       uint32_t place) {
  const std::string_view start("Adobe\0MakN", 10);
  std::vector<uint8_t> data(start.begin(), start.end());
  const auto size = uint32_t(notes.size() + 6);
  for (int shift = 24; shift >= 0; shift -= 8) data.push_back(uint8_t(size >> shift));
  const char letter = order == Exiv2::bigEndian ? 'M' : 'I';
  data.insert(data.end(), {uint8_t(letter), uint8_t(letter)});
  for (int shift = 24; shift >= 0; shift -= 8) data.push_back(uint8_t(place >> shift));
  data.insert(data.end(), notes.begin(), notes.end());
  return data;
}

void add_datum(TiffDirectory& directory, const Exiv2::Exifdatum& datum) {
  constexpr int last_of_tiff = 13, undefined = 7;
  std::vector<uint8_t> value(size_t(datum.size()));
  datum.copy(value.data(), Exiv2::littleEndian);
  const bool is_tiffs = datum.typeId() >= 1 && datum.typeId() <= last_of_tiff;
  directory.verbatim(datum.tag(), uint16_t(is_tiffs ? int(datum.typeId()) : undefined),
                     uint32_t(is_tiffs ? datum.count() : long(value.size())), std::move(value));
}

/// A line more of what was done to the picture, in TIFF/EP's ImageHistory.
void add_history(TiffDirectory& main, const Exiv2::ExifData& data, const std::string& line) {
  if (line.empty()) return;
  const auto earlier = data.findKey(Exiv2::ExifKey("Exif.Image.ImageHistory"));
  const std::string before = earlier == data.end() ? "" : earlier->toString();
  main.ascii(tag_image_history, before.empty() ? line : before + "; " + line);
}

/// What pictures say of the shot, into the directories of a DNG; a sensor's picture has no colour
/// space.
ExifDirectories add_exif(TiffDirectory& main, const Mosaic& facts) {
  constexpr uint16_t orientation = 274, colour_space = 40961, private_data = 50740;
  constexpr uint16_t pointers[] = {34665, 34853, 40965};
  const auto lock = enter_exiv2();
  const auto [data, order] = exif_of_shot(facts);
  ExifDirectories directories;
  add_history(main, data, facts.history);
  const uint32_t notes_at = maker_notes_place(facts.exif);
  for (const auto& datum : data) {
    const std::string group = datum.groupName();
    if (std::ranges::find(pointers, datum.tag()) != std::end(pointers)) continue;
    if (group == "Image" && datum.tag() != orientation) add_datum(main, datum);
    if (group == "GPSInfo") add_datum(directories.gps, datum);
    if (group != "Photo" || datum.tag() == colour_space) continue;
    if (datum.tag() == tag_maker_notes) {
      std::vector<uint8_t> notes(size_t(datum.size()));
      datum.copy(notes.data(), order);
      if (!main.has(private_data))
        main.bytes(private_data, adobe_maker_notes(notes, order, notes_at));
      // Most makers' notes are in the byte order of the file around them.
      if (order != Exiv2::littleEndian) continue;
      if (notes.size() > 4) {
        directories.notes_at = notes_at;
        directories.notes_size = uint32_t(notes.size());
      }
    }
    add_datum(directories.exif, datum);
  }
  if (!directories.exif.empty())
    directories.exif.verbatim(36864, 7, 4, {'0', '2', '3', '0'});  // ExifVersion
  return directories;
}

void add_documents(TiffDirectory& main, const Mosaic& facts) {
  const auto bytes = [&main](uint16_t tag, uint16_t type, const std::vector<uint8_t>& value) {
    if (!value.empty()) main.verbatim(tag, type, uint32_t(value.size()), value);
  };
  bytes(700, 1, facts.xmp);
  bytes(33723, 7, facts.iptc);
}

/// One sample of a preview for each rectangle of the photo, the mean of its light.
Tensor reduced(const Tensor& light, int64_t width, int64_t height, Threads& threads) {
  const Shape& shape = light.shape();
  Tensor small({1, shape.c, height, width});
  threads.parallel_for(height, [&](int64_t y) {
    throw_if_interrupted();
    const int64_t top = y * shape.h / height,
                  bottom = std::max((y + 1) * shape.h / height, top + 1);
    for (int64_t c = 0; c < shape.c; ++c)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t left = x * shape.w / width;
        const int64_t right = std::max((x + 1) * shape.w / width, left + 1);
        double sum = 0;
        for (int64_t v = top; v < bottom; ++v)
          for (const float *at = light.row(0, c, v) + left, *end = at + (right - left); at != end;
               ++at)
            sum += double(std::min(*at, 1.f));
        small.row(0, c, y)[x] = float(sum / double((bottom - top) * (right - left)));
      }
  });
  return small;
}

/// With square pixels, no side longer than that.
Tensor reduced_to(const Tensor& light, double pixel_aspect, double longest, Threads& threads) {
  const double wide = double(light.shape().w) * std::min(pixel_aspect, 1.0);
  const double high = double(light.shape().h) * std::min(1 / pixel_aspect, 1.0);
  const double scale = std::min(1.0, longest / std::max(wide, high));
  const auto side = [scale](double length) {
    return std::max<int64_t>(std::lround(length * scale), 1);
  };
  return reduced(light, side(wide), side(high), threads);
}

Image rendered(const Tensor& light, const Mosaic& facts) {
  const double gain = std::exp2(facts.baseline_exposure);
  if (light.shape().c == 1) return to_u8(grey_picture(light, gain));
  Matrix3 matrix = facts.xyz_to_camera ? camera_to_srgb(*facts.xyz_to_camera) : identity3;
  for (auto& row : matrix)
    for (double& value : row) value *= gain;
  return to_u8(srgb_picture(light, matrix));
}

std::span<const uint8_t> samples_of(const Image& picture) {
  return std::get<std::vector<uint8_t>>(picture.samples);
}

/// Grey or RGB, uncompressed: what every program that knows TIFF can show.
void add_thumbnail(TiffDirectory& tags, const Image& picture) {
  constexpr uint16_t grey = 1, rgb = 2;
  add_picture(tags, smaller_copy, picture.width, picture.height, picture.channels, 8,
              no_compression, picture.channels == 1 ? grey : rgb);
  add_strip(tags, picture.height, picture.count());
}

TiffDirectory preview_tags(const DngPreviews& previews) {
  constexpr uint16_t grey = 1, ycbcr = 6, srgb = 2, centred = 1;
  TiffDirectory tags;
  add_picture(tags, smaller_copy, previews.width, previews.height, previews.channels, 8,
              jpeg_compression, previews.channels == 1 ? grey : ycbcr);
  add_strip(tags, previews.height, previews.jpeg.size());
  if (previews.channels > 1) {
    tags.shorts(530, {2, 2});  // YCbCrSubSampling
    tags.shorts(531, {centred});
    tags.rationals(532, std::array{0.0, 255.0, 128.0, 255.0, 128.0, 255.0});  // ReferenceBlackWhite
  }
  tags.ascii(50966, software_name());  // PreviewApplicationName
  tags.longs(50970, {srgb});           // PreviewColorSpace
  return tags;
}

/// Everything before the samples. Without previews all stands in one directory; with them the first
/// is the thumbnail's, which the photo's and the preview's hang below.
std::vector<uint8_t> header_of(const DngLayout& layout, const Mosaic& facts, TiffDirectory photo,
                               const std::optional<DngPreviews>& previews,
                               const StoredSamples& stored) {
  assert(layout.width > 0 && layout.height > 0);
  assert(layout.bytes() / 6 <= uint64_t(most_samples));  // offsets are 32 bits wide
  TiffDirectory first;
  TiffDirectory& main = previews ? first : photo;
  add_layout(photo, layout, stored);
  add_rendering(photo, facts);
  add_dng_tags(facts.dng_tags, layout.has_colours(), layout.width, layout.height, main, photo);
  main.shorts(274, {uint16_t(facts.orientation)});
  add_camera(main, facts.shot);
  if (facts.baseline_exposure != 0)
    main.signed_rationals(50730, std::array{facts.baseline_exposure});
  if (layout.has_colours()) add_colours(main, facts);
  main.bytes(50706, {1, 4, 0, 0});  // DNGVersion
  main.bytes(50707, {1, 1, 0, 0});  // DNGBackwardVersion: nothing here is newer
  ExifDirectories more = add_exif(main, facts);
  add_documents(main, facts);
  if (!more.exif.empty()) main.longs(tag_exif, {0});
  if (!more.gps.empty()) main.longs(tag_gps, {0});
  TiffDirectory preview;
  if (previews) {
    add_thumbnail(main, previews->thumbnail);
    preview = preview_tags(*previews);
    main.longs(tag_sub_directories, {0, 0});
  }

  TiffPlaces places(header_size, more.notes_at, more.notes_size);
  if (more.notes_size > 0) more.exif.keep_at(tag_maker_notes, more.notes_at);
  const uint32_t start = main.place(places);
  if (!more.exif.empty()) main.replace_long(tag_exif, more.exif.place(places));
  if (!more.gps.empty()) main.replace_long(tag_gps, more.gps.place(places));
  uint32_t thumbnail_at = 0, jpeg_at = 0;
  if (previews) {
    const uint32_t photo_at = photo.place(places), preview_at = preview.place(places);
    main.replace_longs(tag_sub_directories, {photo_at, preview_at});
    thumbnail_at = places.take(uint32_t(previews->thumbnail.count()));
    jpeg_at = places.take(uint32_t(previews->jpeg.size()));
    main.replace_long(tag_strip_offsets, thumbnail_at);
    preview.replace_long(tag_strip_offsets, jpeg_at);
  }
  const uint32_t samples_at = places.end() + places.end() % 2;
  set_places(photo, stored, samples_at);

  std::vector<uint8_t> out(samples_at);
  std::ranges::copy(std::array<uint8_t, 4>{'I', 'I', 42, 0}, out.begin());
  for (uint32_t i = 0; i < 4; ++i) out[4 + i] = uint8_t(start >> (8 * i));
  main.write_into(out);
  if (!more.exif.empty()) more.exif.write_into(out);
  if (!more.gps.empty()) more.gps.write_into(out);
  if (!previews) return out;
  photo.write_into(out);
  preview.write_into(out);
  std::ranges::copy(samples_of(previews->thumbnail), out.begin() + thumbnail_at);
  std::ranges::copy(previews->jpeg, out.begin() + jpeg_at);
  return out;
}

/// Rows of samples cut into tiles; the last row and column go on where a tile reaches beyond them.
class TileCutter {
 public:
  TileCutter(const DngLayout& layout, const DngRow& row)
      : layout_(layout), tile_(layout), row_(row) {}

  int64_t bands() const { return (layout_.height + tile_.height - 1) / tile_.height; }
  int64_t columns() const { return (layout_.width + tile_.width - 1) / tile_.width; }

  /// The tiles of one band of rows, from the left.
  void compress_band(int64_t band, std::vector<uint8_t>* tiles) const {
    const size_t row_size = size_t(layout_.width) * layout_.samples_per_pixel;
    std::vector<uint16_t> rows(row_size * size_t(tile_.height));
    for (int64_t y = 0; y < tile_.height; ++y) {
      uint16_t* to = rows.data() + size_t(y) * row_size;
      if (const int64_t of_photo = band * tile_.height + y; of_photo < layout_.height)
        row_(of_photo, to);
      else
        std::copy_n(to - row_size, row_size, to);
    }
    for (int64_t column = 0; column < columns(); ++column) {
      throw_if_interrupted();
      tiles[column] = compressed(rows, column);
    }
  }

 private:
  std::vector<uint8_t> compressed(const std::vector<uint16_t>& rows, int64_t column) const {
    const size_t each = layout_.samples_per_pixel;
    const size_t row_size = size_t(layout_.width) * each;
    const size_t left = size_t(column * tile_.width) * each;
    const size_t size = size_t(tile_.width) * each, seen = std::min(row_size - left, size);
    // A pixel, or two samples of a mosaic, goes on.
    const bool is_mosaic = layout_.photometric == photometric_cfa;
    const size_t back = std::min(is_mosaic ? 2 : each, seen);
    std::vector<uint16_t> tile;
    tile.reserve(size * size_t(tile_.height));
    for (size_t y = 0; y < size_t(tile_.height); ++y) {
      const auto start = rows.begin() + ptrdiff_t(y * row_size + left);
      tile.insert(tile.end(), start, start + ptrdiff_t(seen));
      for (size_t i = seen; i < size; ++i) tile.push_back(tile[tile.size() - back]);
    }
    // Two neighbours of a mosaic as two components: each is predicted by its own colour.
    const int width = int(tile_.width), height = int(tile_.height);
    return is_mosaic ? encode_lossless_jpeg(tile, width / 2, height, 2)
                     : encode_lossless_jpeg(tile, width, height, int(each));
  }

  const DngLayout& layout_;
  TileSize tile_;
  const DngRow& row_;
};

StoredSamples stored_samples(const DngLayout& layout, const DngRow& row,
                             const DngOptions& options) {
  StoredSamples stored;
  switch (options.compression) {
    case DngCompression::none:
      return stored;
    case DngCompression::lossless_jpeg:
      break;
  }
  const TileCutter cutter(layout, row);
  stored.tiles.resize(size_t(cutter.bands() * cutter.columns()));
  Threads(options.threads).parallel_for(cutter.bands(), [&](int64_t band) {
    cutter.compress_band(band, stored.tiles.data() + band * cutter.columns());
  });
  return stored;
}

}  // namespace

DngPreviews previews_of(const Tensor& light, const Mosaic& facts, int threads) {
  constexpr double longest = 2048, longest_of_thumbnail = 256;
  constexpr int quality = 85;  // below 90 chroma has half the size
  Threads pool(threads);
  const Tensor small = reduced_to(light, facts.pixel_aspect, longest, pool);
  const Image picture = rendered(small, facts);
  DngPreviews previews;
  previews.width = picture.width;
  previews.height = picture.height;
  previews.channels = picture.channels;
  previews.jpeg = encode_jpeg("the preview", picture, quality, threads);
  previews.thumbnail = rendered(reduced_to(small, 1, longest_of_thumbnail, pool), facts);
  return previews;
}

std::vector<uint8_t> dng_header(const DngLayout& layout, const Mosaic& facts, TiffDirectory tags) {
  return header_of(layout, facts, std::move(tags), std::nullopt, {});
}

void write_dng_file(const std::filesystem::path& path, const DngLayout& layout, const Mosaic& facts,
                    TiffDirectory tags, const std::optional<DngPreviews>& previews,
                    const DngRow& row, const DngOptions& options) {
  PendingFile file(path);
  const StoredSamples stored = stored_samples(layout, row, options);
  file.write(header_of(layout, facts, std::move(tags), previews, stored));
  for (const auto& tile : stored.tiles) {
    throw_if_interrupted();
    file.write(tile);
  }
  if (!stored.is_compressed()) {
    std::vector<uint16_t> samples(size_t(layout.width) * layout.samples_per_pixel);
    for (int64_t y = 0; y < layout.height; ++y) {
      throw_if_interrupted();
      row(y, samples.data());
      file.write({reinterpret_cast<const uint8_t*>(samples.data()), samples.size() * 2});
    }
  }
  throw_if_interrupted();
  file.commit();
}

}  // namespace hyperconv
