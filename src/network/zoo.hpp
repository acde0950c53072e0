// The networks we know by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "network/graph.hpp"
#include "network/model.hpp"

namespace hyperconv {

struct PlainUNet {
  int width = 32;
};

struct HyperUNet {
  int width = 16;
  int hidden = 32;  ///< 0: no HyperConvolution, ordinary convolutions in the same places
  Conditioning conditioning = Conditioning::image;
  /// Adds a learned 3x3 convolution from the mosaic to the output, a linear demosaicer: the rest of
  /// the network learns the residual. Ours, not the paper's.
  bool linear_path = false;
};

/// Two levels, no HyperConvolution; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W]. With width 48 and
/// 32 it has the printed cost of the poster's "no HC" rows (a reconstruction).
Graph plain_unet(const PlainUNet& shape);

/// Three levels; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W]; H and W multiples of 4. All 3x3
/// convolutions but the first and the last are HyperConvolutions. With width 32, 20 and 16 it has
/// the printed cost of the poster's rows I, II and III (a reconstruction).
Graph hyper_unet(const HyperUNet& shape);

/// What the study backbone's inner layers are.
enum class StudyVariant {
  plain,               ///< ordinary convolutions
  hyper_constant,      ///< HyperConvolutions whose filters do not depend on the photo
  hyper_layer,         ///< conditioned by the means of their own input
  hyper_image,         ///< conditioned by the photo's descriptor
  squeeze_excitation,  ///< Hu et al. 2018: a gate a channel from the layer's own means
  film,                ///< Perez et al. 2018: a scale and a shift a channel from the descriptor
  colour_affine        ///< ordinary ones, and 3x4 numbers from the descriptor that turn the RGB
};

struct StudyNetwork {
  StudyVariant variant = StudyVariant::plain;
  int width = 8;
  int hidden = 32;  ///< of HyperConvolutions, or of what predicts scales, shifts and colours
};

/// The backbone of the studies: two levels; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W], H and W
/// even. All variants have the same convolutions in the same places.
Graph study_network(const StudyNetwork& shape);

/// PyNET: five levels; a packed mosaic [N,4,H,W] -> RGB [N,3,2H,2W]; H and W multiples of 16.
Graph pynet(int width = 32);
/// PyNET-CA: the same with channel attention.
Graph pynet_ca(int width = 32);
/// AWNet's branch for packed mosaics: five levels of Haar wavelets; [N,4,H,W] -> [N,3,2H,2W]; H and
/// W multiples of 16, the width of 8.
Graph awnet(int width = 64);
/// VDN's D-Net: [N,3,H,W] -> [N,6,H,W], what to add to the photo and the log of its variance; H and
/// W multiples of 8. With a hidden width all its 3x3 convolutions but the first and the last are
/// HyperConvolutions, conditioned by the whole photo's descriptor: ours, after the paper's idea.
Graph vdn_denoiser(int width = 64, int hidden = 0);

struct SmallDenoiser {
  int width = 16;
  int hidden = 32;  ///< 0: no HyperConvolution, ordinary convolutions in the same places
  /// The photo's noise is a side input `noise` of 14 numbers (grain_condition), which filters
  /// follow beside the photo's descriptor; without HyperConvolutions it is added to the first
  /// layer.
  bool is_told = false;
};
/// Four levels, the first at half the photo's size: [N,3,H,W] -> [N,3,H,W], what to add to the
/// photo; H and W multiples of 16. The 3x3 convolutions of the two upper levels are
/// HyperConvolutions, which follow the whole photo's descriptor. Ours, after the paper's idea.
Graph small_denoiser(const SmallDenoiser& shape);
struct DevelopNetwork {
  /// Channels of each level: the first has the size of the packed mosaic, each other half that of
  /// the one above.
  std::vector<int> widths = {24, 32, 64, 96};
  int hidden = 32;       ///< 0: no HyperConvolution, ordinary convolutions in the same places
  int hyper_levels = 2;  ///< from the first on; the filters of the others do not follow the noise
  /// FiLM instead of HyperConvolutions: ordinary convolutions whose outputs are scaled and shifted
  /// as two layers, the first of `hidden` channels, predict from the noise.
  bool film = false;
  bool sees_photo = false;  ///< the filters follow the photo's descriptor too
  int linear_kernel = 3;    ///< of the linear demosaicer beside the network; 0: without it
  Packing packing = Packing::bayer;
};
/// A packed mosaic [N,4,H,W] and the side input `noise` [N,6,1,1] (raw/stabilised.hpp) -> RGB
/// [N,3,2H,2W]; H and W multiples of 2^(levels - 1). The filters are predicted from the noise;
/// without HyperConvolutions the noise enters like constant channels beside the mosaic's. Of
/// X-Trans the mosaic is [N,36,H,W] and the picture [N,3,6H,6W]: a first convolution, of which each
/// place of the pattern has filters of its own, interpolates all colours into twelve channels of
/// 2x2 samples (x_trans_interpolation), and the rest is the same. Of frames that have three colours
/// at every pixel the input has those twelve channels itself (three_colour_places): [N,12,H,W] ->
/// [N,3,2H,2W]. Ours, after the paper's idea.
Graph develop_network(const DevelopNetwork& shape);

/// The first values of that convolution's filter, [108,36,3,3]: a sample stays, a missing colour is
/// the mean of the nearest ones of it, weighted by a Gaussian of one pixel. Its output 9 i + p is
/// channel i at place p, of 3x3, in the cell; channels are R, G, G, B at the places of a cell of
/// Bayer's, so that a network for those may follow, then red at the other three, green and blue.
std::vector<float> x_trans_interpolation();
inline constexpr const char* interpolation_layer = "interpolation";

/// What `hyperconv study designs` compares with `develop`; the zoo has each as design-NAME.
struct DevelopDesign {
  std::string name, summary;
  DevelopNetwork shape;
};
const std::vector<DevelopDesign>& develop_designs();

/// VDN's S-Net, for its training only: [N,3,H,W] -> [N,6,H,W], log alpha and log beta of the noise.
Graph vdn_noise(int width = 64);

/// What a user may override of a network.
struct ZooOptions {
  std::optional<int> width;
  std::optional<int> hidden;
};

/// A network by name. Throws Error that lists the known names.
Graph make_network(const std::string& name, const ZooOptions& options = {});
std::vector<std::string> network_names();

/// A network's task, and how a photo becomes its input.
struct NetworkUse {
  Task task = Task::develop;
  /// The side of the square of a photo's samples that one pixel of the input holds: 2 for a packed
  /// mosaic or pixels of three colours, 6 for one of X-Trans, 1 for RGB.
  int samples = 2;
  Domain domain = Domain::linear;    ///< of a `develop` network
  Packing packing = Packing::bayer;  ///< likewise
};
/// Throws Error that lists the known names.
NetworkUse network_use(const std::string& name);

/// A photo's extent in samples; written "3072x4096", rows first, as the paper does.
struct PhotoSize {
  int64_t rows = 0, columns = 0;
  bool operator==(const PhotoSize&) const = default;
};
std::string to_string(const PhotoSize& size);

/// What the network takes of a photo of this size: [1,C,H,W]. Throws Error that says which sizes it
/// takes.
Shape network_input(const std::string& name, const Graph& graph, const PhotoSize& size);

/// The frames at which the poster's table counts FLOPs (of all networks) and conv memory (the
/// Huawei P20's; PyNET's is cut to the multiples of 32 packed pixels that its code takes).
inline constexpr PhotoSize paper_flops_size{3072, 4096};
PhotoSize paper_memory_size(const std::string& name);

/// How a network's published training begins. Our own begin with `kaiming`. Throws Error that lists
/// the known names.
Initialisation network_initialisation(const std::string& name);

/// A network by name at step 0: make_network with weights of network_initialisation.
Model untrained_network(const std::string& name, const ZooOptions& options, const ModelInfo& info,
                        uint64_t seed);

/// Largest hidden width with which the graph has at most `count` parameters.
int hidden_for_parameters(HyperUNet shape, int64_t count);

}  // namespace hyperconv
