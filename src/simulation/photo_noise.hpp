// Noise as a photo has it: born on the sensor, and what the camera made of it on its way to a JPEG.
#pragma once

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {

/// What is drawn from for each photo.
struct PhotoNoiseRange {
  double least_shot = 5e-5, most_shot = 1.2e-2;  ///< shot variance, log-uniform
  double least_exposure = 0.3;  ///< half the photos are darkened, log-uniformly down to this
  double soft_share = 0.3;  ///< of photos whose camera smoothed the noise, colour more than luma
  double jpeg_share = 0.5;  ///< of photos that were stored as JPEG
  int least_quality = 75;   ///< of those: uniform from this to 100
};

/// One camera, one shot.
struct PhotoNoise {
  SimulatedCamera camera;
  SensorSettings sensor;
  double gain = 1;                        ///< applied behind the sensor: brightens its noise too
  double luma_blur = 0, colour_blur = 0;  ///< sigma of the camera's smoothing, in pixels; 0: none
  double colour_share = 1;                ///< of the colour noise that it leaves
  int jpeg_quality = 0;                   ///< 0: not stored as JPEG
};
PhotoNoise random_photo_noise(const PhotoNoiseRange& range, Random& random);

/// [1,3,H,W], sRGB in [0,1].
struct NoisyPhoto {
  Tensor noisy;  ///< in steps of 1/255
  Tensor clean;
};

/// A scene (linear sRGB, [1,3,H,W], even sides) as this camera shows it, with and without its
/// noise. The noise is what the camera's rendering of a noisy mosaic (bilinear demosaicing, its
/// matrix, the sRGB curve) has beyond that of the same mosaic without noise: it is correlated over
/// neighbours and colours as a photo's is, and the photo itself stays as sharp as it was.
NoisyPhoto noisy_photo(const Tensor& linear, const PhotoNoise& noise, Random& random);

}  // namespace hyperconv
