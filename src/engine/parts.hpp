// Runs a network on a photo in as many parts as memory requires: the one loop for develop, denoise,
// evaluation and studies.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/engine.hpp"

namespace hyperconv {

struct PartOptions {
  /// Bytes that a part's input and output and the activations may take. Nothing: three quarters of
  /// what is available, and input and output no more than usual_part_bytes where parts are the
  /// whole to the bit.
  std::optional<int64_t> memory = {};
  /// Pixels of the input around each part for which the output has to be correct too.
  int64_t around = 0;
  /// Operators that read a whole layer read that of the part alone, whose output then differs from
  /// the whole's: for measurements, not for pictures. Otherwise such a network runs on the whole
  /// photo.
  bool alone = false;
};

/// Of a part's input and output: enough that little is computed twice where parts meet (with half
/// as much, 100 MP in fp32 took a third longer), and little enough that memory which has been
/// touched once serves all of a large photo.
inline constexpr int64_t usual_part_bytes = int64_t(448) << 20;

/// A part of a photo and the network's output for it.
struct PhotoPart {
  Region region;  ///< in the whole input
  const Tensor& input;
  int64_t input_top, input_left;  ///< where the part lies in it
  Tensor& output;
  int64_t output_top, output_left;  ///< where its output lies
};

/// One call at a time.
class PartRunner {
 public:
  /// Throws Error as Engine does.
  PartRunner(std::shared_ptr<const Model> model, const EngineOptions& engine,
             const PartOptions& options = {});

  Engine& engine() { return engine_; }
  const Engine& engine() const { return engine_; }

  /// Calls `use` for one part after the other until they cover `region`, and returns their number.
  /// Throws Error when even small parts need more memory than allowed, or when the network needs
  /// the whole photo and that needs more; and on Ctrl-C.
  int64_t run(const WholeInput& photo, const Region& region, const Conditions& conditions,
              const std::function<void(const PhotoPart&)>& use);

 private:
  struct Size {
    int64_t rows, columns;
  };
  struct Bytes {
    int64_t values;  ///< of input and output
    int64_t all;
  };
  Bytes bytes_for(const WholeInput& photo, const Region& part);
  Region with_surroundings(const Shape& whole, const Region& part) const;
  Bytes most_bytes() const;
  Size part_size(const WholeInput& photo, const Region& region);
  void check_whole(const WholeInput& photo, const std::string& why);
  void run_one(const WholeInput& photo, const Region& seen, const Region& region,
               const Conditions& conditions, const std::function<void(const PhotoPart&)>& use);

  Engine engine_;
  const PartOptions options_;
  const Shape unit_, made_;  ///< of the smallest input, and of its output
  Tensor input_, output_;
};

}  // namespace hyperconv
