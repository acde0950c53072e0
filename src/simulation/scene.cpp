#include "simulation/scene.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>

#include "base/fail.hpp"
#include "base/random.hpp"
#include "base/threads.hpp"
#include "raw/colour.hpp"
#include "simulation/font.hpp"

// The scene is a function of a point: x to the right, y down, the picture's height is 1. Each part
// answers for points of its own; a pixel is the mean over a grid of points, in linear light.
namespace hyperconv {
namespace {

constexpr int smallest_side = 64;
constexpr int64_t largest_count = int64_t(1) << 27;
constexpr int points_a_side = 3;  // in a pixel

// ---- colours and small functions

struct Point {
  double x = 0, y = 0;
};

// Linear sRGB.
struct Colour {
  double red = 0, green = 0, blue = 0;
};

Colour operator*(const Colour& a, double s) { return {a.red * s, a.green * s, a.blue * s}; }
Colour operator+(const Colour& a, const Colour& b) {
  return {a.red + b.red, a.green + b.green, a.blue + b.blue};
}
Colour mix(const Colour& a, const Colour& b, double t) { return a * (1 - t) + b * t; }

// As a graphics program gives it: 0..255, encoded.
Colour from_8bit(int red, int green, int blue) {
  static const std::array<double, 256> linear = [] {
    std::array<double, 256> table{};
    for (int i = 0; i < 256; ++i) table[size_t(i)] = decode_srgb(i / 255.0);
    return table;
  }();
  return {linear[size_t(red)], linear[size_t(green)], linear[size_t(blue)]};
}

double smooth(double low, double high, double x) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double fraction(double x) { return x - std::floor(x); }

// [0,1), the same for the same place.
double hash(int64_t x, int64_t y, uint64_t kind) {
  const uint64_t place = uint64_t(x) * 0x9e3779b97f4a7c15u ^ uint64_t(y) * 0xc2b2ae3d27d4eb4fu ^
                         kind * 0x165667b19e3779f9u;
  return double(mixed_bits(place) >> 11) * 0x1.0p-53;
}

// Smooth values between the hashes at whole numbers.
double value_noise(Point p, uint64_t kind) {
  const double fx = std::floor(p.x), fy = std::floor(p.y);
  const auto ix = int64_t(fx), iy = int64_t(fy);
  const double tx = smooth(0, 1, p.x - fx), ty = smooth(0, 1, p.y - fy);
  const double top = std::lerp(hash(ix, iy, kind), hash(ix + 1, iy, kind), tx);
  const double bottom = std::lerp(hash(ix, iy + 1, kind), hash(ix + 1, iy + 1, kind), tx);
  return std::lerp(top, bottom, ty);
}

// Octaves of it, in [0,1].
double clouds(Point p, int octaves, uint64_t kind) {
  double sum = 0, weight = 0.5, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * value_noise(p, kind + uint64_t(i));
    total += weight;
    weight /= 2;
    p = {2.03 * p.x + 17.1, 2.03 * p.y - 5.3};
  }
  return sum / total;
}

// The same with creases where the noise passes its middle: rock.
double creases(Point p, int octaves, uint64_t kind) {
  double sum = 0, weight = 0.5, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * (1 - std::abs(2 * value_noise(p, kind + uint64_t(i)) - 1));
    total += weight;
    weight *= 0.55;
    p = {1.9 * p.x + 0.6 * p.y + 7.7, 1.9 * p.y - 0.6 * p.x + 3.1};
  }
  return sum / total;
}

// ---- the landscape

constexpr double horizon = 0.56;

struct Landscape {
  double width;

  Colour at(Point p) const {
    // A line of the land is worked out only where it can be: most points are above or below.
    if (p.y > highest_grass) {
      if (const auto front = meadow_front(p)) return *front;
      if (p.y > meadow_top(p.x)) return soil(p);
    }
    if (in_forest(p)) return forest(p);
    if (p.y > highest_near_ridge && p.y > near_ridge(p.x)) return hill(p);
    if (p.y > highest_far_ridge && p.y > far_ridge(p.x)) return mountain(p);
    return sky(p);
  }

  // Lower bounds of what the functions below give; the grass stands up to 0.05 above the meadow.
  static constexpr double highest_far_ridge = 0.25;
  static constexpr double highest_near_ridge = 0.44;
  static constexpr double highest_grass = 0.615;

  static double far_ridge(double x) {
    const double rough = std::abs(clouds({3.1 * x + 4, 0.5}, 7, 11) - 0.5);
    return highest_far_ridge + 0.62 * rough + 0.10 * value_noise({1.7 * x, 3}, 12);
  }
  static double near_ridge(double x) {
    return highest_near_ridge + 0.13 * clouds({1.6 * x + 9, 2.5}, 5, 21);
  }
  static double meadow_top(double x) {
    return highest_grass + 0.05 + 0.03 * clouds({1.2 * x, 7.5}, 3, 31);
  }

  Point sun() const { return {0.70 * width, 0.22}; }

  Colour sky(Point p) const {
    const Colour zenith = from_8bit(34, 72, 140), middle = from_8bit(122, 160, 205);
    const Colour low = from_8bit(252, 205, 150);
    const double t = p.y / horizon;
    Colour colour = mix(mix(zenith, middle, smooth(0, 0.6, t)), low, smooth(0.35, 1, t));
    const double dx = p.x - sun().x, dy = p.y - sun().y;
    const double distance = std::sqrt(dx * dx + dy * dy);
    colour = colour + Colour{0.55, 0.32, 0.12} * std::exp(-distance * 5);
    const double veil = smooth(0.48, 0.78, clouds({2.2 * p.x, 7 * p.y}, 6, 41));
    colour = mix(colour, mix(from_8bit(255, 236, 214), from_8bit(205, 190, 205), t), 0.75 * veil);
    return mix(from_8bit(255, 250, 232), colour, smooth(0.030, 0.033, distance));
  }

  // Lit from the right: the slope of creased rock across the light.
  static Colour mountain(Point p) {
    const Point q = {5 * p.x, 7 * p.y};
    const double slope = creases(q, 7, 51) - creases({q.x + 0.05, q.y - 0.03}, 7, 51);
    const double light = smooth(-0.10, 0.10, slope);
    const Colour rock = mix(from_8bit(52, 60, 92), from_8bit(190, 154, 140), light);
    const Colour snow = mix(from_8bit(104, 126, 178), from_8bit(255, 240, 224), light);
    const double height = horizon - p.y + 0.20 * (clouds({11 * p.x, 8 * p.y}, 6, 52) - 0.5);
    const Colour bare = mix(rock, snow, smooth(0.150, 0.165, height));
    return mix(bare, from_8bit(190, 178, 190), 0.62 * smooth(0.28, 0.54, p.y));
  }

  static Colour hill(Point p) {
    const double texture = clouds({60 * p.x, 90 * p.y}, 4, 61);
    const double patch = clouds({5 * p.x, 16 * p.y}, 3, 62);
    const Colour trees = mix(from_8bit(34, 56, 44), from_8bit(96, 116, 70), texture);
    const Colour grass = mix(from_8bit(104, 118, 62), from_8bit(150, 146, 84), texture);
    const Colour near = mix(trees, grass, smooth(0.52, 0.60, patch));
    return mix(near, from_8bit(168, 168, 176), 0.42 * (1 - smooth(0.44, 0.64, p.y)));
  }

  // Conifers: stairs of drooping branches, one tree a cell of two rows of cells.
  static constexpr double tree_pitch = 0.045;

  static bool in_tree(Point p, int64_t cell, uint64_t row) {
    const double foot = meadow_top(p.x) + 0.01;
    const double height = 0.09 + 0.13 * hash(cell, 0, 71 + row) * hash(cell, 1, 71 + row);
    const double middle = tree_pitch * (double(cell) + 0.2 + 0.6 * hash(cell, 2, 71 + row));
    const double down = (p.y - (foot - height)) / height;  // 0 at the tip
    if (down < 0 || down > 1) return false;
    const double branch = fraction(down * 11 + hash(cell, 3, 71 + row));
    const double ragged = 0.25 * value_noise({p.x * 900, p.y * 700}, 75);
    const double reach =
        height * 0.24 * (0.10 + 0.9 * down) * (0.55 + 0.45 * branch + ragged - 0.1);
    return std::abs(p.x - middle) < reach;
  }

  bool in_forest(Point p) const {
    if (p.y < 0.40) return false;
    const auto cell = int64_t(std::floor(p.x / tree_pitch));
    for (int64_t near = cell - 1; near <= cell + 1; ++near)
      if (grows_trees(near) && (in_tree(p, near, 0) || in_tree(p, near, 1))) return true;
    return false;
  }

  // A gap in the middle lets the valley be seen.
  bool grows_trees(int64_t cell) const {
    const double place = tree_pitch * (double(cell) + 0.5) / width;
    return std::abs(place - 0.47) > 0.16 + 0.03 * hash(cell, 4, 76);
  }

  static Colour forest(Point p) {
    // Needles droop: the noise is stretched along a line that falls away.
    const double needles = clouds({420 * p.x, 130 * p.y + 60 * p.x}, 3, 81);
    const double light = smooth(0.40, 0.85, needles) * smooth(0.70, 0.42, p.y);
    return mix(from_8bit(12, 24, 19), from_8bit(96, 116, 58), light);
  }

  // Grass in rows of blades, the nearest row in front; flowers between.
  static constexpr int blade_rows = 24;

  static std::optional<Colour> meadow_front(Point p) {
    const double top = meadow_top(p.x);
    if (p.y < top - 0.05) return std::nullopt;  // above the tallest blade of the farthest row
    for (int row = blade_rows - 1; row >= 0; --row) {
      const double depth = (row + 1.0) / blade_rows;
      const double foot = top + 0.012 + 0.36 * depth * (0.4 + 0.6 * depth);
      const double height = 0.03 + 0.07 * depth;
      if (p.y > foot || p.y < foot - 1.4 * height) continue;
      const double up = (foot - p.y) / height;
      if (const double flower = flower_at(p, row, foot - height, depth); flower >= 0)
        return flower_colour(flower, p);
      if (const double blade = blade_at(p, row, up, depth); blade >= 0) {
        const Colour lit = mix(from_8bit(112, 136, 44), from_8bit(196, 190, 96), blade);
        return mix(from_8bit(22, 40, 16), lit, smooth(0.1, 1.1, up)) * (0.55 + 0.45 * blade);
      }
    }
    return std::nullopt;
  }

  static Colour soil(Point p) {
    const double clods = clouds({80 * p.x, 140 * p.y}, 4, 91);
    return mix(from_8bit(40, 58, 24), from_8bit(124, 132, 62), clods) *
           (1 - 0.5 * smooth(0.68, 0.9, p.y));
  }

  // A number of the blade at this point, or -1. A blade bends with the square of its height.
  static double blade_at(Point p, int row, double up, double depth) {
    const double pitch = 0.0035 + 0.0065 * depth;
    const auto cell = int64_t(std::floor(p.x / pitch));
    for (int64_t near = cell - 3; near <= cell + 3; ++near) {
      const double tall = 0.55 + 0.85 * hash(near, row, 101);
      if (up < 0 || up > tall) continue;
      const double along = up / tall;
      const double bend = (hash(near, row, 102) - 0.5) * 5 * along * along;
      const double middle = pitch * (double(near) + hash(near, row, 103) + bend);
      if (std::abs(p.x - middle) < pitch * 0.30 * (1 - along)) return hash(near, row, 104);
    }
    return -1;
  }

  // A number of the flower at this point, or -1.
  static double flower_at(Point p, int row, double top, double depth) {
    const double pitch = 0.06;
    const auto cell = int64_t(std::floor(p.x / pitch));
    const double number = hash(cell, row, 111);
    if (number > 0.42) return -1;
    const double radius = 0.003 + 0.008 * depth;
    const Point middle = {pitch * (double(cell) + 0.25 + 0.5 * hash(cell, row, 112)),
                          top + 0.02 * hash(cell, row, 113)};
    const double dx = (p.x - middle.x) / radius, dy = (p.y - middle.y) / (0.75 * radius);
    const double distance = std::sqrt(dx * dx + dy * dy);
    if (distance > 1.2) return -1;
    const double petals = 0.72 + 0.28 * std::cos(6 * std::atan2(dy, dx) + 20 * number);
    if (distance < 0.3) return 1;
    return distance < petals ? number / 0.42 : -1;
  }

  static Colour flower_colour(double number, Point p) {
    const double shade = 0.7 + 0.3 * value_noise({700 * p.x, 700 * p.y}, 114);
    if (number >= 1) return from_8bit(226, 170, 30) * shade;
    if (number < 0.35) return from_8bit(214, 44, 40) * shade;
    if (number < 0.60) return from_8bit(246, 240, 236) * shade;
    if (number < 0.80) return from_8bit(112, 84, 196) * shade;
    return from_8bit(244, 206, 48) * shade;
  }
};

// ---- the cards: each paints a square or so from (0,0) to (1, its height)

const Colour& paper() {
  static const Colour colour = from_8bit(240, 238, 232);
  return colour;
}
const Colour& ink() {
  static const Colour colour = from_8bit(24, 24, 28);
  return colour;
}

// The 24 colours of the usual chart, to the nearest five or so.
Colour chart_patch(int row, int column) {
  static const std::array<Colour, 24> patches = {
      from_8bit(115, 82, 68),   from_8bit(195, 150, 130), from_8bit(98, 122, 157),
      from_8bit(87, 108, 67),   from_8bit(133, 128, 177), from_8bit(103, 189, 170),
      from_8bit(214, 126, 44),  from_8bit(80, 91, 166),   from_8bit(193, 90, 99),
      from_8bit(94, 60, 108),   from_8bit(157, 188, 64),  from_8bit(224, 163, 46),
      from_8bit(56, 61, 150),   from_8bit(70, 148, 73),   from_8bit(175, 54, 60),
      from_8bit(231, 199, 31),  from_8bit(187, 86, 149),  from_8bit(8, 133, 161),
      from_8bit(243, 243, 242), from_8bit(200, 200, 200), from_8bit(160, 160, 160),
      from_8bit(122, 122, 121), from_8bit(85, 85, 85),    from_8bit(52, 52, 52)};
  return patches[size_t(row * 6 + column)];
}

constexpr double chart_height = 0.68;

Colour chart_card(Point p) {
  const Colour board = from_8bit(30, 30, 32);
  const double x = (p.x - 0.02) / 0.16, y = (p.y - 0.02) / 0.16;
  if (x < 0 || y < 0 || x >= 6 || y >= 4) return board;
  const bool in_gap = std::max(std::abs(fraction(x) - 0.5), std::abs(fraction(y) - 0.5)) > 0.44;
  return in_gap ? board : chart_patch(int(y), int(x));
}

// Thirty-six spokes; the card's own tilt makes the edges of its squares slanted.
Colour star_card(Point p) {
  const double dx = p.x - 0.5, dy = p.y - 0.5;
  const double distance = std::sqrt(dx * dx + dy * dy);
  if (distance < 0.40) {
    const double turns = std::atan2(dy, dx) / (2 * std::numbers::pi);
    return distance > 0.012 && fraction(turns * 36) < 0.5 ? ink() : paper();
  }
  const double corner = std::max(std::abs(dx), std::abs(dy));
  const bool in_square = std::min(std::abs(dx), std::abs(dy)) > 0.36 && corner < 0.46;
  return in_square ? ink() : paper();
}

struct TextLine {
  std::string_view text;
  double top, dot;
};

constexpr double text_height = 0.74;

Colour text_card(Point p) {
  static constexpr std::array<TextLine, 7> lines = {
      {{"HYPERCONV", 0.07, 0.0158},
       {"CLEAN FILTERS FROM THE PHOTO", 0.225, 0.0053},
       {"THE QUICK BROWN FOX JUMPS", 0.295, 0.0056},
       {"OVER THE LAZY DOG 0123456789", 0.365, 0.0052},
       {"PACK MY BOX WITH FIVE DOZEN LIQUOR JUGS", 0.44, 0.0037},
       {"SPHINX OF BLACK QUARTZ, JUDGE MY VOW 3.14159265", 0.50, 0.0030},
       {"HOW VEXINGLY QUICK DAFT ZEBRAS JUMP, SAID WALTZ BAD NYMPH", 0.55, 0.0025}}};
  for (const auto& line : lines) {
    const int row = int(std::floor((p.y - line.top) / line.dot));
    const int column = int(std::floor((p.x - 0.07) / line.dot));
    if (text_has_dot(line.text, column, row)) return ink();
  }
  // A ramp from ink to paper closes the card.
  if (p.y > 0.61 && p.y < 0.68 && p.x > 0.07 && p.x < 0.93)
    return mix(ink(), paper(), (p.x - 0.07) / 0.86);
  return paper();
}

// Rings whose frequency grows with the radius, and hairlines that grow closer.
Colour zone_card(Point p) {
  const double dx = p.x - 0.5, dy = p.y - 0.40;
  const double square = dx * dx + dy * dy;
  if (square < 0.34 * 0.34) return mix(ink(), paper(), 0.5 + 0.5 * std::cos(square * 620));
  if (p.y > 0.80 && p.y < 0.95 && p.x > 0.06 && p.x < 0.94) {
    const double t = (p.x - 0.06) / 0.88;
    const double phase = 10 * t + 28 * t * t;
    const double duty = 0.24;
    return fraction(phase + 0.35 * (p.y - 0.80)) < duty ? ink() : paper();
  }
  return paper();
}

struct Card {
  Point middle;
  double width, height;  // of the card in the scene
  double cosine, sine;   // of its tilt
  Colour (*paint)(Point);

  // From the scene into the card, the card's width being 1.
  Point inside(Point p) const {
    const double dx = p.x - middle.x, dy = p.y - middle.y;
    return {(cosine * dx + sine * dy) / width + 0.5,
            (cosine * dy - sine * dx) / width + 0.5 * height / width};
  }
  bool contains(Point q) const { return q.x >= 0 && q.x < 1 && q.y >= 0 && q.y < height / width; }
  // How far a point is from the card, in the card's widths.
  double distance(Point q) const {
    const double dx = std::max({-q.x, q.x - 1, 0.0});
    const double dy = std::max({-q.y, q.y - height / width, 0.0});
    return std::sqrt(dx * dx + dy * dy);
  }
};

Card make_card(Point middle, double width, double aspect, double degrees, Colour (*paint)(Point)) {
  const double angle = degrees * std::numbers::pi / 180;
  return {middle, width, width * aspect, std::cos(angle), std::sin(angle), paint};
}

class Scene {
 public:
  explicit Scene(double width) : landscape_{width} {
    const double unit = width / 1.5;  // drawn for 3:2
    cards_ = {make_card({0.195 * width, 0.775}, 0.36 * unit, chart_height, -4, chart_card),
              make_card({0.435 * width, 0.810}, 0.255 * unit, 1, 5, star_card),
              make_card({0.660 * width, 0.775}, 0.37 * unit, text_height, -2.5, text_card),
              make_card({0.880 * width, 0.805}, 0.25 * unit, 1, 3.5, zone_card)};
  }

  Colour at(Point p) const {
    double shade = 1;
    for (const Card& card : cards_) {
      const Point q = card.inside(p);
      if (card.contains(q)) return card.paint(q);
      // Light from above right: the shadow lies below left.
      const double gap = card.distance(card.inside({p.x + 0.012, p.y - 0.014}));
      shade = std::min(shade, 0.35 + 0.65 * smooth(0, 0.07, gap));
    }
    return landscape_.at(p) * shade;
  }

 private:
  Landscape landscape_;
  std::array<Card, 4> cards_;
};

Colour pixel(const Scene& scene, int x, int y, double scale) {
  Colour sum;
  for (int j = 0; j < points_a_side; ++j)
    for (int i = 0; i < points_a_side; ++i)
      sum = sum + scene.at({(x + (i + 0.5) / points_a_side) * scale,
                            (y + (j + 0.5) / points_a_side) * scale});
  return sum * (1.0 / (points_a_side * points_a_side));
}

uint16_t encode_u16(double linear) {
  return uint16_t(65535 * encode_srgb(std::clamp(linear, 0.0, 1.0)) + 0.5);
}

}  // namespace

Image painted_scene(int width, int height) {
  if (width < smallest_side || height < smallest_side || int64_t(width) * height > largest_count)
    fail("a painted scene has from 64x64 to 2^27 pixels, not {}x{}", width, height);
  Image image{width, height, 3, {}, {}};
  std::vector<uint16_t> samples(image.count());
  const double scale = 1.0 / height;
  const Scene scene(width * scale);
  Threads threads;
  threads.parallel_for(height, [&](int64_t y) {
    uint16_t* out = samples.data() + size_t(y) * size_t(width) * 3;
    for (int x = 0; x < width; ++x, out += 3) {
      const Colour colour = pixel(scene, x, int(y), scale);
      out[0] = encode_u16(colour.red);
      out[1] = encode_u16(colour.green);
      out[2] = encode_u16(colour.blue);
    }
  });
  image.samples = std::move(samples);
  return image;
}

}  // namespace hyperconv
