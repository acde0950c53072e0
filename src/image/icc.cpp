#include "image/icc.hpp"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <new>

#include "base/fail.hpp"
#include "base/overloaded.hpp"

namespace hyperconv {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using ToneCurve = std::unique_ptr<cmsToneCurve, FreeCurve>;

ToneCurve tone_curve(const Curve& curve) {
  return ToneCurve(
      std::visit(Overloaded{[](const GammaCurve& c) { return cmsBuildGamma(nullptr, c.exponent); },
                            [](const ToeCurve& c) {
                              // lcms2's parametric curve 4: (a x + b)^g from d on, c x below.
                              const double scale = 1 / (1 + c.offset);
                              const std::array<double, 5> numbers = {
                                  c.exponent, scale, c.offset * scale, 1 / c.slope, c.from};
                              return cmsBuildParametricToneCurve(nullptr, 4, numbers.data());
                            },
                            [](const TableCurve& c) {
                              return cmsBuildTabulatedToneCurve16(
                                  nullptr, cmsUInt32Number(c.values.size()), c.values.data());
                            }},
                 curve));
}

Profile grey_profile(const Curve& curve) {
  return Profile(cmsCreateGrayProfile(cmsD50_xyY(), tone_curve(curve).get()));
}

Profile colour_profile(const ColourSpace& space) {
  const auto point = [](const Chromaticity& c) { return cmsCIExyY{c.x, c.y, 1}; };
  const cmsCIExyY white = point(space.white);
  const cmsCIExyYTRIPLE primaries = {point(space.red), point(space.green), point(space.blue)};
  const ToneCurve curve = tone_curve(space.curve);
  cmsToneCurve* const curves[3] = {curve.get(), curve.get(), curve.get()};
  return Profile(cmsCreateRGBProfile(&white, &primaries, curves));
}

void set_name(const Profile& profile, const std::string& name) {
  cmsMLU* text = cmsMLUalloc(nullptr, 1);
  cmsMLUsetASCII(text, "en", "US", name.c_str());
  cmsWriteTag(profile.get(), cmsSigProfileDescriptionTag, text);
  cmsMLUfree(text);
}

std::vector<uint8_t> bytes_of(const Profile& profile) {
  // lcms2 makes none where memory is short, and asserts that there is one.
  if (profile == nullptr) throw std::bad_alloc();
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile.get(), nullptr, &size);
  std::vector<uint8_t> bytes(size);
  if (size == 0 || !cmsSaveProfileToMem(profile.get(), bytes.data(), &size))
    fail("the sRGB profile cannot be made (lcms2)");
  // lcms2 notes the time of making; the same picture shall give the same file tomorrow.
  constexpr std::array<uint8_t, 12> first_of_2000 = {7, 208, 0, 1, 0, 1};
  constexpr size_t date_at = 24;
  std::copy(first_of_2000.begin(), first_of_2000.end(), bytes.begin() + date_at);
  return bytes;
}

Profile opened(const std::vector<uint8_t>& profile) {
  return Profile(cmsOpenProfileFromMem(profile.data(), cmsUInt32Number(profile.size())));
}

bool is_near(const Chromaticity& a, const Chromaticity& b) {
  constexpr double tolerance = 0.0015;  // files hold three or four decimals
  return std::abs(a.x - b.x) < tolerance && std::abs(a.y - b.y) < tolerance;
}

/// The difference of sRGB's curve from a gamma of 2.2 is what the wish for compatibility costs.
bool is_meant_for_srgb(const Curve& curve) {
  const double usual = 1 / 0.45455, tolerance = 0.005;
  return std::visit(
      Overloaded{[&](const GammaCurve& c) { return std::abs(c.exponent - usual) < tolerance; },
                 [](const ToeCurve& c) { return c.exponent == ToeCurve{}.exponent; },
                 [](const TableCurve&) { return false; }},
      curve);
}

bool is_colour(const Chromaticity& c) {
  // ProPhoto's blue has y = 0.0001.
  return std::isfinite(c.x) && std::isfinite(c.y) && c.x >= 0 && c.x <= 1 && c.y > 5e-5 && c.y <= 1;
}

bool describes_colours(const ColourSpace& s, int channels) {
  const auto* gamma = std::get_if<GammaCurve>(&s.curve);
  if (gamma != nullptr && !(gamma->exponent > 0.05 && gamma->exponent < 20)) return false;
  if (channels < 3) return true;
  // Twice the triangle's area.
  const double area =
      (s.green.x - s.red.x) * (s.blue.y - s.red.y) - (s.green.y - s.red.y) * (s.blue.x - s.red.x);
  return is_colour(s.white) && is_colour(s.red) && is_colour(s.green) && is_colour(s.blue) &&
         std::abs(area) > 1e-3;
}

bool has_srgb_primaries(const ColourSpace& s) {
  const ColourSpace srgb;
  return is_near(s.white, srgb.white) && is_near(s.red, srgb.red) && is_near(s.green, srgb.green) &&
         is_near(s.blue, srgb.blue);
}

/// Empty where the curve is not there, falls somewhere or is flat all over.
std::vector<float> light_table(const cmsToneCurve* curve) {
  std::vector<float> light;
  if (curve == nullptr) return light;
  for (int i = 0; i < 65536; ++i)
    light.push_back(std::clamp(cmsEvalToneCurveFloat(curve, float(i) / 65535), 0.f, 1.f));
  const bool rises = std::ranges::is_sorted(light) && light.front() < light.back();
  return rises ? light : std::vector<float>();
}

}  // namespace

const std::vector<uint8_t>& srgb_profile(int channels) {
  static const std::vector<uint8_t> colour = bytes_of(Profile(cmsCreate_sRGBProfile()));
  static const std::vector<uint8_t> grey = bytes_of(grey_profile(ToeCurve{}));
  return channels >= 3 ? colour : grey;
}

bool profile_fits(const std::vector<uint8_t>& profile, int channels) {
  const Profile open = opened(profile);
  if (open == nullptr) return false;
  // Of a link between two profiles, or a name for each colour, nothing can be made.
  const auto kind = cmsGetDeviceClass(open.get());
  if (kind == cmsSigLinkClass || kind == cmsSigAbstractClass || kind == cmsSigNamedColorClass)
    return false;
  return cmsGetColorSpace(open.get()) == (channels >= 3 ? cmsSigRgbData : cmsSigGrayData);
}

std::string profile_name(const std::vector<uint8_t>& profile) {
  const Profile open = opened(profile);
  if (open == nullptr) return {};
  std::array<char, 200> text{};
  cmsGetProfileInfoASCII(open.get(), cmsInfoDescription, "en", "US", text.data(),
                         cmsUInt32Number(text.size()));
  return text.data();
}

void adopt_profile(ImageMetadata& metadata, std::vector<uint8_t> profile, int channels) {
  if (profile.empty() || profile_fits(profile, channels)) {
    metadata.icc = std::move(profile);
    return;
  }
  metadata.icc.clear();
  metadata.notes.push_back(fmt::format(
      "its ICC profile is damaged or not for {} pictures; it is left out, and sRGB taken",
      channels >= 3 ? "RGB" : "grey"));
}

const std::vector<uint8_t>& profile_to_write(const std::string& name, const Image& image) {
  const std::vector<uint8_t>& own = image.metadata.icc;
  if (own.empty()) return srgb_profile(image.channels);
  if (!profile_fits(own, image.channels))
    fail("{}: cannot be written, its ICC profile is not one for {} pictures", name,
         image.channels >= 3 ? "RGB" : "grey");
  return own;
}

std::vector<uint8_t> mended_profile(const std::vector<uint8_t>& profile) {
  const Profile open = opened(profile);
  if (open == nullptr) return {};
  if (cmsGetHeaderRenderingIntent(open.get()) > INTENT_ABSOLUTE_COLORIMETRIC)
    cmsSetHeaderRenderingIntent(open.get(), INTENT_PERCEPTUAL);
  cmsUInt32Number size = 0;
  if (!cmsSaveProfileToMem(open.get(), nullptr, &size)) return {};
  std::vector<uint8_t> bytes(size);
  if (!cmsSaveProfileToMem(open.get(), bytes.data(), &size)) return {};
  return bytes;
}

std::vector<std::vector<float>> light_tables(const std::vector<uint8_t>& profile, int channels) {
  std::vector<cmsTagSignature> tags = {cmsSigGrayTRCTag};
  if (channels >= 3) tags = {cmsSigRedTRCTag, cmsSigGreenTRCTag, cmsSigBlueTRCTag};
  std::vector<std::vector<float>> tables;
  if (const Profile open = profile.empty() ? nullptr : opened(profile))
    if (channels < 3 || cmsIsMatrixShaper(open.get()) != 0)
      for (const cmsTagSignature tag : tags)
        tables.push_back(light_table(static_cast<cmsToneCurve*>(cmsReadTag(open.get(), tag))));
  const auto is_empty = [](const auto& table) { return table.empty(); };
  if (tables.empty() || std::ranges::any_of(tables, is_empty))
    tables.assign(tags.size(), light_table(tone_curve(ToeCurve{}).get()));
  return tables;
}

ColourSpace adobe_rgb() {
  ColourSpace space;
  space.green = {0.21, 0.71};
  space.curve = GammaCurve{563.0 / 256};
  space.name = "Adobe RGB (1998) compatible";
  return space;
}

std::vector<uint8_t> profile_of(const ColourSpace& space, int channels) {
  if (!describes_colours(space, channels)) return {};
  const bool colours = channels >= 3;
  if (is_meant_for_srgb(space.curve) && (!colours || has_srgb_primaries(space))) return {};
  const Profile profile = colours ? colour_profile(space) : grey_profile(space.curve);
  if (profile == nullptr) return {};
  set_name(profile, space.name.empty() ? "As the file describes its colours" : space.name);
  return bytes_of(profile);
}

}  // namespace hyperconv
