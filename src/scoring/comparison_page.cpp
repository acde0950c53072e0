#include "scoring/comparison_page.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/fail.hpp"
#include "report/detail.hpp"

namespace hyperconv {
namespace {

Image square_of(const Image& picture, const Region& place) {
  Image square = to_u8(part_of(picture, place));
  square.metadata = {};
  return square;
}

}  // namespace

std::string noise_note(const NoiseProfile& noise) {
  if (noise.shot == 0 && noise.read == 0) return "none";
  return fmt::format("variance {:g} x + {:g}", noise.shot, noise.read);
}

ComparedPhoto::ComparedPhoto(std::string name, std::string note, const Image& clean)
    : photo_{.name = std::move(name), .note = std::move(note)},
      width_(clean.width),
      height_(clean.height),
      place_(place_of_detail(clean, side)),
      clean_(square_of(clean, place_)) {
  photo_.rows.emplace_back("Noise", photo_.note);
  photo_.rows.emplace_back(
      "Place", fmt::format("{} x {} from {}, {} of {} x {}, where there is most detail; scores are "
                           "of the whole picture",
                           place_.width, place_.height, place_.left, place_.top, width_, height_));
}

void ComparedPhoto::add(const std::string& name, const Image& picture, const PictureScore& score) {
  if (picture.width != width_ || picture.height != height_)
    fail("{}: made a picture of {}x{}, not of {}x{}", name, picture.width, picture.height, width_,
         height_);
  photo_.pictures.push_back(
      {name,
       square_of(picture, place_),
       {std::isfinite(score.psnr) ? fmt::format("{:.2f}", score.psnr) : "the same",
        fmt::format("{:.4f}", score.ssim)}});
}

ComparisonPage::ComparisonPage(const std::filesystem::path& folder, bool overwrite)
    : page_(folder, {.title = "Side by side",
                     .scores = {"PSNR, dB", "SSIM"},
                     .lossless = true,
                     .at_full_size = true,
                     .overwrite = overwrite}) {}

void ComparisonPage::add(ComparedPhoto photo) {
  if (photo.photo_.pictures.empty()) return;
  photo.photo_.pictures.push_back({"clean", std::move(photo.clean_), {}});
  page_.add(photo.photo_);
}

void ComparisonPage::finish(const std::string& what) {
  page_.finish(fmt::format("{}; hyperconv " HYPERCONV_VERSION, what));
}

}  // namespace hyperconv
