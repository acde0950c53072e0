#include "image/icc.hpp"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>

#include "base/fail.hpp"

namespace hyperconv {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};

Profile grey_profile() {
  // IEC 61966-2-1 as lcms2's parametric curve 4: (a x + b)^g from d on, c x below.
  constexpr std::array<double, 5> srgb_curve = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  const std::unique_ptr<cmsToneCurve, FreeCurve> curve(
      cmsBuildParametricToneCurve(nullptr, 4, srgb_curve.data()));
  return Profile(cmsCreateGrayProfile(cmsD50_xyY(), curve.get()));
}

std::vector<uint8_t> bytes_of(const Profile& profile) {
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

}  // namespace

const std::vector<uint8_t>& srgb_profile(int channels) {
  static const std::vector<uint8_t> colour = bytes_of(Profile(cmsCreate_sRGBProfile()));
  static const std::vector<uint8_t> grey = bytes_of(grey_profile());
  return channels >= 3 ? colour : grey;
}

bool profile_fits(const std::vector<uint8_t>& profile, int channels) {
  const Profile opened(cmsOpenProfileFromMem(profile.data(), cmsUInt32Number(profile.size())));
  if (opened == nullptr) return false;
  return cmsGetColorSpace(opened.get()) == (channels >= 3 ? cmsSigRgbData : cmsSigGrayData);
}

const std::vector<uint8_t>& profile_to_write(const std::string& name, const Image& image) {
  const std::vector<uint8_t>& own = image.metadata.icc;
  if (own.empty()) return srgb_profile(image.channels);
  if (!profile_fits(own, image.channels))
    fail("{}: cannot be written, its ICC profile is not one for {} pictures", name,
         image.channels >= 3 ? "RGB" : "grey");
  return own;
}

}  // namespace hyperconv
