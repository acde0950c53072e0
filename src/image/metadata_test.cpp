// What travels beside the samples: colours, resolution, EXIF, XMP, IPTC and texts, from every
// format into every other; and JPEGs that are odd and whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lcms2.h>
#include <png.h>
#include <tiffio.h>

#include <cmath>
#include <exiv2/exiv2.hpp>
#include <functional>

#include "base/file.hpp"
#include "base/testing.hpp"
#include "hyperconv/error.hpp"
#include "image/exif.hpp"
#include "image/icc.hpp"
#include "image/image.hpp"
#include "image/tiff_view.hpp"
#include "image/tiff_writer.hpp"
#include "image/xmp.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::array<const char*, 3> every_format = {"o.jpg", "o.png", "o.tif"};

Image grey_wedge(int channels = 3) {
  Image image{16, 12, channels, {}, {}};
  std::vector<uint8_t> samples(image.count());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = uint8_t(i);
  image.samples = std::move(samples);
  return image;
}

std::string text_of(const Exiv2::ExifData& data, const std::string& key) {
  const auto found = data.findKey(Exiv2::ExifKey(key));
  return found == data.end() ? "none" : found->toString();
}

/// A file's metadata, read without us.
std::unique_ptr<Exiv2::Image> seen_by_exiv2(const fs::path& path) {
  auto file = Exiv2::ImageFactory::open(path.string());
  file->readMetadata();
  return std::unique_ptr<Exiv2::Image>(file.release());
}

std::vector<uint8_t> encoded(const Exiv2::ExifData& data, Exiv2::ByteOrder order) {
  Exiv2::Blob blob;
  Exiv2::ExifParser::encode(blob, order, data);
  return blob;
}

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// How often a chunk or a signature occurs in a file.
int count_of(const fs::path& path, std::string_view what) {
  const auto bytes = read_file(path);
  int count = 0;
  for (auto at = bytes.begin();; ++at, ++count) {
    at = std::search(at, bytes.end(), what.begin(), what.end(),
                     [](uint8_t a, char b) { return a == uint8_t(b); });
    if (at == bytes.end()) return count;
  }
}

/// Through a profile: the light of a grey, and how red a pure red is (XYZ's X over Y, at D50).
struct Colours {
  double light = 0, red_x = 0;
};
Colours colours_of(const std::vector<uint8_t>& icc, uint8_t grey) {
  cmsHPROFILE profile = cmsOpenProfileFromMem(icc.data(), cmsUInt32Number(icc.size()));
  cmsHPROFILE xyz = cmsCreateXYZProfile();
  cmsHTRANSFORM transform = cmsCreateTransform(profile, TYPE_RGB_8, xyz, TYPE_XYZ_DBL,
                                               INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE);
  const uint8_t pixels[6] = {grey, grey, grey, 255, 0, 0};
  cmsCIEXYZ result[2];
  cmsDoTransform(transform, pixels, result, 2);
  cmsDeleteTransform(transform);
  cmsCloseProfile(xyz);
  cmsCloseProfile(profile);
  return {result[0].Y, result[1].X / result[1].Y};
}

class Metadata : public testing::Test {
 protected:
  Image round_trip(const std::string& name, const Image& image) const {
    write_image(folder_ / name, image);
    return read_image(folder_ / name);
  }

  /// A PNG with chunks that `set` asks libpng for.
  fs::path png(const std::function<void(png_structp, png_infop)>& set,
               int colour = PNG_COLOR_TYPE_RGB) const {
    const fs::path path = folder_ / "in.png";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, 2, 1, 8, colour, 0, 0, 0);
    set(png, info);
    png_write_info(png, info);
    std::vector<uint8_t> row = {10, 20, 30, 40, 50, 60};
    png_write_row(png, row.data());
    png_write_end(png, nullptr);
    png_destroy_write_struct(&png, &info);
    std::fclose(file);
    return path;
  }

  fs::path png_with_codes(std::array<uint8_t, 4> codes) const {
    return png([&](png_structp png, png_infop info) {
      png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, nullptr, 0);
      png_unknown_chunk chunk{};
      std::memcpy(chunk.name, "cICP", 5);
      chunk.data = codes.data();
      chunk.size = 4;
      chunk.location = PNG_HAVE_IHDR;
      png_set_unknown_chunks(png, info, &chunk, 1);
    });
  }

  std::string refusal(const fs::path& path) const {
    return error_of([&] { read_image(path); });
  }

  /// A case of ../shared/data; the test skips where it is missing.
  static std::optional<fs::path> shared_case(const std::string& name) {
    const auto data = shared_data();
    if (!data || !fs::exists(*data / "cases" / name)) return std::nullopt;
    return *data / "cases" / name;
  }

  TemporaryFolder folder_;
};

// ---- Colours

/// libpng refuses each of these: a length, an intent and a white that cannot be.
TEST_F(Metadata, PngTakesEveryProfileThatOthersTake) {
  const std::vector<uint8_t> sound = srgb_profile(3);
  auto length = sound, intent = sound, white = sound;
  length[3] = uint8_t(length[3] + 8);
  intent[64] = 0xff;
  white[68] = 1;
  for (const auto& profile : {sound, length, intent, white}) {
    Image image = grey_wedge();
    image.metadata.icc = profile;
    const Image back = round_trip("o.png", image);
    ASSERT_FALSE(back.metadata.icc.empty());
    EXPECT_NEAR(colours_of(back.metadata.icc, 119).light, 0.1845, 1e-3);
    EXPECT_EQ(round_trip("o.jpg", image).metadata.icc, profile) << "JPEG carries it as it is";
  }
}

TEST_F(Metadata, FaultyCopiesOfSrgbsProfileAreWritten) {
  const auto photo = shared_case("hp-srgb_exif-with-interop-subdir-R98.jpg");
  if (!photo) GTEST_SKIP() << "hp-srgb_exif-with-interop-subdir-R98.jpg is not in the shared data";
  const Image image = read_image(*photo);
  ASSERT_GT(image.metadata.icc.size(), 3000u) << "the case has lost its profile";
  for (const char* name : every_format) {
    const Image back = round_trip(name, image);
    EXPECT_EQ(back.metadata.icc, image.metadata.icc) << name;
  }
}

std::vector<uint8_t> option_file_exif(const char* index, uint16_t space) {
  Exiv2::ExifData data;
  data["Exif.Photo.ColorSpace"] = space;
  data["Exif.Iop.InteroperabilityIndex"] = index;
  return encoded(data, Exiv2::littleEndian);
}

/// A JPEG with this EXIF and no profile.
fs::path jpeg_without_profile(const TemporaryFolder& folder, std::vector<uint8_t> exif) {
  Image image = grey_wedge();
  image.metadata.exif = std::move(exif);
  const fs::path path = folder / "in.jpg";
  write_image(path, image);
  auto bytes = read_file(path);
  // Under another signature the profile is nobody's.
  const std::string_view signature = "ICC_PROFILE";
  const auto at = std::search(bytes.begin(), bytes.end(), signature.begin(), signature.end());
  EXPECT_NE(at, bytes.end());
  *at = 'X';
  write_file(path, bytes);
  return path;
}

TEST_F(Metadata, DcfOptionFilesAreAdobeRgb) {
  const Image adobe = read_image(jpeg_without_profile(folder_, option_file_exif("R03", 65535)));
  ASSERT_FALSE(adobe.metadata.icc.empty());
  // Adobe RGB: gamma 2.2, and a red of the same x/y as sRGB's in the wider gamut's own XYZ.
  EXPECT_NEAR(colours_of(adobe.metadata.icc, 128).light, std::pow(128 / 255.0, 2.19921875), 1e-3);
  EXPECT_NEAR(colours_of(adobe.metadata.icc, 0).red_x, 0.60974 / 0.31111, 2e-3);
  for (const char* name : every_format)
    EXPECT_EQ(round_trip(name, adobe).metadata.icc, adobe.metadata.icc) << name;
  for (const auto& exif : {option_file_exif("R98", 1), option_file_exif("R03", 1)})
    EXPECT_THAT(read_image(jpeg_without_profile(folder_, exif)).metadata.icc, IsEmpty());
}

TEST_F(Metadata, ACamerasOptionFileIsAdobeRgb) {
  const auto photo = shared_case("adobergb_NikonD70.jpg");
  if (!photo) GTEST_SKIP() << "adobergb_NikonD70.jpg is not in the shared data";
  EXPECT_NEAR(colours_of(read_image(*photo).metadata.icc, 0).red_x, 0.60974 / 0.31111, 2e-3);
}

TEST_F(Metadata, PngsGammaAndPrimariesAreCarried) {
  const auto read = [&](double gamma, bool wide) {
    return read_image(png([&](png_structp png, png_infop info) {
             png_set_gAMA(png, info, gamma);
             if (wide)
               png_set_cHRM(png, info, 0.3127, 0.329, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046);
           }))
        .metadata.icc;
  };
  EXPECT_NEAR(colours_of(read(1, false), 128).light, 128 / 255.0, 1e-3);
  EXPECT_NEAR(colours_of(read(1 / 1.8, false), 128).light, std::pow(128 / 255.0, 1.8), 1e-3);
  EXPECT_THAT(read(0.45455, false), IsEmpty()) << "what programs write for sRGB";
  EXPECT_NEAR(colours_of(read(0.45455, true), 0).red_x, 0.67348 / 0.27904, 5e-3) << "BT.2020";
}

TEST_F(Metadata, PngOfLinearLight) {
  const auto photo = shared_case("13_gama1.png");
  if (!photo) GTEST_SKIP() << "13_gama1.png is not in the shared data";
  const Image image = read_image(*photo);
  ASSERT_FALSE(image.metadata.icc.empty());
  for (const char* name : every_format)
    EXPECT_NEAR(colours_of(round_trip(name, image).metadata.icc, 128).light, 128 / 255.0, 1e-3);
}

TEST_F(Metadata, PngsCodesOfColours) {
  EXPECT_THAT(read_image(png_with_codes({1, 13, 0, 1})).metadata.icc, IsEmpty());
  const auto p3 = read_image(png_with_codes({12, 13, 0, 1})).metadata.icc;
  EXPECT_NEAR(colours_of(p3, 119).light, 0.1845, 1e-3);
  EXPECT_NEAR(colours_of(p3, 0).red_x, 0.51512 / 0.24120, 5e-3) << "Display P3 at D50";
  EXPECT_NEAR(colours_of(read_image(png_with_codes({1, 8, 0, 1})).metadata.icc, 128).light,
              128 / 255.0, 1e-3);
  EXPECT_THAT(refusal(png_with_codes({9, 16, 0, 1})), HasSubstr("PQ"));
  EXPECT_THAT(refusal(png_with_codes({9, 18, 0, 1})), HasSubstr("HLG"));
  EXPECT_THAT(refusal(png_with_codes({1, 13, 1, 0})), HasSubstr("full range"));
  EXPECT_THAT(refusal(png_with_codes({77, 13, 0, 1})), HasSubstr("primaries 77"));
  EXPECT_THAT(refusal(png_with_codes({1, 77, 0, 1})), HasSubstr("transfer 77"));
}

/// A grey TIFF of 2x1 pixels, or a colour one, with tags of the caller's.
template <class Set>
fs::path tiff(const fs::path& path, const Set& set, int channels = 3) {
  TIFF* file = TIFFOpen(path.c_str(), "w");
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 2);
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, 1);
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, channels);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, channels == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
  set(file);
  std::array<uint8_t, 6> row = {1, 2, 3, 4, 5, 6};
  TIFFWriteScanline(file, row.data(), 0, 0);
  TIFFClose(file);
  return path;
}

TEST_F(Metadata, TiffsPrimariesAreCarried) {
  const auto icc = read_image(tiff(folder_ / "in.tif", [](TIFF* file) {
                     const float white[2] = {0.3127f, 0.329f};
                     const float adobe[6] = {0.64f, 0.33f, 0.21f, 0.71f, 0.15f, 0.06f};
                     TIFFSetField(file, TIFFTAG_WHITEPOINT, white);
                     TIFFSetField(file, TIFFTAG_PRIMARYCHROMATICITIES, adobe);
                   })).metadata.icc;
  EXPECT_NEAR(colours_of(icc, 0).red_x, 0.60974 / 0.31111, 2e-3);
}

// ---- Resolution

TEST_F(Metadata, ResolutionTravelsThroughAllFormats) {
  for (const Resolution& wanted : {Resolution{300, 150, Resolution::Unit::inch},
                                   Resolution{118, 118, Resolution::Unit::centimetre}})
    for (const bool with_exif : {false, true})
      for (const char* first : every_format)
        for (const char* second : every_format) {
          Image image = grey_wedge();
          image.metadata.resolution = wanted;
          if (with_exif) image.metadata.exif = option_file_exif("R98", 1);
          const Image back = round_trip(second, round_trip(first, image));
          ASSERT_TRUE(back.metadata.resolution) << first << second;
          const double to_inches =
              back.metadata.resolution->unit == Resolution::Unit::inch ? 1 : 2.54;
          const double scale = wanted.unit == Resolution::Unit::inch ? 1 : 2.54;
          // PNG counts whole pixels a metre, JFIF whole ones an inch or a centimetre.
          EXPECT_NEAR(back.metadata.resolution->x * to_inches, wanted.x * scale, 1.3);
          EXPECT_NEAR(back.metadata.resolution->y * to_inches, wanted.y * scale, 1.3);
        }
}

TEST_F(Metadata, ATurnedPictureHasItsResolutionTurned) {
  Image image = grey_wedge();
  image.metadata.resolution = Resolution{300, 150, Resolution::Unit::inch};
  image.metadata.orientation = 6;
  EXPECT_EQ(upright(image).metadata.resolution, (Resolution{150, 300, Resolution::Unit::inch}));
}

TEST_F(Metadata, TiffWithResolution) {
  const auto photo = shared_case("14_exifdpi.tif");
  if (!photo) GTEST_SKIP() << "14_exifdpi.tif is not in the shared data";
  const Image image = read_image(*photo);
  ASSERT_TRUE(image.metadata.resolution);
  EXPECT_GT(image.metadata.resolution->x, 72);
  for (const char* name : every_format)
    EXPECT_NEAR(round_trip(name, image).metadata.resolution->x, image.metadata.resolution->x, 300)
        << name;
}

// ---- EXIF, XMP, IPTC, texts

TEST_F(Metadata, PngHasOneExifBeforeItsSamples) {
  Image image = grey_wedge();
  image.metadata.exif = option_file_exif("R98", 1);
  write_image(folder_ / "o.png", image);
  EXPECT_EQ(count_of(folder_ / "o.png", "eXIf"), 1);
  const auto bytes = read_file(folder_ / "o.png");
  const auto place = [&](std::string_view what) {
    return std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
  };
  EXPECT_LT(place("eXIf"), place("IDAT"));
}

constexpr std::string_view packet =
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
    "xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:City='Bern' "
    "xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' crs:Exposure2012='+2.00' "
    "xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/></rdf:RDF></x:xmpmeta>";

Exiv2::IptcData caption() {
  Exiv2::IptcData data;
  data["Iptc.Application2.Caption"] = "A day at the lake";
  data["Iptc.Application2.Byline"] = "Anna Example";
  return data;
}

TEST_F(Metadata, XmpAndIptcTravelThroughAllFormats) {
  Image image = grey_wedge();
  image.metadata.xmp = bytes_of(packet);
  const Exiv2::DataBuf iptc = Exiv2::IptcParser::encode(caption());
  image.metadata.iptc.assign(iptc.pData_, iptc.pData_ + iptc.size_);
  for (const char* first : every_format)
    for (const char* second : every_format) {
      const Image once = round_trip(first, image);
      write_image(folder_ / second, once);
      const auto file = seen_by_exiv2(folder_ / second);
      EXPECT_EQ(file->xmpData()["Xmp.photoshop.City"].toString(), "Bern") << first << second;
      EXPECT_EQ(file->iptcData()["Iptc.Application2.Caption"].toString(), "A day at the lake");
      EXPECT_EQ(file->iptcData()["Iptc.Application2.Byline"].toString(), "Anna Example");
      // The samples are upright, and the packet must not say otherwise.
      EXPECT_EQ(file->xmpData()["Xmp.tiff.Orientation"].toString(), "1");
    }
}

TEST_F(Metadata, PhotoWithXmpAndIptc) {
  const auto photo = shared_case("03_xmp_iptc.jpg");
  if (!photo) GTEST_SKIP() << "03_xmp_iptc.jpg is not in the shared data";
  const auto before = seen_by_exiv2(*photo);
  ASSERT_GT(before->xmpData().count(), 0);
  ASSERT_GT(before->iptcData().count(), 0);
  for (const char* name : every_format) {
    write_image(folder_ / name, read_image(*photo));
    const auto after = seen_by_exiv2(folder_ / name);
    for (const auto& datum : before->iptcData())
      EXPECT_EQ(after->iptcData()[datum.key()].toString(), datum.toString()) << name;
    EXPECT_EQ(after->xmpData().count(), before->xmpData().count()) << name;
  }
}

TEST_F(Metadata, ARawConvertersSettingsStayBehind) {
  const auto rest = xmp_without_settings(bytes_of(packet));
  const std::string text(rest.begin(), rest.end());
  EXPECT_EQ(text.find("Exposure2012"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("Bern"));
}

/// exiv2 would read these notes and write them anew, at other offsets within them.
TEST_F(Metadata, MakersNotesAreTheSameBytes) {
  std::vector<uint8_t> notes = bytes_of("OLYMPUS");
  notes.insert(notes.end(), {0, 'I', 'I', 3, 0, 1, 0, 0, 2, 4, 0, 1, 0, 0, 0, 1, 2, 3, 4});
  notes.resize(900, 0xa5);
  Exiv2::ExifData data;
  data["Exif.Image.Make"] = "OLYMPUS IMAGING CORP.";
  Exiv2::DataValue value(notes.data(), long(notes.size()));
  data.add(Exiv2::ExifKey("Exif.Photo.MakerNote"), &value);
  Image image = grey_wedge();
  image.metadata.exif = encoded(data, Exiv2::littleEndian);
  const std::string_view bytes(reinterpret_cast<const char*>(notes.data()), notes.size());
  for (const char* name : every_format) {
    round_trip(name, round_trip(name, image));
    EXPECT_EQ(count_of(folder_ / name, bytes), 1) << name;
  }
}

TEST_F(Metadata, ACamerasMakersNotesAreTheSameBytes) {
  const auto photo = shared_case("adobergb_NikonD70.jpg");
  if (!photo) GTEST_SKIP() << "adobergb_NikonD70.jpg is not in the shared data";
  const auto bytes_in = [](const fs::path& path) {
    const auto file = seen_by_exiv2(path);
    const auto datum = file->exifData().findKey(Exiv2::ExifKey("Exif.Photo.MakerNote"));
    std::vector<uint8_t> bytes(datum == file->exifData().end() ? 0 : size_t(datum->size()));
    if (!bytes.empty()) datum->copy(bytes.data(), file->byteOrder());
    return bytes;
  };
  ASSERT_GT(bytes_in(*photo).size(), 1000u);
  for (const char* name : every_format) {
    write_image(folder_ / name, read_image(*photo));
    EXPECT_EQ(bytes_in(folder_ / name), bytes_in(*photo)) << name;
  }
}

/// Many makers' notes count from the start of the block around them.
TEST_F(Metadata, MakersNotesStayAtTheirPlace) {
  const std::vector<uint8_t> notes(700, 0xa7);
  for (const auto order : {Exiv2::littleEndian, Exiv2::bigEndian}) {
    Exiv2::ExifData data;
    data["Exif.Image.Make"] = "Anybody";
    data["Exif.Photo.ExposureTime"] = Exiv2::URational(1, 250);
    Exiv2::DataValue value(notes.data(), long(notes.size()));
    data.add(Exiv2::ExifKey("Exif.Photo.MakerNote"), &value);
    data["Exif.GPSInfo.GPSLatitudeRef"] = "N";
    data["Exif.Iop.InteroperabilityIndex"] = "R98";
    Image image = grey_wedge();
    image.metadata.exif = encoded(data, order);
    const uint32_t place = maker_notes_place(image.metadata.exif);
    ASSERT_GT(place, 0u);
    // With these the directory before the notes is longer than it was.
    image.metadata.texts = {{"Author", std::string(2000, 'a')}, {"Copyright", "Anna"}};
    image.metadata.resolution = Resolution{300, 300, Resolution::Unit::inch};
    for (const char* first : every_format)
      for (const char* second : every_format) {
        round_trip(second, round_trip(first, image));
        const auto file = seen_by_exiv2(folder_ / second);
        const auto& seen = file->exifData();
        EXPECT_EQ(text_of(seen, "Exif.Image.Make"), "Anybody") << first << second;
        EXPECT_EQ(text_of(seen, "Exif.Photo.ExposureTime"), "1/250");
        EXPECT_EQ(text_of(seen, "Exif.GPSInfo.GPSLatitudeRef"), "N");
        EXPECT_EQ(text_of(seen, "Exif.Iop.InteroperabilityIndex"), "R98");
        EXPECT_EQ(text_of(seen, "Exif.Image.Copyright"), "Anna");
        const auto bytes = read_file(folder_ / second);
        const bool is_tiff = std::string_view(second) == "o.tif";
        const auto block = is_tiff ? bytes : read_image(folder_ / second).metadata.exif;
        ASSERT_EQ(maker_notes_place(block), place) << first << second;
        EXPECT_TRUE(std::equal(notes.begin(), notes.end(), block.begin() + place));
        EXPECT_EQ(block[0], order == Exiv2::bigEndian ? 'M' : 'I') << first << second;
      }
  }
}

/// EXIF 3.0 has texts in UTF-8, of a type of their own.
TEST_F(Metadata, TextsOfExif3AreKept) {
  constexpr uint16_t description = 0x010e, utf8 = 129;
  const auto text = bytes_of("Zoë am See");
  TiffDirectory main;
  main.verbatim(description, utf8, uint32_t(text.size()), text);
  Image image = grey_wedge();
  image.metadata.exif = {'I', 'I', 42, 0, 8, 0, 0, 0};
  main.append_to(image.metadata.exif);
  for (const char* first : every_format)
    for (const char* second : every_format) {
      const Image back = round_trip(second, round_trip(first, image));
      const TiffView view(back.metadata.exif);
      ASSERT_FALSE(view.directories().empty()) << first << second;
      ASSERT_TRUE(view.directories()[0].contains(description)) << first << second;
      const auto& entry = view.directories()[0].at(description);
      EXPECT_EQ(entry.type, utf8) << first << second;
      EXPECT_EQ(std::vector<uint8_t>(entry.value.begin(), entry.value.end()), text);
    }
}

TEST_F(Metadata, NotesTooLongForAJpegStayInTheOthers) {
  const std::vector<uint8_t> notes(70000, 0xa7);
  Exiv2::ExifData data;
  data["Exif.Image.Make"] = "Anybody";
  Image image = grey_wedge();
  image.metadata.exif = encoded(data, Exiv2::littleEndian);
  Exiv2::DataValue value(notes.data(), long(notes.size()));
  data.add(Exiv2::ExifKey("Exif.Photo.MakerNote"), &value);
  {
    const auto lock = enter_exiv2();
    image.metadata.exif = photo_exif(data, Exiv2::littleEndian, 0);
  }
  for (const char* name : {"o.png", "o.tif"}) {
    const Image back = round_trip(name, image);
    EXPECT_GT(back.metadata.exif.size(), notes.size()) << name;
    EXPECT_THAT(back.metadata.notes, ElementsAre(HasSubstr("longer than a JPEG holds"))) << name;
  }
  const Image jpeg = round_trip("o.jpg", image);
  EXPECT_LT(jpeg.metadata.exif.size(), 1000u);
  EXPECT_EQ(text_of(seen_by_exiv2(folder_ / "o.jpg")->exifData(), "Exif.Image.Make"), "Anybody");
}

/// Its letters stand where they stood: nobody writes them anew.
TEST_F(Metadata, XmpAndIptcAreTheSameBytes) {
  Image image = grey_wedge();
  image.metadata.xmp = bytes_of(
      "<?xpacket begin='' id='W5M0'?> <x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Anybody'>"
      "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
      "rdf:about='' xmlns:a='http://a.example/' a:b='c'/></rdf:RDF></x:xmpmeta>");
  // TimeCreated without a zone, which exiv2 would write with one.
  image.metadata.iptc = bytes_of("\x1c\x02\x3c");
  image.metadata.iptc.insert(image.metadata.iptc.end(), {0, 6, '0', '9', '5', '4', '4', '1'});
  for (const char* first : every_format)
    for (const char* second : every_format) {
      const Image back = round_trip(second, round_trip(first, image));
      EXPECT_EQ(back.metadata.xmp, image.metadata.xmp) << first << second;
      EXPECT_EQ(back.metadata.iptc, image.metadata.iptc) << first << second;
    }
}

TEST_F(Metadata, XmpInUtf16IsRead) {
  const std::u16string_view text = u"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Zo\u00eb \U0001f4f7</x>";
  const auto utf8 = bytes_of("<x:xmpmeta xmlns:x='adobe:ns:meta/'>Zo\u00eb \U0001f4f7</x>");
  for (const bool big : {false, true})
    for (const bool marked : {false, true}) {
      std::vector<uint8_t> utf16;
      const auto add = [&](char16_t unit) {
        utf16.push_back(uint8_t(big ? unit >> 8 : unit));
        utf16.push_back(uint8_t(big ? unit : unit >> 8));
      };
      if (marked) add(0xfeff);
      for (const char16_t unit : text) add(unit);
      EXPECT_EQ(xmp_in_utf8(utf16), utf8);
    }
  EXPECT_EQ(xmp_in_utf8(utf8), utf8);
  EXPECT_THAT(xmp_in_utf8({}), IsEmpty());
}

TEST_F(Metadata, XmpOfSeveralSegments) {
  const std::string guid = "0123456789ABCDEF0123456789ABCDEF", city(150000, 'b');
  const auto rdf = [](const std::string& inside) {
    return "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
           "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
           "rdf:about='' " +
           inside + "/></rdf:RDF></x:xmpmeta>";
  };
  Image image = grey_wedge();
  image.metadata.xmp = bytes_of(
      rdf("xmlns:xmpNote='http://ns.adobe.com/xmp/note/' xmpNote:HasExtendedXMP='" + guid + "'"));
  image.metadata.more_xmp =
      bytes_of(guid + rdf("xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:City='" +
                          city + "'"));
  const Image jpeg = round_trip("o.jpg", image);
  EXPECT_EQ(count_of(folder_ / "o.jpg", "http://ns.adobe.com/xmp/extension/"), 3);
  EXPECT_EQ(jpeg.metadata.more_xmp, image.metadata.more_xmp);
  for (const char* name : {"o.png", "o.tif"}) {
    write_image(folder_ / name, jpeg);
    EXPECT_EQ(seen_by_exiv2(folder_ / name)->xmpData()["Xmp.photoshop.City"].toString(), city);
  }
  // Without one of its parts it is left out, with a note.
  auto bytes = read_file(folder_ / "o.jpg");
  const std::string_view signature = "http://ns.adobe.com/xmp/extension/";
  const auto at = std::search(bytes.begin(), bytes.end(), signature.begin(), signature.end());
  *at = 'x';
  write_file(folder_ / "cut.jpg", bytes);
  const Image cut = read_image(folder_ / "cut.jpg");
  EXPECT_THAT(cut.metadata.more_xmp, IsEmpty());
  EXPECT_THAT(cut.metadata.notes, ElementsAre(HasSubstr("extended XMP")));
}

TEST_F(Metadata, PhotoshopsResourcesAreKept) {
  const auto resource = [](uint8_t number, const std::string& data) {
    std::vector<uint8_t> bytes = {'8', 'B', 'I', 'M', 4, number, 0, 0, 0, 0, 0};
    bytes.push_back(uint8_t(data.size()));
    bytes.insert(bytes.end(), data.begin(), data.end());
    if (data.size() % 2 == 1) bytes.push_back(0);
    return bytes;
  };
  std::vector<uint8_t> all;
  for (const auto& part : {resource(0x0b, "https://a.example"), resource(0x0c, "thumbnail"),
                           resource(0x04, "\x1c"), resource(0x0a, "\x01")})
    all.insert(all.end(), part.begin(), part.end());
  auto wanted = resource(0x0b, "https://a.example");
  const auto flag = resource(0x0a, "\x01");
  wanted.insert(wanted.end(), flag.begin(), flag.end());
  EXPECT_EQ(lasting_resources(all), wanted);
  Image image = grey_wedge();
  image.metadata.photoshop = wanted;
  for (const char* name : {"o.jpg", "o.tif"})
    EXPECT_EQ(round_trip(name, image).metadata.photoshop, wanted) << name;
  all.resize(all.size() - 3);
  EXPECT_EQ(lasting_resources(all).size(), resource(0x0b, "https://a.example").size());
}

TEST_F(Metadata, JfifAndExifMayTellDifferentResolutions) {
  Exiv2::ExifData data;
  for (const char* key : {"Exif.Image.XResolution", "Exif.Image.YResolution"})
    data[key] = Exiv2::URational(72, 1);
  data["Exif.Image.ResolutionUnit"] = uint16_t(2);
  data["Exif.Image.Make"] = "Anybody";
  Image image = grey_wedge();
  image.metadata.exif = encoded(data, Exiv2::littleEndian);
  image.metadata.resolution = Resolution{300, 300, Resolution::Unit::inch};
  const Image back = round_trip("o.jpg", image);
  EXPECT_EQ(back.metadata.resolution, image.metadata.resolution);
  EXPECT_EQ(text_of(seen_by_exiv2(folder_ / "o.jpg")->exifData(), "Exif.Image.XResolution"),
            "72/1");
  // Of the two the one that is not the usual stopgap is meant.
  for (const char* key : {"Exif.Image.XResolution", "Exif.Image.YResolution"})
    data[key] = Exiv2::URational(240, 1);
  image.metadata.exif = encoded(data, Exiv2::littleEndian);
  image.metadata.resolution = Resolution{72, 72, Resolution::Unit::inch};
  EXPECT_EQ(round_trip("o.jpg", image).metadata.resolution->x, 240);
}

TEST_F(Metadata, AProfileThatIsLeftOutIsSaid) {
  write_image(folder_ / "in.jpg", grey_wedge());
  auto bytes = read_file(folder_ / "in.jpg");
  const std::string_view signature = "acsp";
  const auto at = std::search(bytes.begin(), bytes.end(), signature.begin(), signature.end());
  ASSERT_NE(at, bytes.end());
  *at = 'x';
  write_file(folder_ / "in.jpg", bytes);
  const Image image = read_image(folder_ / "in.jpg");
  EXPECT_THAT(image.metadata.icc, IsEmpty());
  EXPECT_THAT(image.metadata.notes, ElementsAre(HasSubstr("ICC profile is damaged")));
}

TEST_F(Metadata, SegmentsOfOtherProgramsAreNamed) {
  write_image(folder_ / "in.jpg", grey_wedge());
  auto bytes = read_file(folder_ / "in.jpg");
  const std::string_view segment("\xff\xeb\x00\x08JP\x00\x01\x02\x03", 10);
  bytes.insert(bytes.begin() + 2, segment.begin(), segment.end());
  write_file(folder_ / "in.jpg", bytes);
  EXPECT_THAT(read_image(folder_ / "in.jpg").metadata.notes, ElementsAre(HasSubstr("APP11 (JP)")));
}

TEST_F(Metadata, TextsStayInPngAndReachExif) {
  Image image = grey_wedge();
  image.metadata.texts = {
      {"Author", "Anna Exämple"}, {"Comment", "by the lake"}, {"Title", std::string(2000, 't')}};
  EXPECT_EQ(round_trip("o.png", image).metadata.texts, image.metadata.texts);
  const Image jpeg = round_trip("o.jpg", image);
  EXPECT_EQ(jpeg.metadata.texts.at("Comment"), "by the lake");
  EXPECT_EQ(text_of(seen_by_exiv2(folder_ / "o.jpg")->exifData(), "Exif.Image.Artist"),
            "Anna Exämple");
  // JPEG has no other place for a title.
  EXPECT_EQ(text_of(seen_by_exiv2(folder_ / "o.jpg")->exifData(), "Exif.Image.DocumentName"),
            std::string(2000, 't'));
}

TEST_F(Metadata, StrippedFilesKeepOnlyWhatTheEyeSees) {
  Image image = grey_wedge();
  image.metadata.xmp = bytes_of(packet);
  const Exiv2::DataBuf iptc = Exiv2::IptcParser::encode(caption());
  image.metadata.iptc.assign(iptc.pData_, iptc.pData_ + iptc.size_);
  Exiv2::ExifData data;
  data["Exif.Image.Artist"] = "Anna Example";
  data["Exif.GPSInfo.GPSLatitudeRef"] = "N";
  image.metadata.exif = encoded(data, Exiv2::littleEndian);
  image.metadata.texts["Author"] = "Anna Example";
  image.metadata.orientation = 6;
  image.metadata.resolution = Resolution{300, 300, Resolution::Unit::inch};
  for (const char* name : every_format) {
    write_image(folder_ / name, image, {.strip_metadata = true});
    for (const std::string_view secret : {"Anna", "lake", "Bern"})
      EXPECT_EQ(count_of(folder_ / name, secret), 0) << name;
    const Image back = read_image(folder_ / name);
    EXPECT_EQ(back.metadata.orientation, 6) << name;
    EXPECT_FALSE(back.metadata.icc.empty()) << name;
    ASSERT_TRUE(back.metadata.resolution) << name;
    EXPECT_NEAR(back.metadata.resolution->x *
                    (back.metadata.resolution->unit == Resolution::Unit::inch ? 1 : 2.54),
                300, 0.1);
  }
}

// ---- Odd JPEGs

TEST_F(Metadata, OddJpegsThatAreWholeAreRead) {
  const Image sound = round_trip("in.jpg", grey_wedge());
  const auto whole = read_file(folder_ / "in.jpg");
  const std::string_view scan_header("\xff\xda\x00\x0c\x03", 5);
  const auto scan = std::search(whole.begin(), whole.end(), scan_header.begin(), scan_header.end(),
                                [](uint8_t a, char b) { return a == uint8_t(b); });
  ASSERT_NE(scan, whole.end());
  const long progression = scan - whole.begin() + 11;

  auto zeros = whole, unfinished = whole, trailing = whole, filled = whole;
  zeros[size_t(progression) + 1] = 0;  // Se, which is 63 in a baseline scan
  unfinished.resize(whole.size() - 2);
  trailing.insert(trailing.end(), 1000, 'x');
  filled.insert(filled.begin() + 2, 5, 0xff);
  for (const auto& [odd, note] :
       {std::pair{zeros, "SOS"}, {unfinished, "end"}, {trailing, ""}, {filled, ""}}) {
    write_file(folder_ / "odd.jpg", odd);
    const Image image = read_image(folder_ / "odd.jpg");
    EXPECT_EQ(image.samples, sound.samples);
    if (*note == '\0')
      EXPECT_THAT(image.metadata.notes, IsEmpty());
    else
      EXPECT_THAT(image.metadata.notes, ElementsAre(HasSubstr(note)));
  }
}

TEST_F(Metadata, BaselineScanWithoutSpectralSelection) {
  const auto photo = shared_case("01_samsung_sos.jpg");
  if (!photo) GTEST_SKIP() << "01_samsung_sos.jpg is not in the shared data";
  const Image image = read_image(*photo);
  EXPECT_THAT(image.metadata.notes, ElementsAre(HasSubstr("odd JPEG")));
}

// ---- Pages of a TIFF

TEST_F(Metadata, OfATiffsPagesTheFirstPhotoIsRead) {
  TIFF* file = TIFFOpen((folder_ / "in.tif").c_str(), "w");
  for (const uint32_t kind : {FILETYPE_REDUCEDIMAGE, 0, 0}) {
    TIFFSetField(file, TIFFTAG_SUBFILETYPE, kind);
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, kind == 0 ? 4 : 2);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    std::array<uint8_t, 4> row = {1, 2, 3, 4};
    TIFFWriteScanline(file, row.data(), 0, 0);
    TIFFWriteDirectory(file);
  }
  TIFFClose(file);
  const Image image = read_image(folder_ / "in.tif");
  EXPECT_EQ(image.width, 4);
  EXPECT_THAT(image.metadata.notes, ElementsAre(HasSubstr("holds 2 pictures")));
}

/// Some programs flag the only picture of a file so.
TEST_F(Metadata, AnOnlyPageThatIsFlaggedReducedIsAPhoto) {
  const fs::path path = tiff(folder_ / "in.tif", [](TIFF* file) {
    TIFFSetField(file, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
  });
  EXPECT_EQ(read_image(path).width, 2);
  // A camera's RAW file of the old kind: a thumbnail, and much that no directory speaks of.
  auto bytes = read_file(path);
  bytes.resize(bytes.size() + (2 << 20));
  write_file(path, bytes);
  EXPECT_THAT(refusal(path), HasSubstr("RAW"));
}

}  // namespace
}  // namespace hyperconv
