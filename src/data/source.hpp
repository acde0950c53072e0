// Where the pairs of a set come from: files, a .mat, a cache.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/pairs.hpp"
#include "data/window.hpp"

namespace hyperconv {

/// A file that a set was made from, for telling whether it has changed.
struct SourceFile {
  std::string name;  ///< relative to the set's folder
  uint64_t bytes = 0;
  int64_t modified = 0;  ///< nanoseconds of the file system's clock
};

/// Given the size of a pair, says which part of it is wanted. Throws Error, that says of the pair
/// what it is not, where it has none.
using ChooseWindow = std::function<Window(int height, int width)>;

/// choose(height, width); its Error names the pair.
Window chosen_window(const ChooseWindow& choose, const std::string& name, int height, int width);

/// All functions may be called from several threads at once.
class PairSource {
 public:
  PairSource() = default;
  virtual ~PairSource() = default;
  PairSource(const PairSource&) = delete;
  PairSource& operator=(const PairSource&) = delete;

  virtual size_t size() const = 0;
  virtual std::string name(size_t index) const = 0;
  /// Throws Error when the pair is damaged.
  virtual Pair decode(size_t index) const = 0;
  /// A window of a pair; a source that can spares itself the rest.
  virtual Pair decode_window(size_t index, const ChooseWindow& choose) const;
  virtual std::optional<std::string> visible_damage(size_t) const { return std::nullopt; }
  /// Every file of the set, also those that are damaged.
  virtual std::vector<SourceFile> files() const = 0;
};

/// Throws Error that names `input_name` or `target_name` where the pair breaks a promise of `Pair`.
void check_pair(const Pair& pair, const InputKind& kind, const std::string& input_name,
                const std::string& target_name);

}  // namespace hyperconv
