#include "studies/large_image.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "tools/gnuplot.hpp"

namespace hyperconv {
namespace {

constexpr int least_hidden = 1, most_hidden = 4096, hidden_step = 4;
constexpr double least_side = 64, most_side = 10'000;
constexpr int sides_a_decade = 8;
constexpr PhotoSize training_patch{448, 448};

LargeImagePoint point(const std::string& network, const Graph& graph, int hidden,
                      const PhotoSize& size) {
  return {hidden, size, total_cost(graph, network_input(network, graph, size))};
}

int hidden_of(const std::string& network) {
  const Graph graph = make_network(network);
  for (const Node& node : graph.nodes())
    if (const auto* hyper = std::get_if<HyperConv2d>(&node.op)) return hyper->hidden;
  fail("{} has no HyperConvolution: there is no hidden width to change", network);
}

/// Square photos, evenly spaced on a logarithmic axis, and the two sizes that everything is
/// measured at; by rising number of pixels.
std::vector<PhotoSize> photo_sizes(int64_t multiple) {
  std::vector<PhotoSize> sizes{training_patch, paper_flops_size};
  std::set<int64_t> sides;
  const int steps = int(std::lround(std::log10(most_side / least_side) * sides_a_decade));
  for (int i = 0; i <= steps; ++i) {
    const double side = least_side * std::pow(most_side / least_side, double(i) / steps);
    sides.insert(std::max<int64_t>(1, std::lround(side / double(multiple))) * multiple);
  }
  for (const int64_t side : sides) sizes.push_back({side, side});
  std::ranges::sort(sizes, {}, [](const PhotoSize& s) { return s.rows * s.columns; });
  return sizes;
}

std::string csv_of(const std::string& network, const std::vector<LargeImagePoint>& points) {
  std::string csv =
      "network,hidden,parameters,rows,columns,pixels,flops,flops_total,flops_total_per_pixel\n";
  for (const auto& p : points)
    csv += fmt::format("{},{},{},{},{},{:.0f},{},{},{:.3f}\n", network, p.hidden, p.cost.parameters,
                       p.size.rows, p.size.columns, p.pixels(), p.cost.flops, p.cost.flops_total,
                       p.flops_per_pixel());
  return csv;
}

/// One curve for each hidden width in the file.
std::string figure_of(const std::string& network, const std::vector<LargeImagePoint>& points) {
  std::set<int> widths;
  for (const auto& p : points) widths.insert(p.hidden);
  std::string plots;
  for (const int hidden : widths)
    plots += fmt::format(
        "{}'large-image.csv' using 6:($2=={} ? $9/1000 : NaN) with lines lw 2 title "
        "'hidden {}'",
        plots.empty() ? "plot " : ", \\\n  ", hidden, hidden);
  return fmt::format(
      "set datafile missing NaN\n"
      "set title '{}: fixed FLOPs in the large image limit'\n"
      "set logscale xy\nset grid\nset key top center\n"
      "set xlabel 'pixels of the photo'\nset ylabel 'kFLOP a pixel, hypernetworks included'\n"
      "set arrow from {},graph 0 to {},graph 1 nohead dashtype 2\n"
      "set label ' 448x448' at {},graph 0.04\n"
      "set arrow from {},graph 0 to {},graph 1 nohead dashtype 2\n"
      "set label ' 12 MP' at {},graph 0.04\n{}\n",
      network, 448 * 448, 448 * 448, 448 * 448, 3072 * 4096, 3072 * 4096, 3072 * 4096, plots);
}

}  // namespace

std::vector<LargeImagePoint> large_image(const std::string& network) {
  hidden_of(network);
  std::vector<LargeImagePoint> points;
  for (int hidden = least_hidden; hidden <= most_hidden; hidden *= hidden_step) {
    const Graph graph = make_network(network, {.width = {}, .hidden = hidden});
    const int64_t multiple = network_use(network).samples * size_multiple(graph);
    for (const PhotoSize& size : photo_sizes(multiple))
      points.push_back(point(network, graph, hidden, size));
  }
  return points;
}

std::vector<LargeImagePoint> tenfold_hidden(const std::string& network) {
  const int hidden = hidden_of(network);
  std::vector<LargeImagePoint> points;
  for (const int h : {std::max(1, hidden / 10), hidden, 10 * hidden})
    points.push_back(
        point(network, make_network(network, {.width = {}, .hidden = h}), h, paper_flops_size));
  return points;
}

void write_large_image(const std::filesystem::path& folder, const std::string& network,
                       const std::vector<LargeImagePoint>& points) {
  const auto csv = folder / "large-image.csv";
  write_file(csv, csv_of(network, points));
  draw_figure(csv, figure_of(network, points));
}

}  // namespace hyperconv
