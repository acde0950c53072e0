// The photos of a batch, one after another or several at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/enhancer.hpp"

namespace hyperconv::cli {

/// Lets photos pass as long as there is memory for them: one always, more while all of them
/// together need no more than there is.
class MemoryGate {
 public:
  /// For so many bytes in all.
  explicit MemoryGate(int64_t bytes) : room_(bytes) {}

  /// Waits until there is room beside those that are in, or none is in. They leave when what is
  /// returned goes. Throws Error where the process is to end meanwhile.
  std::shared_ptr<void> enter(int64_t bytes);

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  int64_t room_, taken_ = 0;
  int within_ = 0;
};

/// What became of one photo.
struct Done {
  std::vector<std::string> warnings;  ///< a line each
  std::optional<Outcome> outcome;     ///< nothing: of another kind than all are to be, or failed
  std::string failure;                ///< the line; empty: none
};

/// Photos at once where nobody says: on one core one, on more cores as many as keep them busy while
/// one decodes, one is in the network and one is written.
int usual_at_once();

/// Enhances jobs by as many threads as photos are to be at once, each with a network of its own and
/// its share of the cores: less is lost where a photo is decoded or written, and between the
/// threads of one network. Pictures are the same bit for bit however many there are.
class AtOnce {
 public:
  /// `alone` has all cores, for what is left when not all threads would have a photo, and is the
  /// only one where `count` is 1.
  AtOnce(const EnhanceArguments& arguments, Enhancer& alone, int count);

  /// What is called on the thread that calls run().
  struct Listener {
    /// A photo has begun; `done` are done.
    std::function<void(size_t done, const Job& at_hand)> begins;
    /// In the order of the jobs, whichever was ready first.
    std::function<void(const Job& job, Done&& done)> ends;
  };

  /// Throws Error where the process is to end (Ctrl-C), after listener.ends was called for what is
  /// done.
  void run(const std::vector<Job>& jobs, const Listener& listener);

 private:
  class Run;

  const EnhanceArguments& arguments_;
  EnhanceArguments with_share_;  ///< of the cores
  MemoryGate gate_;
  Enhancer& alone_;
  std::vector<std::unique_ptr<Enhancer>> together_;
};

/// What went wrong with one photo. Ours names the file; what a library throws, and the lack of
/// memory, does not.
std::string line_about(const Job& job, const std::exception& error);

}  // namespace hyperconv::cli
