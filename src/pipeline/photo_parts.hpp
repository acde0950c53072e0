// A network on parts of a photo: what lies around a part is seen, and what needs more memory than
// there is is cut smaller.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <memory>

#include "base/threads.hpp"
#include "engine/engine.hpp"
#include "image/image.hpp"

namespace hyperconv {

/// 3 or 1, alpha left aside.
inline int colours_of(const Image& photo) { return photo.channels >= 3 ? 3 : 1; }

/// The sample that stands for 1.
template <class Sample>
constexpr float white_of() {
  return std::is_same_v<Sample, float> ? 1.0f : float(std::numeric_limits<Sample>::max());
}

/// The part of the photo that lies at frame.top, frame.left, mirrored where it reaches beyond the
/// photo: [1,3,frame.height,frame.width] in [0,1]. Grey becomes R = G = B.
Tensor frame_of(const Image& photo, const Region& frame, Threads& threads);

/// A piece of a photo, and what a network makes of it and its surroundings.
struct Piece {
  Region region;        ///< where it lies in the photo
  int64_t top, left;    ///< where it lies in input and output
  const Tensor& input;  ///< [1,3,h,w], as frame_of() gives it
  Tensor& output;       ///< [1,C,h,w], right for the piece and local_reach pixels around it
};

/// A network that takes [1,3,h,w] and gives as many rows and columns.
class PartRunner {
 public:
  /// `memory`: bytes that a piece's tensors and the network's activations may take.
  PartRunner(std::shared_ptr<const Model> model, const EngineOptions& options, int64_t memory);

  /// Shows `use` one piece after the other until all of `part` has been seen. Throws Error when
  /// even small pieces need too much memory, and on Ctrl-C.
  void run(const Image& photo, const Region& part, Threads& threads,
           const std::function<void(const Piece&)>& use);

 private:
  int multiple() const;
  int64_t bytes_for(int64_t rows, int64_t columns);
  std::array<int64_t, 2> piece_size(const Region& part);

  std::shared_ptr<const Model> model_;
  Engine engine_;
  int64_t channels_, margin_, memory_;
};

}  // namespace hyperconv
