// A trained network in a file: .safetensors, with the graph and the facts about it in its metadata.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/graph.hpp"
#include "network/side_range.hpp"

namespace hyperconv {

/// What the metadata of a file of this version say under "format".
inline constexpr const char* model_format = "hyperconv-1";

/// How numbers are stored. `i8` is for HyperConv2d's A2 only, the largest matrices of a file: whole
/// numbers from -127 to 127, and a factor in f32 for every row of the matrix.
enum class Precision { f32, f16, bf16, i8 };

std::string to_string(Precision precision);

constexpr int64_t bytes_per_value(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return 4;
    case Precision::f16:
    case Precision::bf16:
      return 2;
    case Precision::i8:
      return 1;
  }
  return 0;
}

/// A learned array as the file stores it.
struct WeightView {
  Precision precision = Precision::f32;
  std::vector<int64_t> dims;
  std::span<const std::byte> bytes;
  std::span<const std::byte> scales = {};  ///< i8: a float for each of dims[0]

  int64_t count() const;
  /// The values as floats.
  std::vector<float> to_float() const;
  /// `count` values from the one at `first` on.
  std::vector<float> to_float(int64_t first, int64_t count) const;
};

/// What a network was trained for; a pipeline refuses a model of another task.
enum class Task {
  develop,  ///< packed, normalised, white-balanced mosaic RGGB [4,H/2,W/2] -> camera RGB [3,H,W]
  isp,      ///< Zurich RAW-to-DSLR: packed (B,Gb,R,Gr) / 1020 -> sRGB
  denoise,  ///< sRGB -> what to add to it
  noise     ///< sRGB -> log alpha and log beta of its noise: VDN's S-Net
};
std::string to_string(Task task);

/// The tone curve of a `develop` network's input and output.
enum class Domain {
  linear,     ///< none: values are proportional to light
  stabilised  ///< variance-stabilised: noise is as strong in shadows as in highlights
              ///< (raw/stabilised.hpp); the curve depends on the photo's noise
};
std::string to_string(Domain domain);
/// Throws Error that lists the names.
Domain domain_from_string(const std::string& name);

/// How a `develop` network's input holds a frame's samples.
enum class Packing {
  bayer,    ///< a cell of 2x2 samples: R, G of the red row, G of the blue row, B
  x_trans,  ///< a cell of 6x6 samples, row by row, that begins where XTrans does (base/x_trans.hpp)
  three_colours  ///< a cell of 2x2 pixels that have all colours: three_colour_places
};

/// Colour, row and column of each of the twelve numbers of a cell of Packing::three_colours: first
/// those that a cell of Bayer's has.
inline constexpr std::array<std::array<int, 3>, 12> three_colour_places = {{{0, 0, 0},
                                                                            {1, 0, 1},
                                                                            {1, 1, 0},
                                                                            {2, 1, 1},
                                                                            {0, 0, 1},
                                                                            {0, 1, 0},
                                                                            {0, 1, 1},
                                                                            {1, 0, 0},
                                                                            {1, 1, 1},
                                                                            {2, 0, 0},
                                                                            {2, 0, 1},
                                                                            {2, 1, 0}}};
std::string to_string(Packing packing);
/// Throws Error that lists the names.
Packing packing_from_string(const std::string& name);
/// Of a cell, in pixels.
int cell_side(Packing packing);
/// The numbers that a cell holds: channels of the network's input.
int cell_channels(Packing packing);

/// Facts about a model besides graph and weights. Text is free, of one line each.
struct ModelInfo {
  Task task = Task::develop;
  std::string name;          ///< "develop-16"
  std::string summary;       ///< how it was trained: data, steps, loss
  std::string data_licence;  ///< terms of the data it saw
  Domain domain = Domain::linear;
  Packing packing = Packing::bayer;  ///< of a `develop` network's input
  SideRanges side_ranges = {};       ///< of the graph's side inputs, as training showed them
};

class Model {
 public:
  /// Maps the file; weights are not copied. Every length, offset, type and name of the file is
  /// checked before use: throws Error naming the file and what is wrong with it.
  static Model load(const std::filesystem::path& path);

  /// Weights by name, all of the graph's parameters in fp32: an untrained or a just-trained
  /// network. Throws Error where one is missing or of another size, and where a side input's range
  /// does not fit the graph.
  Model(Graph graph, ModelInfo info, std::map<std::string, std::vector<float>> weights);

  const Graph& graph() const { return graph_; }
  const ModelInfo& info() const { return info_; }
  /// Throws Error when the model has no such weight.
  const WeightView& weight(const std::string& name) const;

 private:
  Model() = default;

  Graph graph_;
  ModelInfo info_;
  std::map<std::string, WeightView> weights_;
  std::shared_ptr<const void> storage_;  ///< owns the views' memory
};

/// Writes all weights in one precision; i8 stands for A2 in i8 (a row's largest number becomes 127)
/// and all else in f16. A weight that is not finite is refused. Whole or not at all.
void save_model(const std::filesystem::path& path, const Model& model, Precision precision);

/// How filters and biases are initialised; HyperConvolutions also have A1 and A2 (hyperfan-in,
/// network/initial.cpp).
enum class Initialisation {
  /// Normal with variance 2 / fan-in (He et al. 2015, for ReLU), biases zero.
  kaiming,
  /// What libtorch's modules begin with: filters and biases uniform within 1 / sqrt(fan-in), a
  /// variance of 1 / (3 fan-in).
  libtorch,
  /// Convolutions as kaiming, transposed ones as libtorch.
  kaiming_convolutions,
  /// As kaiming, but where statistics of the frame predict scales or shifts of channels, the last
  /// layer of that prediction begins at a tenth, as A2 does: step 0 is nearly the network without
  /// it.
  kaiming_gentle
};

/// A network at step 0. For a network of the zoo use untrained_network (zoo.hpp), which knows its
/// initialisation.
Model untrained(const Graph& graph, const ModelInfo& info, uint64_t seed,
                Initialisation initialisation = Initialisation::kaiming);

/// The graph as JSON and back. Reading throws Error that names the field.
std::string graph_to_json(const Graph& graph);
Graph graph_from_json(const std::string& text);

}  // namespace hyperconv
