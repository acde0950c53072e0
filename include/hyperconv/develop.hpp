// The job: a photo as the sensor saw it -> a clean picture.
#pragma once

#include "hyperconv/engine.hpp"
#include "hyperconv/image.hpp"
#include "hyperconv/mosaic.hpp"

namespace hyperconv {

/// Camera RGB after white balance -> linear sRGB, rows summing to 1 so that grey stays grey: the
/// inverse of (xyz_to_camera * XYZ from linear sRGB) with that matrix's rows scaled to sum 1, as
/// LibRaw and dcraw do. Identity where the camera's matrix is not known.
Matrix3 camera_to_srgb(const Mosaic& mosaic);

/// The sRGB curve (IEC 61966-2-1), linear to encoded and back, for any float; odd around zero.
float srgb_encode(float linear);
float srgb_decode(float encoded);

/// A mosaic as a `develop` network takes it: [1,4,h,w] in the order R, G of the red row, G of the
/// blue row, B, whatever the CFA's phase: black subtracted, 1 = the level at which the least
/// amplified channel saturates, white-balanced, cut at 1 from above and not from below. The frame
/// is mirrored at its edges (which keeps the phase) by at least `margin` samples and on to
/// multiples of `multiple` cells.
struct PackedMosaic {
  Tensor cells;
  int top = 0, left = 0;      ///< samples before the photo's first row and column
  int width = 0, height = 0;  ///< of the photo, in samples
};
PackedMosaic pack_mosaic(const Mosaic& mosaic, int margin, int multiple);

/// Develops mosaics with one model. Throws Error when the model is for another task.
class Developer {
 public:
  explicit Developer(std::shared_ptr<const Model> model, const EngineOptions& options = {});

  /// Camera RGB, linear, white-balanced, cropped to the photo: [1,3,height,width].
  Tensor camera_rgb(const Mosaic& mosaic);

  /// The picture: camera_rgb through camera_to_srgb and the sRGB curve, 16-bit, with EXIF; the
  /// orientation is handed on in the metadata.
  Image picture(const Mosaic& mosaic);

 private:
  std::shared_ptr<const Model> model_;
  Engine engine_;
};

/// Linear camera RGB [1,3,H,W] -> 16-bit sRGB picture by the mosaic's colours.
Image render(const Tensor& camera_rgb, const Mosaic& mosaic);

}  // namespace hyperconv
