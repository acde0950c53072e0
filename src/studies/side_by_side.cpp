#include "studies/side_by_side.hpp"

#include <algorithm>
#include <cctype>

#include "base/fail.hpp"
#include "report/detail.hpp"
#include "simulation/font.hpp"

namespace hyperconv {
namespace {

constexpr int gap = 4;       ///< between squares
constexpr int caption = 12;  ///< under each

}  // namespace

void SideBySide::cut(const std::string& name, const Image& picture) {
  squares_.push_back({name, to_u8(part_of(picture, place_))});
}

void SideBySide::add(const std::string& name, const Image& picture) {
  if (picture.width != truth_.width || picture.height != truth_.height || picture.channels != 3)
    fail("{}: made a picture of {}x{}, not of {}x{}", name, picture.width, picture.height,
         truth_.width, truth_.height);
  if (squares_.empty()) {
    place_ = place_of_detail(truth_, side);
    cut("truth", truth_);
  }
  cut(name, picture);
}

void SideBySide::write(const std::filesystem::path& path) {
  if (squares_.empty()) return;
  const int count = int(squares_.size());
  const int across = std::min(count, columns), down = (count + columns - 1) / columns;
  const int width = int(place_.width), height = int(place_.height);
  const int cell_width = width + gap, cell_height = height + caption;
  Image sheet{across * cell_width - gap, down * cell_height, 3, {}, {}};
  std::vector<uint8_t> pixels(sheet.count(), 255);
  for (int i = 0; i < count; ++i) {
    const Square& square = squares_[size_t(i)];
    const int top = i / columns * cell_height, left = i % columns * cell_width;
    const auto at = [&](int y, int x) {
      return pixels.begin() + std::ptrdiff_t(3 * ((top + y) * sheet.width + left + x));
    };
    const auto& square_pixels = std::get<std::vector<uint8_t>>(square.picture.samples);
    for (int y = 0; y < height; ++y)
      std::copy_n(square_pixels.begin() + std::ptrdiff_t(3 * y * width), 3 * width, at(y, 0));
    std::string capitals = square.name;
    for (char& letter : capitals) letter = char(std::toupper(uint8_t(letter)));
    for (int y = 0; y < glyph_height; ++y)
      for (int x = 0; x < width; ++x)
        if (text_has_dot(capitals, x, y)) std::fill_n(at(height + 2 + y, x), 3, uint8_t(0));
  }
  sheet.samples = std::move(pixels);
  write_image(path, sheet);
}

}  // namespace hyperconv
