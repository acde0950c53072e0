#include "training/photo_pool.hpp"

#include <algorithm>
#include <cmath>

#include "base/fail.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/wide.hpp"
#include "image/folder.hpp"
#include "simulation/simulator.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;

constexpr float one = 65535;
/// Places lie this many to the side of a patch.
constexpr int64_t places_a_side = 4;

HYPERCONV_WIDE void to_roots(const float* linear, int64_t count, uint16_t* roots) {
  for (int64_t i = 0; i < count; ++i) roots[i] = uint16_t(std::sqrt(linear[i]) * one + 0.5f);
}

HYPERCONV_WIDE void to_light(const uint16_t* roots, int64_t count, float* light) {
  for (int64_t i = 0; i < count; ++i) {
    const float root = float(roots[i]) * (1 / one);
    light[i] = root * root;
  }
}

/// A square of a photo as it lies there, and how it is seen after turning and mirroring.
struct Turned {
  int64_t origin, step_y, step_x;
};

Turned turned(int64_t turn, int64_t side) {
  // (v, u) is the place in the photo that is seen at (y, x).
  int64_t v_step = side, u_step = 1;
  if ((turn & 4) != 0) std::swap(v_step, u_step);
  Turned result{0, v_step, u_step};
  if ((turn & 1) != 0) {
    result.origin += (side - 1) * v_step;
    result.step_y = -v_step;
  }
  if ((turn & 2) != 0) {
    result.origin += (side - 1) * u_step;
    result.step_x = -u_step;
  }
  return result;
}

std::vector<fs::path> files_of(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  for (const fs::path& folder : folders)
    for (const fs::path& file : pictures_in(folder)) files.push_back(file);
  return files;
}

}  // namespace

double fine_detail(const RootPlane& green, const Region& part) {
  const int64_t bottom = part.top + part.height, right = part.left + part.width;
  int64_t sum = 0;
  for (int64_t y = part.top; y < bottom; ++y) {
    const uint16_t* here = green.roots + y * green.width;
    const uint16_t* above = y > 0 ? here - green.width : here;
    const uint16_t* below = y + 1 < green.height ? here + green.width : here;
    for (int64_t x = part.left; x < right; ++x) {
      const int left = here[std::max<int64_t>(x - 1, 0)];
      const int beside = here[std::min(x + 1, green.width - 1)];
      sum += std::abs(4 * int(here[x]) - int(above[x]) - int(below[x]) - left - beside);
    }
  }
  return double(sum) / double(one) / double(part.height * part.width);
}

double detail_weight(double detail) { return std::clamp(detail, 0.008, 0.12); }

PhotoPool::PhotoPool(const std::vector<fs::path>& folders, const PhotoDraw& draw, int patch)
    : draw_(draw.places), patch_(patch), groups_(draw.shrink.size()) {
  for (size_t i = 0; i < groups_.size(); ++i) groups_[i].share = draw.shrink_share.at(i);
  const auto files = files_of(folders);
  Progress progress("reading photos", int64_t(files.size()));
  for (const fs::path& file : files) {
    throw_if_interrupted();
    const Image image = read_image(file);
    for (size_t i = 0; i < groups_.size(); ++i) {
      const Tensor photo = linear_srgb(image, int(draw.shrink[i]));
      const auto& shape = photo.shape();
      if (std::min(shape.h, shape.w) < patch)
        fail("{}: is {}x{} after shrinking by {}, smaller than a patch of {}", file.string(),
             shape.w, shape.h, draw.shrink[i], patch);
      add(store(photo), groups_[i]);
    }
    progress.show(int64_t(++files_));
  }
}

PhotoPool::PhotoPool(const fs::path& folder, int shrink, int patch)
    : PhotoPool(std::vector{folder}, PhotoDraw{.shrink = {shrink}}, patch) {}

PhotoPool::Photo PhotoPool::store(const Tensor& linear) {
  Photo photo{linear.shape().h, linear.shape().w, std::vector<uint16_t>(linear.size())};
  to_roots(linear.data(), int64_t(linear.size()), photo.roots.data());
  return photo;
}

void PhotoPool::add(Photo photo, Group& group) const {
  group.photos.push_back(std::move(photo));
  const Photo& added = group.photos.back();
  switch (draw_) {
    case PatchDraw::even: {
      const double before = group.cumulative_weights.empty() ? 0 : group.cumulative_weights.back();
      group.places.push_back({group.photos.size() - 1, 0, 0});
      group.cumulative_weights.push_back(before + double(added.height * added.width));
      return;
    }
    case PatchDraw::detail:
      add_places_by_detail(added, group);
      return;
  }
}

void PhotoPool::add_places_by_detail(const Photo& photo, Group& group) const {
  const int64_t step = std::max<int64_t>(patch_ / places_a_side, 1);
  const int64_t rows = photo.height / step, columns = photo.width / step;
  const RootPlane green = {photo.roots.data() + photo.height * photo.width, photo.height,
                           photo.width};
  std::vector<double> detail;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x)
      detail.push_back(fine_detail(green, {y * step, x * step, step, step}));
  double sum = group.cumulative_weights.empty() ? 0 : group.cumulative_weights.back();
  for (int64_t y = 0; y + places_a_side <= rows; ++y)
    for (int64_t x = 0; x + places_a_side <= columns; ++x) {
      double within = 0;
      for (int64_t v = 0; v < places_a_side; ++v)
        for (int64_t u = 0; u < places_a_side; ++u)
          within += detail[size_t((y + v) * columns + x + u)];
      sum += detail_weight(within / double(places_a_side * places_a_side));
      group.places.push_back({group.photos.size() - 1, y * step, x * step});
      group.cumulative_weights.push_back(sum);
    }
}

const PhotoPool::Group& PhotoPool::draw_group(Random& random) const {
  if (groups_.size() == 1) return groups_.front();
  double sum = 0;
  for (const Group& group : groups_) sum += group.share;
  double place = random.uniform() * sum;
  for (const Group& group : groups_) {
    if (place < group.share) return group;
    place -= group.share;
  }
  return groups_.back();
}

Tensor PhotoPool::crop(int side, Random& random) const {
  const Group& group = draw_group(random);
  const auto& weights = group.cumulative_weights;
  const double at = random.uniform() * weights.back();
  const auto found = std::upper_bound(weights.begin(), weights.end(), at) - weights.begin();
  const Place place = group.places[std::min(size_t(found), group.places.size() - 1)];
  const Photo& photo = group.photos[place.photo];
  int64_t top = 0, left = 0;
  switch (draw_) {
    case PatchDraw::even:
      top = random.below(photo.height - side + 1);
      left = random.below(photo.width - side + 1);
      break;
    case PatchDraw::detail: {
      const int64_t step = std::max<int64_t>(patch_ / places_a_side, 1);
      top = std::min(place.top + random.below(step), photo.height - side);
      left = std::min(place.left + random.below(step), photo.width - side);
      break;
    }
  }
  const Turned view = turned(random.below(8), side);
  Tensor patch({1, 3, side, side});
  std::vector<float> square(size_t(side) * size_t(side));
  for (int64_t c = 0; c < 3; ++c) {
    const uint16_t* plane = photo.roots.data() + c * photo.height * photo.width;
    for (int64_t y = 0; y < side; ++y)
      to_light(plane + (top + y) * photo.width + left, side, square.data() + y * side);
    for (int64_t y = 0; y < side; ++y) {
      const float* in = square.data() + view.origin + y * view.step_y;
      float* out = patch.row(0, c, y);
      for (int64_t x = 0; x < side; ++x) out[x] = in[x * view.step_x];
    }
  }
  return patch;
}

}  // namespace hyperconv
