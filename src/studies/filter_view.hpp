// What a photo does to a network's filters, and where photos stand among each other by what the
// hidden layer makes of them.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "network/model.hpp"

namespace hyperconv {

/// A photo as a model's task wants it, cut at the right and below to a size that the network takes:
/// `develop` takes what `enhance` does, `isp` a one-channel PNG in Zurich RAW-to-DSLR's units,
/// `denoise` a photo. Throws Error naming the file.
Tensor network_input_of(const Model& model, const std::filesystem::path& photo);

/// What can be told of a photo without a network.
struct PhotoFacts {
  double light = 0;   ///< log2 of the mean
  double noise = 0;   ///< log2 of a noise estimate: mean size of a Laplacian (Immerkaer 1996)
  double colour = 0;  ///< log2 of red over blue
};
PhotoFacts photo_facts(const Tensor& input, Task task);

struct PhotoView {
  std::string name;
  PhotoFacts facts;
  std::vector<float> filters;     ///< [out][channels][k][k] of the layer
  std::array<double, 2> place{};  ///< among the photos: principal components of the activations
};

struct FilterView {
  std::string layer;
  int out = 0, channels = 0, kernel = 0;
  std::vector<PhotoView> photos;
  std::array<double, 2> explained{};  ///< shares of the activations' variance
  /// Pearson's correlation of each component with light, noise and colour; 0 for a single photo.
  std::array<std::array<double, 3>, 2> correlation{};
};

/// `layer`: a HyperConvolution's name; empty: the first one. Throws Error that lists them.
FilterView view_filters(const std::shared_ptr<const Model>& model, const std::string& layer,
                        const std::vector<std::filesystem::path>& photos);

/// FILE.csv and the figure drawn from it (.gnuplot, .svg, .png) of the first two photos' filters
/// and what tells them apart; with three or more photos FILE-photos.* of their places. `file` has
/// no ending.
void draw_filters(const FilterView& view, const std::filesystem::path& file);

}  // namespace hyperconv
