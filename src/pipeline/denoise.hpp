// The job: a photo with noise -> the photo without it.
#pragma once

#include <optional>

#include "engine/engine.hpp"
#include "hyperconv/types.hpp"
#include "image/grain.hpp"
#include "image/image.hpp"
#include "pipeline/removed_noise.hpp"

namespace hyperconv {

struct DenoiseOptions {
  EngineOptions engine;
  /// Bytes that a photo's floats and the network's activations may take; a photo that needs more is
  /// processed in parts. Nothing: three quarters of what is available.
  std::optional<int64_t> memory = {};
  /// Most that is removed anywhere, as a multiple of the photo's own noise level: what the network
  /// would remove beyond that is detail (pipeline/noise_level.hpp). 0: no limit. A higher limit
  /// loses detail, a lower one leaves noise: 1 already does, since local deviations vary.
  double noise_limit = 1.25;
  /// The photos' noise, for models that are told it; nothing: what estimate_grain() says.
  std::optional<Grain> grain = {};
};

/// What a denoiser that is told the noise gets beside a photo: the side input `noise`; nothing for
/// one that is not.
SideInputs grain_inputs(const Graph& graph, const Grain& grain);
bool is_told_grain(const Graph& graph);

/// Seconds that each stage of one photo took.
struct DenoiseTimes {
  double filters = 0;  ///< reading the whole photo for the filters predicted from it
  double level = 0;    ///< estimating the noise level from samples of it
  double network = 0;
  double total = 0;
};

/// Denoises photos of any size with one model. Predicted filters (PhotoDescriptor) and noise level
/// always depend on the whole photo, whatever part is requested and however many parts it is
/// processed in: the result is the same, bit for bit, where the network runs row by row, and
/// otherwise up to rounding (a step of 16 bits). A network that reads whole layers (norms,
/// attention) runs on the whole photo. One call at a time.
class Denoiser {
 public:
  /// Throws Error when the model is for another task, its graph does not turn [1,3,h,w] into
  /// [1,3,h,w] or VDN's [1,6,h,w], of which the first three channels are added to the photo, or it
  /// has other side inputs than `noise`, the photo's grain (image/grain.hpp).
  explicit Denoiser(std::shared_ptr<const Model> model, const DenoiseOptions& options = {});
  ~Denoiser();
  Denoiser(Denoiser&&) noexcept;
  Denoiser& operator=(Denoiser&&) noexcept;

  /// The photo without its noise: of the same depth, channels and metadata. Samples are taken as
  /// sRGB-encoded, whatever the profile says; grey is seen as R = G = B and stays grey; alpha is
  /// copied. The orientation is kept in the metadata, not applied.
  Image picture(const Image& photo, const DenoiseStrength& strength = {});
  /// That part of it alone; only it and the halo around it that the network reads are processed.
  /// Throws Error when the part is empty or not within the photo.
  Image part(const Image& photo, const Region& part, const DenoiseStrength& strength = {});

  /// How strong the noise is that the network would remove from that part: the RMS of what it
  /// removes, over 15x15 pixels, as a picture (see noise_picture).
  Image removed_noise(const Image& photo, const Region& part);
  /// Both from one run of the network.
  struct Result {
    Image picture, removed_noise;
  };
  Result picture_and_noise(const Image& photo, const Region& part,
                           const DenoiseStrength& strength = {});

  /// Of the last photo.
  const DenoiseTimes& times() const;
  /// The noise that the network was told of the last photo; nothing of a network that is not told.
  const std::optional<Grain>& grain() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The noise's standard deviation at each pixel of a part of a photo, as VDN's S-Net estimates it
/// (the mode of its inverse gamma distribution, beta / (alpha + 1)), scaled by noise_map_scale:
/// RGB, or grey of a grey photo, 16 bits. Throws Error when the model is for another task or its
/// graph does not turn [1,3,h,w] into [1,6,h,w].
Image estimated_noise(const std::shared_ptr<const Model>& noise_model, const Image& photo,
                      const Region& part, const DenoiseOptions& options = {});

}  // namespace hyperconv
