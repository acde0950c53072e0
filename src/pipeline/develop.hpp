// The job: a photo as the sensor saw it -> a clean picture.
#pragma once

#include <functional>
#include <optional>

#include "engine/parts.hpp"
#include "image/image.hpp"
#include "image/output_space.hpp"
#include "raw/colour.hpp"
#include "raw/highlights.hpp"
#include "raw/lens.hpp"
#include "raw/mosaic.hpp"
#include "raw/mosaic_noise.hpp"
#include "raw/stabilised.hpp"

namespace hyperconv {

/// Camera RGB after white balance -> linear sRGB, rows summing to 1 so that grey stays grey: the
/// inverse of (xyz_to_camera * XYZ from linear sRGB) with that matrix's rows scaled to sum 1, as
/// LibRaw and dcraw do. Identity where the camera's matrix is not known.
Matrix3 camera_to_srgb(const Mosaic& mosaic);

/// What is wanted of a picture. As it is here, it is LibRaw's rendering.
struct Rendering {
  double stops = 0;  ///< by which it is brighter, in linear light
  HighlightMode highlights = HighlightMode::clip;
  OutputSpace space = OutputSpace::srgb;
  /// Floats in the space's linear light, cut nowhere, with a profile that says so.
  bool linear = false;
};

/// What a picture is rendered with: camera_to_srgb times 2^(baseline_exposure + stops), by what is
/// white of the highlights, into the wanted space.
Matrix3 rendering_matrix(const Mosaic& mosaic, const Rendering& rendering = {});

/// A frame that needs no demosaicing as a picture: through rendering_matrix and the space's curve,
/// or, of a monochrome one, exposure and sRGB's curve alone; 16 bits, RGB or grey, never linear,
/// with the metadata that Developer::picture gives. Its noise stays, and its highlights are
/// clipped.
Image picture_of(const LinearFrame& frame, const Rendering& rendering = {});

/// The frame's light as the lens should have made it, on so many threads (0: all cores).
void correct_lens(LinearFrame& frame, const LensCorrection& lens, int threads = 0);

/// The packing of a sensor's mosaics, and of a frame.
Packing packing_of(const ColourFilters& filters);
Packing packing_of(const FrameView& frame);

/// The filters of a mosaic that begins with a whole cell of this packing; nothing where frames of
/// it have three colours at every pixel.
std::optional<ColourFilters> filters_of(Packing packing);

/// A mosaic as a `develop` network takes it: [1,4,h,w] in the order R, G of the red row, G of the
/// blue row, B, whatever the CFA's phase, or of X-Trans [1,36,h,w], each place of the pattern in
/// its order: black subtracted, 1 = the level at which the least amplified channel saturates,
/// white-balanced, cut at 1 (or where the frame saturates below that: Mosaic::saturated_at) from
/// above and not from below. The frame is mirrored at its edges (which keeps the phase) by at least
/// `margin` samples and on to multiples of `multiple` cells. Of a frame that is no mosaic
/// [1,12,h,w]: three_colour_places from the sensor's red sample on, so that the first four are the
/// sensor's own samples where it was demosaicked from a Bayer pattern
/// (LinearFrame::demosaicked_from); a monochrome frame has its brightness in all colours.
struct PackedMosaic {
  Tensor cells;
  int top = 0, left = 0;      ///< samples before the photo's first row and column
  int width = 0, height = 0;  ///< of the photo, in samples
};
PackedMosaic pack_mosaic(const FrameView& frame, int margin, int multiple);

/// Variance-stabilises cells: noise of this profile becomes about equally strong at every
/// brightness, as a model of Domain::stabilised takes it. In place, on all cores.
void stabilise(Tensor& cells, const NoiseProfile& noise);

/// What pack_mosaic makes of it, and where the photo lies in that, in samples.
struct PackedFrame {
  Shape cells;
  Region photo;
};
PackedFrame packed_frame(const FrameView& frame, int margin, int multiple);

/// A part of the cells, [1,4,part.height,part.width], of X-Trans [1,36,...], of three colours
/// [1,12,...].
void pack_part(const FrameView& photo, const PackedFrame& frame, const Region& part, Tensor& cells);

/// A picture of a frame, or of a part of it.
struct PictureRequest {
  Rendering rendering;
  std::optional<Region> part = {};  ///< in pixels of the photo as it is stored; nothing: all
  /// What the lens did is taken back in linear camera RGB, restored highlights included; a part is
  /// then one of the corrected photo. nullptr: nothing is.
  const LensCorrection* lens = nullptr;
  /// The network is told that there is no noise: it takes none away, and the picture has the
  /// photo's own grain.
  bool keeps_grain = false;
};

struct DevelopOptions {
  EngineOptions engine;
  /// The photos' noise, for models that are told it; nothing: what the mosaic says of itself.
  std::optional<NoiseProfile> noise = {};
  /// Bytes that a photo's floats and the network's activations may take; a photo that needs more is
  /// processed in parts, which changes no bit of the picture. Nothing: three quarters of what is
  /// available.
  std::optional<int64_t> memory = {};
};

/// Seconds that each stage of one photo took.
struct DevelopTimes {
  double network = 0;  ///< packing and the network
  double colour = 0;   ///< highlights, the camera's matrix and the curve
};

/// Develops frames with one model; photos of any size of at least 2x2 samples, of X-Trans 6x6.
class Developer {
 public:
  /// Throws Error when the model is for another task, its graph does not turn a packed mosaic
  /// [1,4,h,w] into RGB [1,3,2h,2w] (of X-Trans [1,36,h,w] into [1,3,6h,6w], of three colours
  /// [1,12,h,w] into [1,3,2h,2w]), or it has other side
  /// inputs than `noise`.
  explicit Developer(std::shared_ptr<const Model> model, const DevelopOptions& options = {});

  /// Camera RGB, linear, white-balanced: [1,3,height,width], which is not counted as memory. Around
  /// 1 a channel is saturated; noise that is left may be below 0. Of a monochrome frame
  /// [1,1,height,width]. `keeps_grain` as in PictureRequest. A model that is told the noise
  /// changes a linear frame that was not demosaicked (LinearFrame::demosaicked_from) by no more
  /// than four deviations of it. Throws Error when the model takes another packing than the
  /// frame's.
  Tensor camera_rgb(const FrameView& frame, bool keeps_grain = false);

  /// The picture: camera_rgb through rendering_matrix and the space's curve, 16 bits a sample (or
  /// floats: Rendering::linear), with the shot's EXIF, XMP and IPTC and the space's profile; the
  /// orientation is kept in the metadata, not applied. Of a monochrome frame it is grey, with
  /// exposure and sRGB's curve alone, never linear.
  Image picture(const FrameView& frame, const Rendering& rendering = {}) {
    return picture(frame, PictureRequest{.rendering = rendering});
  }
  /// The filters are the whole photo's, whatever part is requested: it shows what the whole picture
  /// would show there. Throws Error when the part is empty or not within the photo, and when grain
  /// is to be kept by a model that is not told the noise.
  Image picture(const FrameView& frame, const PictureRequest& request);

  /// The same picture, from top to bottom and never whole in memory: `use` is called with the next
  /// rows, a few hundred at the most, without metadata. Throws Error as picture does, of a
  /// monochrome frame, and where the request has a lens, whose correction reads all of the light.
  void picture_rows(const FrameView& frame, const PictureRequest& request,
                    const std::function<void(const Image&)>& use);

  const std::string& model_name() const { return model_->info().name; }
  /// Of the frames that the model is for.
  Packing packing() const { return model_->info().packing; }
  /// Of the network's feature maps.
  Precision precision() const { return runner_.engine().precision(); }
  /// Of the last photo.
  const DevelopTimes& times() const { return times_; }
  /// The noise that the network was told of the last photo, and where the figures are from; nothing
  /// where its model takes none.
  const std::optional<KnownNoise>& noise() const { return noise_; }

 private:
  // Pixels of the photo, and the output that holds them: `place` is where they lie in it, in the
  // light of `curve`.
  struct Pixels {
    Region photo, place;
    const Tensor& output;
    const std::optional<StabilisingCurve>& curve;
  };
  Image corrected_picture(const FrameView& frame, const PictureRequest& request, const Region& part,
                          ColourPath path);
  Image monochrome_picture(const FrameView& frame, const PictureRequest& request,
                           const Region& part);
  void run_network(const FrameView& frame, const Region& part, bool keeps_grain,
                   const std::function<void(const Pixels&)>& use);

  std::shared_ptr<const Model> model_;
  PartRunner runner_;
  std::optional<NoiseProfile> given_;
  std::optional<KnownNoise> noise_;
  bool is_told_noise_;  ///< the model takes the noise, as a side input or for its domain
  int margin_;          ///< mirrored samples around the photo: the network's halo
  int multiple_;        ///< of cells
  int side_;            ///< samples of a cell
  DevelopTimes times_;
};

}  // namespace hyperconv
