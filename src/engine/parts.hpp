// A photo in as many parts as memory allows: one loop for all that runs networks.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/engine.hpp"

namespace hyperconv {

struct PartOptions {
  /// Bytes that a part's input and output and the activations may take. Nothing: three quarters of
  /// what can be had.
  std::optional<int64_t> memory = {};
  /// Pixels of the input around each part whose output must be right too.
  int64_t around = 0;
  /// What looks at the whole of a layer looks at a part alone, whose output is then another than
  /// the whole's: for measuring, not for pictures. Otherwise such a network runs on the whole.
  bool alone = false;
};

/// A part of a photo, and what a network made of it.
struct PhotoPart {
  Region region;  ///< in the whole input
  const Tensor& input;
  int64_t input_top, input_left;  ///< where the part lies in it
  Tensor& output;
  int64_t output_top, output_left;  ///< where what was made of it lies
};

/// One call at a time.
class PartRunner {
 public:
  /// Throws Error as Engine does.
  PartRunner(std::shared_ptr<const Model> model, const EngineOptions& engine,
             const PartOptions& options = {});

  Engine& engine() { return engine_; }

  /// Shows `use` one part after the other until all of `region` has been seen, and says how many
  /// there were. Throws Error when even small parts need more memory than is given, or when the
  /// network must see the whole and that needs more; and on Ctrl-C.
  int64_t run(const WholeInput& photo, const Region& region, const Conditions& conditions,
              const std::function<void(const PhotoPart&)>& use);

 private:
  struct Size {
    int64_t rows, columns;
  };
  int64_t bytes_for(const WholeInput& photo, const Region& part);
  Region with_surroundings(const Shape& whole, const Region& part) const;
  Size part_size(const WholeInput& photo, const Region& region);
  void check_whole(const WholeInput& photo, const std::string& why);
  void run_one(const WholeInput& photo, const Region& seen, const Region& region,
               const Conditions& conditions, const std::function<void(const PhotoPart&)>& use);

  Engine engine_;
  const PartOptions options_;
  const Shape unit_, made_;  ///< of the smallest input, and of what is made of it
  Tensor input_, output_;
};

}  // namespace hyperconv
