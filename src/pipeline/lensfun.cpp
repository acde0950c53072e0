#include "pipeline/lensfun.hpp"

#include <lensfun/lensfun.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/fail.hpp"
#include "image/exiv2_guard.hpp"

namespace hyperconv {
namespace {

struct FreeList {
  void operator()(void* list) const { lf_free(list); }
};
using Lenses = std::unique_ptr<const lfLens*, FreeList>;
using Cameras = std::unique_ptr<const lfCamera*, FreeList>;

std::string text_of(const lfMLstr text) {
  const char* found = text == nullptr ? nullptr : lf_mlstr_get(text);
  return found == nullptr ? std::string() : found;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char letter) { return char(std::tolower(letter)); });
  return text;
}

/// With its maker before it, where it does not begin so.
std::string name_of(const lfLens& lens) {
  const std::string maker = text_of(lens.Maker), model = text_of(lens.Model);
  return maker.empty() || lower(model).starts_with(lower(maker)) ? model : maker + " " + model;
}

/// How many letters have to be changed, put in or left out.
size_t edits_between(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char letter : lower(text))
    if (std::isspace(static_cast<unsigned char>(letter)) == 0)
      words.back() += letter;
    else if (!words.back().empty())
      words.emplace_back();
  if (words.back().empty()) words.pop_back();
  return words;
}

/// A lens's name, the likest first.
struct Near {
  size_t words_missing = 0, edits = 0;
  std::string name;
  auto operator<=>(const Near&) const = default;
};

/// EXIF's focal length on 35 mm film by the lens's own: the crop factor; 0 where it says neither.
double crop_factor_of(const Mosaic& facts) {
  if (facts.exif.empty() || facts.shot.focal_length_mm <= 0) return 0;
  const auto lock = enter_exiv2();
  try {
    Exiv2::ExifData exif;
    Exiv2::ExifParser::decode(exif, facts.exif.data(), uint32_t(facts.exif.size()));
    const auto found = exif.findKey(Exiv2::ExifKey("Exif.Photo.FocalLengthIn35mmFilm"));
    if (found == exif.end() || found->count() == 0) return 0;
    const double crop = double(found->toFloat()) / facts.shot.focal_length_mm;
    return crop > 0.3 && crop < 20 ? crop : 0;
  } catch (const Exiv2::Error&) {
    return 0;
  }
}

/// Vignetting's gains at every few pixels: between them they are straight to 1e-4.
class Gains {
 public:
  Gains(const lfModifier& modifier, int width, int height)
      : step_(std::clamp(std::min(width, height) / 128, 1, 16)),
        columns_((width - 1) / step_ + 2),
        rows_((height - 1) / step_ + 2) {
    for (int row = 0; row < rows_; ++row)
      for (int column = 0; column < columns_; ++column) {
        alignas(16) float gain = 1;
        modifier.ApplyColorModification(&gain, float(column * step_), float(row * step_), 1, 1,
                                        LF_CR_1(INTENSITY), sizeof(float));
        gains_.push_back(std::isfinite(gain) ? gain : 1);
      }
  }

  float at(float x, float y) const {
    const float u = std::clamp(x / float(step_), 0.f, float(columns_) - 1.001f);
    const float v = std::clamp(y / float(step_), 0.f, float(rows_) - 1.001f);
    const auto column = size_t(u), row = size_t(v);
    const float* gain = gains_.data() + row * size_t(columns_) + column;
    const float fu = u - float(column), fv = v - float(row);
    return (1 - fv) * ((1 - fu) * gain[0] + fu * gain[1]) +
           fv * ((1 - fu) * gain[columns_] + fu * gain[columns_ + 1]);
  }

 private:
  int step_, columns_, rows_;
  std::vector<float> gains_;
};

class LensfunCorrection : public LensCorrection {
 public:
  LensfunCorrection(std::unique_ptr<lfModifier> modifier, int flags, std::string name,
                    const Mosaic& facts)
      : modifier_(std::move(modifier)) {
    report_ = {.source = "Lensfun",
               .name = std::move(name),
               .distortion = (flags & LF_MODIFY_DISTORTION) != 0,
               .vignetting = (flags & LF_MODIFY_VIGNETTING) != 0,
               .lateral_colour = (flags & LF_MODIFY_TCA) != 0};
    if (report_.vignetting) gains_.emplace(*modifier_, facts.width, facts.height);
  }

  void places(int64_t y, int64_t x, std::span<LensPixel> pixels) const override {
    const int64_t end = x + int64_t(pixels.size());
    // Lensfun adds up the steps from where it begins, in groups that depend on how many are asked
    // for: always the same, so that a part's pixels lie where the whole's do, to the bit.
    for (int64_t first = x / block * block; first < end; first += block) {
      std::array<float, size_t(6) * block> xy;
      const bool is_moved =
          (report_.distortion || report_.lateral_colour) &&
          modifier_->ApplySubpixelGeometryDistortion(float(first), float(y), block, 1, xy.data());
      for (int64_t at = std::max(first, x); at < std::min(first + block, end); ++at)
        for (size_t c = 0; c < 3; ++c) {
          const size_t place_at = size_t(6) * size_t(at - first) + 2 * c;
          LensPlace& place = pixels[size_t(at - x)][c];
          place.x = is_moved ? xy[place_at] : float(at);
          place.y = is_moved ? xy[place_at + 1] : float(y);
          place.gain = gains_ ? gains_->at(place.x, place.y) : 1;
        }
    }
  }
  const LensReport& report() const override { return report_; }

 private:
  static constexpr int block = 128;

  std::unique_ptr<lfModifier> modifier_;
  std::optional<Gains> gains_;
  LensReport report_;
};

}  // namespace

class LensDatabase::Impl {
 public:
  Impl() {
    if (all_.Load() != LF_NO_ERROR || all_.GetLenses() == nullptr || all_.GetLenses()[0] == nullptr)
      fail_as(ErrorCode::unsupported,
              "lenses are corrected by Lensfun, whose database is not here; install "
              "liblensfun-data-v1");
  }

  /// nullptr where it is not known.
  const lfCamera* camera_of(const Mosaic& facts) const {
    const Cameras found(all_.FindCameras(facts.shot.make.c_str(), facts.shot.model.c_str()));
    return found == nullptr ? nullptr : found.get()[0];
  }

  const lfLens* lens_of(const lfCamera* camera, const Mosaic& facts) const {
    const std::string& name = facts.shot.lens;
    if (!name.empty()) return best(camera, name);
    // A lens that is fixed to its camera has a mount of its own, with a small first letter.
    const bool is_fixed = camera != nullptr && camera->Mount != nullptr &&
                          std::islower(static_cast<unsigned char>(camera->Mount[0])) != 0;
    return is_fixed ? best(camera, "") : nullptr;
  }

  const lfLens* named(const lfCamera* camera, const std::string& name) const {
    check_name(name);
    if (const lfLens* lens = best(camera, name)) return lens;
    // An adapter does not change a lens.
    if (const lfLens* lens = best(nullptr, name)) return lens;
    const auto all = called(name);
    return all.front();
  }

  void check_name(const std::string& name) const {
    if (!called(name).empty() || best(nullptr, name) != nullptr) return;
    std::string near;
    for (const auto& other : names_near(name)) near += (near.empty() ? "" : "; ") + other;
    fail("no lens of Lensfun's is called '{}'; nearly so are: {}", name, near);
  }

  Found correction(const lfLens& lens, const lfCamera* camera, const Mosaic& facts,
                   bool corrects_vignetting) const {
    const std::string name = name_of(lens);
    if (facts.pixel_aspect != 1)
      return {nullptr, "has pixels that are not square, for which Lensfun measured no lens"};
    double focal = facts.shot.focal_length_mm;
    if (focal <= 0 && lens.MinFocal == lens.MaxFocal) focal = double(lens.MinFocal);
    if (focal <= 0)
      return {nullptr, fmt::format("says of no focal length, on which {} depends", name)};
    double crop = camera == nullptr ? crop_factor_of(facts) : double(camera->CropFactor);
    if (crop <= 0) crop = double(lens.CropFactor);
    auto modifier = std::make_unique<lfModifier>(&lens, float(crop), facts.width, facts.height);
    int wanted = LF_MODIFY_DISTORTION | LF_MODIFY_TCA | LF_MODIFY_SCALE;
    if (corrects_vignetting && facts.shot.f_number > 0) wanted |= LF_MODIFY_VIGNETTING;
    constexpr float far_away = 1000;  // metres: what Lensfun has where a distance is not known
    constexpr float so_that_it_fills_the_frame = 0;
    const int flags =
        modifier->Initialize(&lens, LF_PF_F32, float(focal), float(facts.shot.f_number), far_away,
                             so_that_it_fills_the_frame, lens.Type, wanted, false);
    if ((flags & (LF_MODIFY_DISTORTION | LF_MODIFY_TCA | LF_MODIFY_VIGNETTING)) == 0)
      return {nullptr,
              fmt::format("was taken with {}, of which Lensfun has no measurements for it", name)};
    return {std::make_unique<LensfunCorrection>(std::move(modifier), flags, name, facts), {}};
  }

 private:
  /// The likeliest of those that have all words of the name; nullptr where there is none.
  const lfLens* best(const lfCamera* camera, const std::string& name) const {
    const Lenses found(all_.FindLenses(camera, nullptr, name.empty() ? nullptr : name.c_str(), 0));
    return found == nullptr ? nullptr : found.get()[0];
  }

  /// Letter by letter, whatever their case.
  std::vector<const lfLens*> called(const std::string& name) const {
    std::vector<const lfLens*> found;
    const std::string wanted = lower(name);
    for (const lfLens* const* lens = all_.GetLenses(); *lens != nullptr; ++lens)
      if (lower(name_of(**lens)) == wanted || lower(text_of((*lens)->Model)) == wanted)
        found.push_back(*lens);
    return found;
  }

  std::vector<std::string> names_near(const std::string& name) const {
    std::vector<Near> all;
    const auto words = words_of(name);
    for (const lfLens* const* lens = all_.GetLenses(); *lens != nullptr; ++lens) {
      const std::string other = name_of(**lens), small = lower(other);
      const auto missing = std::ranges::count_if(
          words, [&](const auto& word) { return small.find(word) == std::string::npos; });
      all.push_back({size_t(missing), edits_between(lower(name), small), other});
    }
    std::ranges::sort(all);
    std::vector<std::string> names;
    constexpr size_t most = 3;
    for (const Near& near : all)
      if (names.size() < most && std::ranges::find(names, near.name) == names.end())
        names.push_back(near.name);
    return names;
  }

  lfDatabase all_;
};

LensDatabase::LensDatabase() : impl_(std::make_unique<Impl>()) {}
LensDatabase::~LensDatabase() = default;

LensDatabase::Found LensDatabase::of_photo(const Mosaic& facts, bool corrects_vignetting) const {
  const lfCamera* camera = impl_->camera_of(facts);
  if (const lfLens* lens = impl_->lens_of(camera, facts))
    return impl_->correction(*lens, camera, facts, corrects_vignetting);
  if (facts.shot.lens.empty()) return {nullptr, "says of no lens"};
  return {nullptr, fmt::format("was taken with '{}', which Lensfun does not know{}",
                               facts.shot.lens, camera == nullptr ? "" : " for this camera")};
}

LensDatabase::Found LensDatabase::named(const std::string& name, const Mosaic& facts,
                                        bool corrects_vignetting) const {
  const lfCamera* camera = impl_->camera_of(facts);
  return impl_->correction(*impl_->named(camera, name), camera, facts, corrects_vignetting);
}

void LensDatabase::check_name(const std::string& name) const { impl_->check_name(name); }

}  // namespace hyperconv
