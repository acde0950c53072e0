// Noise as a photo has it: born on the sensor, and what the camera made of it on its way to a JPEG.
#pragma once

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "simulation/demosaic.hpp"
#include "simulation/random_sensor.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {

/// What is drawn from for each photo.
struct PhotoNoiseRange {
  double least_shot = 2e-5, most_shot = 3e-2;  ///< shot variance, log-uniform
  double least_exposure = 0.3;  ///< half the photos are darkened, log-uniformly down to this
  double lamp_share = 0.5;      ///< in light of another colour than daylight (random_sensor.hpp)
  double row_share = 0.1;       ///< with row noise
  double none_share = 0.3;      ///< Demosaicking::none; bilinear and Malvar have the rest ...
  double libraw_share = 0.2;    ///< ... but for these, by AHD or DHT
  double lift_share = 0.25;     ///< of photos whose shadows were brightened
  double most_lift = 16;        ///< by a factor of up to this in black
  double contrast_share = 0.5;  ///< of photos with a tone curve
  double soft_share = 0.4;      ///< whose camera smoothed the noise, colour more than luma
  double most_luma_blur = 1.2, most_colour_blur = 3.5;  ///< deviations in pixels
  double sharp_share = 0.3;                             ///< of photos that were sharpened
  double jpeg_share = 0.6;                              ///< of photos that were stored as JPEG
  double again_share = 0.2;                             ///< of those: stored twice
  int least_quality = 60;                               ///< uniform from this to 100
};

/// One camera, one shot.
struct PhotoNoise {
  SimulatedCamera camera;
  SensorSettings sensor;
  Demosaicking demosaicking = Demosaicking::bilinear;
  double gain = 1;      ///< applied behind the sensor: brightens its noise too
  double lift = 1;      ///< shadows are brightened by up to this, smoothly from place to place
  double contrast = 0;  ///< share of an S-curve in the encoded picture, in [0,1]
  double luma_blur = 0, colour_blur = 0;  ///< sigma of the camera's smoothing, in pixels; 0: none
  double colour_share = 1;                ///< of the colour noise that it leaves
  double sharpening = 0;                  ///< share of the luma noise's detail that is added to it
  int first_quality = 0;                  ///< of a JPEG that it was stored as before; 0: none
  int jpeg_quality = 0;                   ///< 0: not stored as JPEG
};
PhotoNoise random_photo_noise(const PhotoNoiseRange& range, Random& random);

/// [1,3,H,W], sRGB in [0,1].
struct NoisyPhoto {
  Tensor noisy;  ///< in steps of 1/255
  /// Through the same JPEGs, whose artefacts are not noise: a denoiser is not to learn to smooth
  /// them.
  Tensor clean;
};

/// A scene (linear sRGB, [1,3,H,W], even sides of at least 22) as this camera shows it, with and
/// without its noise. The noise is what the camera's rendering of a noisy mosaic (demosaicing, its
/// matrix, brightened shadows, the sRGB curve, a tone curve) has beyond that of the same mosaic
/// without noise: it is correlated over neighbours and colours as a photo's is, and the photo
/// itself stays as sharp as it was. One thread.
NoisyPhoto noisy_photo(const Tensor& linear, const PhotoNoise& noise, Random& random);

}  // namespace hyperconv
