// The networks we know by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hyperconv/graph.hpp"

namespace hyperconv {

struct PlainUNet {
  int width = 32;
};

struct HyperUNet {
  int width = 16;
  int hidden = 32;  ///< 0: no HyperConvolution, ordinary convolutions in the same places
  Conditioning conditioning = Conditioning::image;
  /// Adds a learned 3x3 convolution from the mosaic straight to the output: it becomes a linear
  /// demosaicer, and the rest learns what that gets wrong. Ours, not the paper's.
  bool linear_path = false;
};

/// Two levels, no HyperConvolution; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W]. With width 48 and
/// 32 it has the printed cost of the poster's "no HC" rows (a reconstruction).
Graph plain_unet(const PlainUNet& shape);

/// Three levels; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W]; H and W multiples of 4. All 3x3
/// convolutions but the first and the last are HyperConvolutions. With width 32, 20 and 16 it has
/// the printed cost of the poster's rows I, II and III (a reconstruction).
Graph hyper_unet(const HyperUNet& shape);

/// What a user may override.
struct ZooOptions {
  std::optional<int> width;
  std::optional<int> hidden;
};

/// A network by name. Throws Error that lists the known names.
Graph make_network(const std::string& name, const ZooOptions& options = {});
std::vector<std::string> network_names();

/// Largest hidden width with which the graph has at most `count` parameters.
int hidden_for_parameters(HyperUNet shape, int64_t count);

}  // namespace hyperconv
