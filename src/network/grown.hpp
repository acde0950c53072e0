// A larger network that begins as a trained smaller one.
#pragma once

#include "network/model.hpp"

namespace hyperconv {

/// The model's weights in a larger network of the same layers: layers may have more output
/// channels, more inputs, a wider hidden layer; layers that the model has not may be there too. It
/// says what the model says, up to rounding: what a layer that the model has reads of new channels
/// has weights of zero, and new channels begin as `untrained`'s, whose graph it is (Net2Net's idea,
/// Chen et al. 2016, arXiv 1511.05641, with new channels instead of copied ones). Where a layer
/// reads another one than in the model, the model's channels are taken for the first of it. Throws
/// Error that names the layer that does not fit: one that is smaller, has another kernel, or looks
/// at all channels together (norms of a layer) where there are new ones.
Model grown(const Model& model, const Model& untrained);

}  // namespace hyperconv
