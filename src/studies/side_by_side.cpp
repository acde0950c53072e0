#include "studies/side_by_side.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/fail.hpp"
#include "simulation/font.hpp"

namespace hyperconv {
namespace {

constexpr int gap = 4;       ///< between squares
constexpr int caption = 12;  ///< under each

const std::vector<uint16_t>& samples_of(const Image& picture) {
  return std::get<std::vector<uint16_t>>(picture.samples);
}

}  // namespace

SideBySide::Place SideBySide::place_of_detail(const Image& picture) {
  const auto& samples = samples_of(picture);
  Place best{0, 0, std::min(side, picture.height), std::min(side, picture.width)};
  double most = -1;
  for (int top = 0; top + best.height <= picture.height; top += side / 2)
    for (int left = 0; left + best.width <= picture.width; left += side / 2) {
      double detail = 0;  // of green, from pixel to pixel along rows
      for (int y = top; y < top + best.height; ++y)
        for (int x = left + 1; x < left + best.width; ++x) {
          const size_t i = size_t(y * picture.width + x) * 3 + 1;
          detail += std::abs(int(samples[i]) - int(samples[i - 3]));
        }
      if (detail > most) most = detail, best.top = top, best.left = left;
    }
  return best;
}

void SideBySide::cut(const std::string& name, const Image& picture) {
  const auto& samples = samples_of(picture);
  Square square{name, {}};
  for (int y = 0; y < place_.height; ++y)
    for (int x = 0; x < 3 * place_.width; ++x) {
      const auto row = size_t(place_.top + y) * size_t(picture.width);
      const uint16_t sample = samples[(row + size_t(place_.left)) * 3 + size_t(x)];
      square.pixels.push_back(uint8_t((sample + 128) / 257));
    }
  squares_.push_back(std::move(square));
}

void SideBySide::add(const std::string& name, const Image& picture) {
  if (picture.width != truth_.width || picture.height != truth_.height || picture.channels != 3)
    fail("{}: made a picture of {}x{}, not of {}x{}", name, picture.width, picture.height,
         truth_.width, truth_.height);
  if (squares_.empty()) {
    place_ = place_of_detail(truth_);
    cut("truth", truth_);
  }
  cut(name, picture);
}

void SideBySide::write(const std::filesystem::path& path) {
  if (squares_.empty()) return;
  const int count = int(squares_.size());
  const int across = std::min(count, columns), down = (count + columns - 1) / columns;
  const int cell_width = place_.width + gap, cell_height = place_.height + caption;
  Image sheet{across * cell_width - gap, down * cell_height, 3, {}, {}};
  std::vector<uint8_t> pixels(sheet.count(), 255);
  for (int i = 0; i < count; ++i) {
    const Square& square = squares_[size_t(i)];
    const int top = i / columns * cell_height, left = i % columns * cell_width;
    const auto at = [&](int y, int x) {
      return pixels.begin() + std::ptrdiff_t(3 * ((top + y) * sheet.width + left + x));
    };
    for (int y = 0; y < place_.height; ++y)
      std::copy_n(square.pixels.begin() + std::ptrdiff_t(3 * y * place_.width), 3 * place_.width,
                  at(y, 0));
    std::string capitals = square.name;
    for (char& letter : capitals) letter = char(std::toupper(uint8_t(letter)));
    for (int y = 0; y < glyph_height; ++y)
      for (int x = 0; x < place_.width; ++x)
        if (text_has_dot(capitals, x, y)) std::fill_n(at(place_.height + 2 + y, x), 3, uint8_t(0));
  }
  sheet.samples = std::move(pixels);
  write_image(path, sheet);
}

}  // namespace hyperconv
