// A network's architecture as data: a list of operators. Cost, training, the engine and the model
// file read it; none of them knows a network by name.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.hpp"

namespace hyperconv {

/// The network's input, [N,channels,H,W].
struct Input {
  int channels = 0;
};

/// A vector that is given beside the photo, [N,channels,1,1]: what is known of it and cannot be
/// seen in it, such as how strong its noise is. The node's name is the input's name (SideInputs).
struct SideInput {
  int channels = 0;
};

/// What a convolution reads beyond the frame's edge.
enum class Padding {
  zero,
  /// The frame mirrored without repeating its edge, and mirrored again where it is smaller than the
  /// kernel reaches; a frame of one pixel repeats it.
  reflect
};

/// Whether that is the frame itself, mirrored.
bool mirrors(Padding padding);

/// y = conv2d(x, W) + b with a border of (kernel-1)/2, odd kernels: [N,C,H,W] -> [N,out,H,W], or
/// [N,out,H/2,W/2] for stride 2, which takes even H and W.
struct Conv2d {
  int out_channels = 0;
  int kernel = 3;
  int stride = 1;  ///< 1 or 2
  Padding padding = Padding::zero;
  bool bias = true;  ///< false: y = conv2d(x, W)
};

/// Where a HyperConv2d's filters come from.
enum class Conditioning {
  layer,    ///< the mean of each channel of x over the frame: inputs {x}
  image,    ///< what is known of the whole photo, the same for all layers: inputs {x, s}, s a
            ///< PhotoDescriptor, a SideInput, or several of them in a Concat
  constant  ///< a learned vector: filters do not depend on the input (a control): inputs {x}
};

/// HyperConvolution: a 3x3, 1x1, ... convolution with filters of its own for every sample.
///     s = conditioning(x);  e = enc(s)                      [N,E]
///     W = W0 + A2 relu(A1 e + a1)                           [N,out,C,k,k]
///     y = conv2d(x, W) + b                                  zero padding (k-1)/2
/// enc keeps the size of the filters independent of the size of the input: for `layer` it is
/// s / r joined with tanh(log(r) / 4), r = rms(s) + 1e-6 (a black frame has s = 0), E = C + 1; for
/// `image` and `constant` it is s itself. A reconstruction from the abstract and poster of Muller
/// 2021 (arXiv 2105.08470), with the normalisation that arXiv 2304.07645 shows hypernetworks to
/// need.
struct HyperConv2d {
  int out_channels = 0;
  int kernel = 3;
  int hidden = 32;  ///< width of the MLP's hidden layer; does not enter the convolution's cost
  Conditioning conditioning = Conditioning::image;
  int constant_size = 16;  ///< length of the learned vector, for `constant` only
};

/// 2x2 transposed convolution of stride 2: [N,C,H,W] -> [N,out,2H,2W].
struct ConvTranspose2d {
  int out_channels = 0;
};

/// 2x2 mean, stride 2: H and W must be even.
struct AveragePool2d {};

/// 2x2 maximum, stride 2: H and W must be even.
struct MaxPool2d {};

/// Means over size x size cells of the frame: [N,C,H,W] -> [N,C,size,size]. Cell i of H rows is
/// [floor(i H / size), ceil((i+1) H / size)); with size 1 it is the mean of each channel.
struct AdaptiveAveragePool2d {
  int size = 1;
};

/// Mean of x's pixels, weighted by the softmax over the frame of a mask: inputs {x [N,C,H,W],
/// mask [N,1,H,W]} -> [N,C,1,1].
struct AttentionPool {};

/// 2x2 nearest neighbour: [N,C,H,W] -> [N,C,2H,2W].
struct Upsample2d {};

/// Bilinear interpolation: inputs {x} to twice the rows and columns, inputs {x, like} to those of
/// `like`. Output row y of H' reads input row
///     y (H-1) / (H'-1)             align_corners: the outermost pixels fall on each other
///     max((y+1/2) H / H' - 1/2, 0) otherwise: the frames' edges do
/// and the next one (at most H-1), weighted by the fraction.
struct Bilinear2d {
  bool align_corners = true;
};

enum class HaarKind {
  analysis,  ///< [N,C,H,W] -> [N,4C,H/2,W/2], H and W even: the subbands LL, HL, LH, HH of all
             ///< channels
  low,       ///< [N,C,H,W] -> [N,C,H/2,W/2]: LL alone
  synthesis  ///< [N,4C,H,W] -> [N,C,2H,2W]: the inverse of analysis
};
/// Haar wavelets. Of the pixels a b over c d, halved:
///     LL = a + b + c + d    HL = -a + b - c + d    LH = -a - b + c + d    HH = a - b - c + d
struct Haar2d {
  HaarKind kind = HaarKind::analysis;
};

/// [N,C*f*f,H,W] -> [N,C,f*H,f*W]; channel c*f*f + dy*f + dx goes to (f*y+dy, f*x+dx).
struct PixelShuffle {
  int factor = 2;
};

/// Channels of all inputs, in order.
struct Concat {};

/// Sum of two inputs of equal shape, or of [N,C,H,W] and [N,C,1,1].
struct Add {};

/// Product of two inputs, of the same shapes as for Add.
struct Multiply {};

enum class ActivationKind { relu, leaky_relu, sigmoid, tanh };
/// leaky_relu has slope 0.2 below zero.
struct Activation {
  ActivationKind kind = ActivationKind::relu;
};

/// y = x above zero, and learned slope * x below: one slope for all channels.
struct PRelu {};

enum class NormKind {
  instance,  ///< mean and variance of each channel over its frame
  layer,     ///< of all channels of a sample
  folded     ///< none: batch normalisation with its running statistics folded into scale and bias
};
/// y = scale[c] (x - mean) / sqrt(variance + 1e-5) + bias[c], with learned scale and bias.
struct Norm2d {
  NormKind kind = NormKind::instance;
};

/// Three numbers a channel that tell the light and the noise of a photo: log mean, log standard
/// deviation, log mean gradient, shifted and scaled to about [-1,1]: [N,C,H,W] -> [N,3C,1,1].
///     f(v) = (ln(max(v, 0) + 1e-4) + 4) / 4
/// std divides by H*W, the mean gradient by H*(W-1):
///     channel c: f(mean x) ; C + c: f(std x) ; 2C + c: f(mean |x[y,x+1]-x[y,x]| over all rows)
/// For W = 1 the gradient is 0.
struct PhotoDescriptor {};

/// The closed set of operators. A new alternative makes every reader fail to compile until it
/// handles it.
using Operator =
    std::variant<Input, Conv2d, HyperConv2d, ConvTranspose2d, AveragePool2d, MaxPool2d,
                 AdaptiveAveragePool2d, AttentionPool, Upsample2d, Bilinear2d, Haar2d, PixelShuffle,
                 Concat, Add, Multiply, Activation, PRelu, Norm2d, PhotoDescriptor, SideInput>;

/// "conv2d", "hyper_conv2d", ...: the name in files and messages.
std::string operator_name(const Operator& op);

/// Index of a node in its graph.
using NodeId = int;

struct Node {
  std::string name;  ///< unique in its graph; the prefix of its weights' names
  Operator op;
  std::vector<NodeId> inputs;  ///< all smaller than the node's own id
};

/// Nodes in an order in which they can run; node 0 is the only Input, the last one the output.
class Graph {
 public:
  /// Appends a node and gives its id. Throws Error when the name is taken, an input does not exist,
  /// the number of inputs is wrong for the operator, or a field is out of range; it names the node.
  NodeId add(std::string name, Operator op, std::vector<NodeId> inputs);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[size_t(id)]; }
  NodeId output() const { return NodeId(nodes_.size()) - 1; }
  bool empty() const { return nodes_.empty(); }

 private:
  std::vector<Node> nodes_;
};

/// Shape of every node's output for one input shape. Throws Error that names the node, what it got
/// and what it takes.
std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input);

/// For every node whether the output depends on it. The others hold weights that a published
/// network has and never uses: they are parameters, and nothing runs them.
std::vector<bool> needed_nodes(const Graph& graph);

/// Values of a graph's side inputs by their nodes' names: [N,channels,1,1].
using SideInputs = std::map<std::string, Tensor>;

/// Throws Error that names the node where a side input that the graph has is missing or of another
/// shape than [samples,channels,1,1], and names what the graph has no node for.
void check_side_inputs(const Graph& graph, const SideInputs& side, int64_t samples = 1);

/// Zeros for each of the graph's side inputs, [samples,channels,1,1]: for what does not depend on
/// them, such as how long a network takes.
SideInputs neutral_side_inputs(const Graph& graph, int64_t samples = 1);

/// H and W of the input must be multiples of this: the factor by which the coarsest level is
/// smaller.
int size_multiple(const Graph& graph);

/// Side of the square of input pixels that an output pixel depends on: twice the farthest distance
/// in any direction, plus one. Filters only: statistics depend on the whole frame.
int receptive_field(const Graph& graph);

/// What a learned array is for; initialisation, learning rates and precision depend on it.
enum class ParameterRole {
  filter,          ///< W of Conv2d and ConvTranspose2d, W0 of HyperConv2d
  bias,            ///< b
  scale,           ///< of Norm2d
  slope,           ///< of PRelu
  hyper_in,        ///< A1 [hidden, E]
  hyper_in_bias,   ///< a1 [hidden]
  hyper_out,       ///< A2 [F, hidden], F = out*C*k*k
  hyper_constant,  ///< the learned s
};

struct Parameter {
  std::string name;  ///< "<node>.weight", ".bias", ".a1.weight", ".a1.bias", ".a2.weight", ".s"
  std::vector<int64_t> dims;
  ParameterRole role;
  NodeId node;

  int64_t count() const;
};

/// Every learned array, in the order of the nodes.
std::vector<Parameter> parameters(const Graph& graph);

}  // namespace hyperconv
