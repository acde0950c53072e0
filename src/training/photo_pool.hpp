// Photos in memory, and patches drawn from them.
#pragma once

#include <filesystem>
#include <vector>

#include "base/random.hpp"
#include "base/tensor.hpp"
#include "image/image.hpp"
#include "training/recipe.hpp"

namespace hyperconv {

/// The photos of folders in linear light. They are kept as square roots in 16 bits: light of 0.18
/// is off by at most 6.5e-6, white by 1.5e-5, which is a fourth of a step of a 14-bit file; six
/// bytes a pixel.
class PhotoPool {
 public:
  /// Reads every JPEG, PNG and TIFF of the folders, in the order of their names, and keeps it once
  /// for each value of draw.shrink. Throws Error when a folder has none, or one is smaller than a
  /// patch.
  PhotoPool(const std::vector<std::filesystem::path>& folders, const PhotoDraw& draw, int patch);
  /// One folder and shrink, drawn evenly.
  PhotoPool(const std::filesystem::path& folder, int shrink, int patch);

  /// Of files read.
  size_t size() const { return files_; }
  /// A random crop [1,3,side,side], side up to the pool's patch, turned and mirrored in one of
  /// eight ways. Drawn evenly, photos weigh by area and all places of one are alike; by detail,
  /// places weigh by detail_weight() of a patch there.
  Tensor crop(int side, Random& random) const;

 private:
  struct Photo {
    int64_t height = 0, width = 0;
    std::vector<uint16_t> roots;  ///< [3,H,W], of 65535
  };
  /// A place to draw: the whole photo, or where a patch begins.
  struct Place {
    size_t photo = 0;
    int64_t top = 0, left = 0;
  };
  /// All photos, shrunk alike.
  struct Group {
    double share = 1;
    std::vector<Photo> photos;
    std::vector<Place> places;
    std::vector<double> cumulative_weights;  ///< of the places
  };

  static Photo store(const Tensor& linear);
  void add(Photo photo, Group& group) const;
  void add_places_by_detail(const Photo& photo, Group& group) const;
  const Group& draw_group(Random& random) const;

  PatchDraw draw_;
  int patch_;
  size_t files_ = 0;
  std::vector<Group> groups_;
};

/// Fine detail of a part of a photo: the mean absolute Laplacian (four neighbours, of each the
/// difference) of the square root of green; `roots` is of 65535, `stride` from row to row, and the
/// pixels around the part are looked at too where the photo has them.
struct RootPlane {
  const uint16_t* roots;
  int64_t height, width;
};
double fine_detail(const RootPlane& green, const Region& part);

/// How often a place with this detail is drawn, relatively: between 0.008 (sky, blur: rarely, but
/// they must be learned too) and 0.12 (beyond it all is as good) in proportion.
double detail_weight(double detail);

}  // namespace hyperconv
