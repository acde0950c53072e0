#include "studies/grain_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "image/samples.hpp"
#include "metrics/metrics.hpp"
#include "studies/quantile.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

constexpr int64_t side = 16;  ///< of an area

struct Area {
  int64_t top = 0, left = 0;
  double brightness = 0, variance = 0;  ///< of the clean picture's luma
};

float luma_at(const Tensor& picture, int64_t y, int64_t x) {
  float luma = 0;
  for (int64_t c = 0; c < 3; ++c) luma += luma_weights[size_t(c)] * picture.row(0, c, y)[x];
  return luma;
}

/// The half of the areas that vary least.
std::vector<Area> even_areas(const Tensor& clean) {
  std::vector<Area> areas;
  for (int64_t top = 0; top + side <= clean.shape().h; top += side)
    for (int64_t left = 0; left + side <= clean.shape().w; left += side) {
      double sum = 0, squares = 0;
      for (int64_t y = top; y < top + side; ++y)
        for (int64_t x = left; x < left + side; ++x) {
          const double luma = luma_at(clean, y, x);
          sum += luma;
          squares += luma * luma;
        }
      constexpr double count = side * side;
      areas.push_back({top, left, sum / count, squares / count - (sum / count) * (sum / count)});
    }
  const auto half = areas.begin() + std::ptrdiff_t((areas.size() + 1) / 2);
  std::ranges::nth_element(areas, half, {}, &Area::variance);
  areas.erase(half, areas.end());
  return areas;
}

/// One component of what is noise, its mean over the picture taken away: a pair's pictures may
/// differ in light.
class Component {
 public:
  using Sums = std::array<double, NoiseLook::distances>;

  Component(const Tensor& noisy, const Tensor& clean, std::optional<int64_t> colour)
      : width_(clean.shape().w), values_(size_t(clean.shape().plane())) {
    double sum = 0;
    for (int64_t y = 0; y < clean.shape().h; ++y)
      for (int64_t x = 0; x < width_; ++x) {
        float value = luma_at(noisy, y, x) - luma_at(clean, y, x);
        if (colour) value = noisy.row(0, *colour, y)[x] - clean.row(0, *colour, y)[x] - value;
        values_[size_t(y * width_ + x)] = value;
        sum += double(value);
      }
    const auto mean = float(sum / double(values_.size()));
    for (float& value : values_) value -= mean;
  }

  /// The mean product of two places of an area so many pixels apart, along rows and columns.
  Sums products(const Area& area) const {
    Sums sums{};
    for (int64_t distance = 0; distance < NoiseLook::distances; ++distance) {
      double sum = 0;
      for (int64_t y = 0; y < side; ++y)
        for (int64_t x = 0; x + distance < side; ++x)
          sum += double(at(area, y, x)) * double(at(area, y, x + distance)) +
                 double(at(area, x, y)) * double(at(area, x + distance, y));
      sums[size_t(distance)] = sum / double(2 * side * (side - distance));
    }
    return sums;
  }

 private:
  float at(const Area& area, int64_t y, int64_t x) const {
    return values_[size_t((area.top + y) * width_ + area.left + x)];
  }

  int64_t width_;
  std::vector<float> values_;
};

void add(const Component::Sums& more, Component::Sums& sums) {
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

/// The median of one number of each look.
template <class Of>
double middle_of(const std::vector<NoiseLook>& looks, const Of& of) {
  std::vector<double> values;
  for (const NoiseLook& look : looks) values.push_back(of(look));
  return quantile(values, 0.5);
}

NoiseLookRow row_of(const PictureSet& set, const std::vector<NoiseLook>& looks) {
  NoiseLookRow row{set.name, set.noise, int64_t(looks.size()), 0, 0, {}};
  std::vector<double> psnrs;
  for (const NoiseLook& look : looks) psnrs.push_back(look.psnr);
  row.low_psnr = quantile(psnrs, 0.1);
  row.high_psnr = quantile(psnrs, 0.9);
  row.middle.psnr = quantile(psnrs, 0.5);
  row.middle.colour = middle_of(looks, [](const NoiseLook& look) { return look.colour; });
  for (size_t i = 0; i < NoiseLook::brightnesses; ++i) {
    std::vector<double> known;
    for (const NoiseLook& look : looks)
      if (look.deviation[i]) known.push_back(*look.deviation[i]);
    if (!known.empty()) row.middle.deviation[i] = quantile(known, 0.5);
  }
  for (size_t i = 0; i < NoiseLook::distances; ++i) {
    row.middle.luma_correlation[i] =
        middle_of(looks, [&](const NoiseLook& look) { return look.luma_correlation[i]; });
    row.middle.colour_correlation[i] =
        middle_of(looks, [&](const NoiseLook& look) { return look.colour_correlation[i]; });
  }
  return row;
}

/// One line for each row of the table.
class Figure {
 public:
  Figure(std::string ending, std::string title, std::string across)
      : ending_(std::move(ending)), title_(std::move(title)), across_(std::move(across)) {}

  void add(const NoiseLookRow& row, double at, double value) {
    text_ += fmt::format("{},{},{:g},{:.5g}\n", row.set, row.noise, at, value);
  }

  /// The path of its files without their endings.
  std::filesystem::path draw(const GrainTable& table, std::filesystem::path stem) const {
    stem += ending_;
    const std::filesystem::path csv = std::filesystem::path(stem) += ".csv";
    std::string lines;
    for (const NoiseLookRow& row : table.rows) {
      const bool is_real = row.noise == "real";
      lines += fmt::format(
          "{}'{}' using (strcol('set') eq '{}' && strcol('noise') eq '{}' ? column('at') : NaN)"
          ":'value' with linespoints lw 2 pt 7 ps 0.7 dt {} title '{}'",
          lines.empty() ? "" : ", \\\n  ", csv.filename().string(), row.set, row.noise,
          is_real ? 1 : 2, is_real ? row.set : row.noise + ", simulated");
    }
    write_file(csv, text_);
    draw_figure(csv,
                fmt::format("set datafile missing NaN\nset key autotitle columnhead noenhanced "
                            "top right\nset grid\nset title \"{}\"\nset xlabel '{}'\n"
                            "plot {}\n",
                            title_, across_, lines));
    return stem;
  }

 private:
  std::string ending_, title_, across_;
  std::string text_ = "set,noise,at,value\n";
};

}  // namespace

std::optional<NoiseLook> noise_look(const Tensor& noisy, const Tensor& clean) {
  const Component luma(noisy, clean, std::nullopt), red(noisy, clean, 0), blue(noisy, clean, 2);
  Component::Sums of_luma{}, of_colour{};
  struct Range {
    size_t areas = 0;
    double squares = 0;
  };
  std::array<Range, NoiseLook::brightnesses> ranges;
  for (const Area& area : even_areas(clean)) {
    const Component::Sums products = luma.products(area);
    add(products, of_luma);
    add(red.products(area), of_colour);
    add(blue.products(area), of_colour);
    Range& range = ranges[size_t(std::clamp(int(area.brightness * NoiseLook::brightnesses), 0,
                                            NoiseLook::brightnesses - 1))];
    ++range.areas;
    range.squares += products[0];
  }
  if (!(of_luma[0] > 0)) return std::nullopt;
  NoiseLook look;
  look.psnr = psnr(to_u8(float_image(noisy)), to_u8(float_image(clean)));
  look.colour = std::sqrt(of_colour[0] / 2 / of_luma[0]);
  for (size_t i = 0; i < ranges.size(); ++i)
    if (ranges[i].areas >= 4)
      look.deviation[i] = 255 * std::sqrt(ranges[i].squares / double(ranges[i].areas));
  for (size_t i = 0; i < of_luma.size(); ++i) {
    look.luma_correlation[i] = of_luma[i] / of_luma[0];
    look.colour_correlation[i] = of_colour[0] > 0 ? of_colour[i] / of_colour[0] : 0;
  }
  return look;
}

GrainTable grain_table(const std::vector<PictureSet>& sets, int64_t limit) {
  GrainTable table;
  for (const PictureSet& set : sets) {
    const int64_t count = limit > 0 ? std::min(limit, set.size) : set.size;
    Progress progress(fmt::format("{}, {}", set.name, set.noise), count);
    std::vector<NoiseLook> looks;
    for (int64_t i = 0; i < count; ++i) {
      throw_if_interrupted();
      try {
        for (const NamedPair& picture : set.read(i))
          if (const auto look = noise_look(picture.pair.input, picture.pair.target))
            looks.push_back(*look);
      } catch (const Error& error) {
        throw_if_interrupted();
        table.skipped.emplace_back(error.what());
      }
      progress.show(i + 1);
    }
    if (looks.empty()) fail("{}: holds no picture with noise that could be used", set.name);
    table.rows.push_back(row_of(set, looks));
  }
  return table;
}

std::string to_markdown(const GrainTable& table) {
  std::string text =
      "| set | noise | pictures | PSNR, dB: 10, 50, 90 % | luma's deviation of 255, dark to bright "
      "| colour / luma | luma's correlation at 1, 2, 4 pixels | colours' |\n"
      "|---|---|---:|---|---|---:|---|---|\n";
  const auto at = [](const auto& correlation) {
    return fmt::format("{:.2f}, {:.2f}, {:.2f}", correlation[1], correlation[2], correlation[4]);
  };
  for (const NoiseLookRow& row : table.rows) {
    std::string deviations;
    for (const auto& deviation : row.middle.deviation)
      deviations += (deviations.empty() ? "" : ", ") +
                    (deviation ? fmt::format("{:.1f}", *deviation) : std::string("-"));
    text += fmt::format("| {} | {} | {} | {:.1f}, {:.1f}, {:.1f} | {} | {:.2f} | {} | {} |\n",
                        row.set, row.noise, row.pictures, row.low_psnr, row.middle.psnr,
                        row.high_psnr, deviations, row.middle.colour,
                        at(row.middle.luma_correlation), at(row.middle.colour_correlation));
  }
  return text;
}

std::vector<std::filesystem::path> draw(const GrainTable& table,
                                        const std::filesystem::path& stem) {
  Figure luma{"-luma", "correlation of luma's noise", "pixels"};
  Figure colour{"-colour", "correlation of colours' noise", "pixels"};
  Figure deviation{"-deviation", "deviation of luma's noise, of 255", "luma, of the range"};
  for (const NoiseLookRow& row : table.rows) {
    for (size_t i = 0; i < NoiseLook::distances; ++i) {
      luma.add(row, double(i), row.middle.luma_correlation[i]);
      colour.add(row, double(i), row.middle.colour_correlation[i]);
    }
    for (size_t i = 0; i < NoiseLook::brightnesses; ++i)
      if (row.middle.deviation[i])
        deviation.add(row, (double(i) + 0.5) / NoiseLook::brightnesses, *row.middle.deviation[i]);
  }
  return {luma.draw(table, stem), colour.draw(table, stem), deviation.draw(table, stem)};
}

}  // namespace hyperconv
