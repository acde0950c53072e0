#include "studies/filter_view.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "data/pairs.hpp"
#include "image/folder.hpp"
#include "pipeline/develop.hpp"
#include "pipeline/input.hpp"
#include "studies/statistics.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

/// Channels that a figure has room for.
constexpr int most_shown = 12;

Tensor cut_to_multiple(const Tensor& input, int64_t multiple, const fs::path& photo) {
  const Shape& s = input.shape();
  const int64_t h = s.h / multiple * multiple, w = s.w / multiple * multiple;
  if (h == 0 || w == 0) fail("{}: is too small for the network", photo.string());
  Tensor part({1, s.c, h, w});
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < h; ++y) std::copy_n(input.row(0, c, y), w, part.row(0, c, y));
  return part;
}

Tensor pair_input(const fs::path& photo, const InputKind& kind) {
  const bool mosaic = std::holds_alternative<MosaicInput>(kind);
  Pair pair;
  pair.input = read_image(photo);
  const int wanted = mosaic ? 1 : 3;
  if (pair.input.channels != wanted)
    fail("{}: has {} channels, must have {}", photo.string(), pair.input.channels, wanted);
  if (std::holds_alternative<std::vector<float>>(pair.input.samples))
    fail("{}: has floats, must have 8 or 16 bits a sample", photo.string());
  if (mosaic && (pair.input.width % 2 != 0 || pair.input.height % 2 != 0))
    fail("{}: is {}x{}, a mosaic's sides are even", photo.string(), pair.input.width,
         pair.input.height);
  const int64_t h = pair.input.height, w = pair.input.width;
  Tensor input(mosaic ? Shape{1, 4, h / 2, w / 2} : Shape{1, 3, h, w});
  fill_input(pair, kind, {input.data(), input.size()});
  return input;
}

NodeId find_layer(const Model& model, const std::string& name) {
  const auto nodes = hyper_nodes(model.graph());
  if (nodes.empty()) fail("the model '{}' has no HyperConvolution", model.info().name);
  std::vector<std::string> names;
  for (const NodeId id : nodes) {
    names.push_back(model.graph().node(id).name);
    if (name.empty() || names.back() == name) return id;
  }
  fail("no HyperConvolution is called '{}'; there are {}", name, fmt::join(names, ", "));
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void remove_mean(std::vector<std::vector<double>>& rows) {
  for (size_t i = 0; i < rows[0].size(); ++i) {
    double mean = 0;
    for (const auto& row : rows) mean += row[i] / double(rows.size());
    for (auto& row : rows) row[i] -= mean;
  }
}

/// The direction in which the rows (of mean zero) scatter most, by power iteration; all zero where
/// they do not scatter.
std::vector<double> principal(const std::vector<std::vector<double>>& rows) {
  constexpr int rounds = 300;
  Random random(1);
  std::vector<double> direction(rows[0].size());
  for (double& d : direction) d = double(random.normal());
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> next(direction.size(), 0.0);
    for (const auto& row : rows) {
      const double along = dot(row, direction);
      for (size_t i = 0; i < next.size(); ++i) next[i] += along * row[i];
    }
    const double length = std::sqrt(dot(next, next));
    if (!(length > 0)) return std::vector<double>(direction.size(), 0.0);
    for (double& d : next) d /= length;
    direction = std::move(next);
  }
  return direction;
}

double total_square(const std::vector<std::vector<double>>& rows) {
  double sum = 0;
  for (const auto& row : rows) sum += dot(row, row);
  return sum;
}

/// Two principal components of the activations, one after the other.
void find_places(FilterView& view, std::vector<std::vector<double>> rows) {
  remove_mean(rows);
  const double total = total_square(rows);
  for (size_t component = 0; component < 2; ++component) {
    const double before = total_square(rows);
    const auto direction = principal(rows);
    for (size_t photo = 0; photo < rows.size(); ++photo) {
      const double along = dot(rows[photo], direction);
      view.photos[photo].place[component] = along;
      for (size_t i = 0; i < direction.size(); ++i) rows[photo][i] -= along * direction[i];
    }
    view.explained[component] = total > 0 ? (before - total_square(rows)) / total : 0;
  }
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<std::vector<double>> rows;
  for (size_t i = 0; i < a.size(); ++i) rows.push_back({a[i], b[i]});
  remove_mean(rows);
  double both = 0, first = 0, second = 0;
  for (const auto& row : rows) {
    both += row[0] * row[1];
    first += row[0] * row[0];
    second += row[1] * row[1];
  }
  return first > 0 && second > 0 ? both / std::sqrt(first * second) : 0;
}

void correlate(FilterView& view) {
  constexpr double PhotoFacts::*facts[] = {&PhotoFacts::light, &PhotoFacts::noise,
                                           &PhotoFacts::colour};
  for (size_t component = 0; component < 2; ++component)
    for (size_t fact = 0; fact < 3; ++fact) {
      std::vector<double> a, b;
      for (const PhotoView& photo : view.photos) {
        a.push_back(photo.place[component]);
        b.push_back(photo.facts.*facts[fact]);
      }
      view.correlation[component][fact] = correlation(a, b);
    }
}

/// Where red and blue stand among a task's input channels.
std::array<int, 2> red_and_blue(Task task) {
  if (task == Task::develop) return {0, 3};
  return task == Task::isp ? std::array{2, 0} : std::array{0, 2};
}

double mean_of_channel(const Tensor& input, int channel) {
  const Shape& s = input.shape();
  double sum = 0;
  for (int64_t y = 0; y < s.h; ++y) {
    const float* row = input.row(0, channel, y);
    for (int64_t x = 0; x < s.w; ++x) sum += double(row[x]);
  }
  return sum / double(s.plane());
}

/// Immerkaer 1996: |Laplacian of a Laplacian's difference|, which smooth pictures have none of.
double noise_of_channel(const Tensor& input, int channel) {
  const Shape& s = input.shape();
  if (s.h < 3 || s.w < 3) return 0;
  double sum = 0;
  for (int64_t y = 1; y + 1 < s.h; ++y) {
    const float *a = input.row(0, channel, y - 1), *b = input.row(0, channel, y),
                *c = input.row(0, channel, y + 1);
    for (int64_t x = 1; x + 1 < s.w; ++x)
      sum += std::abs(double(a[x - 1]) - 2 * double(a[x]) + double(a[x + 1]) -
                      2 * double(b[x - 1]) + 4 * double(b[x]) - 2 * double(b[x + 1]) +
                      double(c[x - 1]) - 2 * double(c[x]) + double(c[x + 1]));
  }
  return std::sqrt(std::acos(-1.0) / 2) * sum / (6 * double((s.w - 2) * (s.h - 2)));
}

double log2_of(double value) { return std::log2(std::max(value, 1e-6)); }

/// A panel of tiles, one a filter; a line each of the form panel,x,y,value.
void add_panel(std::string& csv, const FilterView& view, int panel,
               const std::vector<float>& filters) {
  const int outs = std::min(view.out, most_shown), ins = std::min(view.channels, most_shown);
  const int k = view.kernel, pitch = k + 1;
  const int left = panel * (ins * pitch + 2);
  for (int o = 0; o < outs; ++o)
    for (int i = 0; i < ins; ++i)
      for (int y = 0; y < k; ++y)
        for (int x = 0; x < k; ++x)
          csv += fmt::format("{},{},{},{},{},{:.6g}\n", panel, o, i, left + i * pitch + x,
                             o * pitch + y,
                             filters[size_t(((o * view.channels + i) * k + y) * k + x)]);
}

float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float v : values) most = std::max(most, std::abs(v));
  return most;
}

/// gnuplot's own characters in a name.
std::string quoted(std::string name) {
  std::erase_if(name, [](char c) { return c == '\'' || c == '\\' || c == '\n' || c == ','; });
  return "'" + name + "'";
}

void draw_panels(const FilterView& view, const fs::path& file) {
  std::string csv = "panel,output,input,x,y,value\n", labels;
  const int ins = std::min(view.channels, most_shown);
  const auto label = [&](int panel, const std::string& text) {
    labels += fmt::format("set label {} at {},-2 left noenhanced\n", quoted(text),
                          panel * (ins * (view.kernel + 1) + 2));
  };
  const std::vector<float>& first = view.photos[0].filters;
  add_panel(csv, view, 0, first);
  label(0, view.photos[0].name);
  if (view.photos.size() > 1) {
    std::vector<float> difference = view.photos[1].filters;
    add_panel(csv, view, 1, difference);
    label(1, view.photos[1].name);
    for (size_t i = 0; i < difference.size(); ++i) difference[i] -= first[i];
    // Shown as strongly as the filters themselves.
    const float most = largest(difference), factor = most > 0 ? largest(first) / most : 1;
    for (float& d : difference) d *= factor;
    add_panel(csv, view, 2, difference);
    label(2, fmt::format("second - first, times {:.3g}", factor));
  }
  const fs::path path = file.string() + ".csv";
  write_file(path, csv);
  const std::string range = fmt::format("[{0}:{1}]", -largest(first), largest(first));
  draw_figure(path, fmt::format("set key autotitle columnhead off\nset title 'filters of {} (rows: "
                                "outputs, columns: inputs)' noenhanced\nset size ratio -1\nunset "
                                "xtics\nunset ytics\nset yrange [*:*] reverse\nunset border\n"
                                "set palette defined (-1 'blue', 0 'white', 1 'red')\nset cbrange "
                                "{}\n{}plot '{}' using 'x':'y':(0.5):(0.5):'value' with boxxyerror "
                                "fs solid noborder lc palette\n",
                                view.layer, range, labels, path.filename().string()));
}

void draw_places(const FilterView& view, const fs::path& file) {
  std::string csv = "photo,first,second,light,noise,colour\n";
  for (const PhotoView& p : view.photos) {
    std::string name = p.name;
    std::ranges::replace(name, ',', ' ');
    csv += fmt::format("{},{:.6g},{:.6g},{:.4f},{:.4f},{:.4f}\n", name, p.place[0], p.place[1],
                       p.facts.light, p.facts.noise, p.facts.colour);
  }
  const fs::path path = file.string() + "-photos.csv";
  write_file(path, csv);
  draw_figure(
      path, fmt::format(
                "set key autotitle columnhead\nset key off\nset title 'hidden "
                "activations of {}: a point a photo, its size the noise' noenhanced\n"
                "set xlabel 'first component, {:.0f} % of the variance'\nset ylabel 'second "
                "component, {:.0f} %'\nset grid\nset cblabel 'log2 of the mean light'\nset palette "
                "defined (0 'dark-violet', 1 'orange', 2 'gold')\nset offsets graph "
                "0.05,graph 0.2,graph 0.05,graph 0.05\nstats '{}' using 'noise' name 'N' nooutput\n"
                "size(n) = N_max > N_min ? 0.6 + 1.8*(n-N_min)/(N_max-N_min) : 1\n"
                "plot '{}' using 'first':'second':(size(column('noise'))):'light' with points pt 7 "
                "ps variable lc palette{}\n",
                view.layer, 100 * view.explained[0], 100 * view.explained[1],
                path.filename().string(), path.filename().string(),
                view.photos.size() <= 40
                    ? fmt::format(", '{}' using 'first':'second':'photo' with labels left offset "
                                  "0.8,0 font ',8' noenhanced",
                                  path.filename().string())
                    : std::string()));
}

}  // namespace

Tensor network_input_of(const Model& model, const fs::path& photo) {
  const int multiple = size_multiple(model.graph());
  if (model.info().task == Task::develop)
    return pack_mosaic(read_mosaic(photo, {}), 0, multiple).cells;
  const InputKind kind =
      model.info().task == Task::isp ? InputKind(MosaicInput{}) : InputKind(PhotoInput{});
  return cut_to_multiple(pair_input(photo, kind), multiple, photo);
}

PhotoFacts photo_facts(const Tensor& input, Task task) {
  const auto channels = int(input.shape().c);
  double light = 0, noise = 0;
  for (int c = 0; c < channels; ++c) {
    light += mean_of_channel(input, c) / channels;
    noise += noise_of_channel(input, c) / channels;
  }
  const auto [red, blue] = red_and_blue(task);
  return {log2_of(light), log2_of(noise),
          log2_of(mean_of_channel(input, red)) - log2_of(mean_of_channel(input, blue))};
}

FilterView view_filters(const std::shared_ptr<const Model>& shared, const std::string& layer,
                        const std::vector<fs::path>& photos) {
  const Model& model = *shared;
  const NodeId node = find_layer(model, layer);
  FilterView view;
  view.layer = model.graph().node(node).name;
  const auto& dims = model.weight(view.layer + ".weight").dims;
  view.out = int(dims[0]);
  view.channels = int(dims[1]);
  view.kernel = int(dims[2]);
  Engine engine(shared);
  std::vector<std::vector<double>> activations;
  for (const fs::path& photo : photos) {
    const Tensor input = network_input_of(model, photo);
    const std::vector<float> s = engine.statistics(input).at(node);
    const std::vector<float> hidden = hidden_activations(model, node, s);
    activations.emplace_back(hidden.begin(), hidden.end());
    view.photos.push_back({photo.filename().string(),
                           photo_facts(input, model.info().task),
                           predicted_filters(model, node, s),
                           {}});
  }
  find_places(view, std::move(activations));
  correlate(view);
  return view;
}

void draw_filters(const FilterView& view, const fs::path& file) {
  draw_panels(view, file);
  if (view.photos.size() > 2) draw_places(view, file);
}

}  // namespace hyperconv
