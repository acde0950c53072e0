#include "training/pulse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace hyperconv {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds interval(500);
/// Silence that counts as death once something is known to be wrong: a few beats, so that a busy
/// machine is not taken for a dead one.
constexpr seconds silence(3);
/// After this the connection alone is to blame: whoever died would have been silent for long
/// enough.
constexpr milliseconds all_alive = silence + 3 * interval;
/// From an exchange that failed to a verdict that is heard.
constexpr seconds patience(10);

constexpr const char* resumes = "the same command goes on from the last checkpoint";
const std::string verdict_key = "verdict";

std::string beat_key(int rank) { return fmt::format("beat/{}", rank); }

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::string encoded(const Verdict& verdict) {
  return fmt::format("{} {}", verdict.rank, verdict.line);
}

Verdict decoded(const std::string& text) {
  Verdict verdict;
  const size_t space = std::min(text.find(' '), text.size());
  std::from_chars(text.data(), text.data() + space, verdict.rank);
  verdict.line = text.substr(std::min(space + 1, text.size()));
  return verdict;
}

enum class State { training, in_trouble, leaving };

/// What a rank says of itself.
struct Word {
  State state = State::training;
  int64_t exchange = 0;  ///< the last one that it began
  int64_t waited = 0;    ///< in trouble: seconds in that exchange
  std::string library;   ///< in trouble: the library's words
};

std::string encoded(const Word& word, int64_t beats) {
  return fmt::format("{} {} {} {} {}", beats, int(word.state), word.exchange, word.waited,
                     word.library);
}

Word decoded_word(const std::string& said) {
  long long beats = 0, exchange = 0, waited = 0;
  int state = 0, rest = 0;
  if (std::sscanf(said.c_str(), "%lld %d %lld %lld %n", &beats, &state, &exchange, &waited, &rest) <
      4)
    return {};
  return {State(state), exchange, waited, said.substr(size_t(rest))};
}

/// What rank 0 knows of a rank.
struct Sight {
  Word word;
  std::string said;
  Clock::time_point changed = Clock::now();
};

}  // namespace

std::string listed(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == ranks.size() ? " and " : ", ", ranks[i]);
  return text;
}

/// What the training's threads and the one that talks with the store share.
class Pulse::Body {
 public:
  Body(c10::intrusive_ptr<c10d::Store> store, int rank, int size, seconds timeout)
      : store_(std::move(store)), rank_(rank), timeout_(timeout), sights_(size_t(size)) {}

  void run();
  void stop();
  /// True where the thread ended within the time.
  bool ended_within(milliseconds limit);

  std::optional<Verdict> verdict() {
    const std::scoped_lock lock(mutex_);
    return verdict_;
  }
  void count_exchange();
  Verdict explain(const std::string& words);
  Verdict report(const std::string& line);
  void farewell();

 private:
  void beat();
  void post(const Verdict& verdict);
  void look_for_verdict();
  void look_at_others();
  bool have_all_left() const;
  bool is_silent(const Sight& sight, milliseconds limit) const;
  std::optional<Verdict> judge();
  std::optional<Verdict> wait_for_verdict();
  /// Whether rank 0's machine does not answer.
  bool is_store_silent() const { return rank_ != 0 && Clock::now() - answered_ > silence; }
  /// Waits until it is so, for no longer than the limit, and not for a store that is gone or
  /// silent.
  template <class Condition>
  void wait(std::unique_lock<std::mutex>& lock, seconds limit, const Condition& condition) {
    const auto deadline = Clock::now() + limit;
    while (!condition() && !store_is_gone_ && !is_store_silent() && Clock::now() < deadline)
      changed_.wait_for(lock, interval);
  }

  const c10::intrusive_ptr<c10d::Store> store_;
  const int rank_;
  const seconds timeout_;

  // The thread's alone.
  int64_t beats_ = 0;
  std::vector<Sight> sights_;  ///< on rank 0; the first is its own
  std::optional<Clock::time_point> trouble_since_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Word own_;
  Clock::time_point exchange_began_;
  std::optional<std::string> own_error_;
  std::optional<Verdict> verdict_;
  Clock::time_point answered_ = Clock::now();  ///< when the store last did
  bool store_is_gone_ = false;
  bool said_farewell_ = false;
  bool stopping_ = false, ended_ = false;
};

void Pulse::Body::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !said_farewell_ && !store_is_gone_) {
    const Word known = own_;
    const bool had_error = own_error_.has_value();
    lock.unlock();
    bool failed = false;
    try {
      beat();
    } catch (const std::exception&) {
      failed = true;
    }
    lock.lock();
    store_is_gone_ = failed;
    answered_ = Clock::now();
    changed_.notify_all();
    // Woken early by what the others should know soon.
    changed_.wait_for(lock, interval, [&] {
      return stopping_ || said_farewell_ || store_is_gone_ || own_.state != known.state ||
             own_error_.has_value() != had_error;
    });
  }
  ended_ = true;
  changed_.notify_all();
}

void Pulse::Body::stop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

bool Pulse::Body::ended_within(milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return ended_; });
}

void Pulse::Body::count_exchange() {
  const std::scoped_lock lock(mutex_);
  ++own_.exchange;
  exchange_began_ = Clock::now();
}

Verdict Pulse::Body::explain(const std::string& words) {
  {
    const std::scoped_lock lock(mutex_);
    own_.state = State::in_trouble;
    own_.waited = std::chrono::duration_cast<seconds>(Clock::now() - exchange_began_).count();
    own_.library = words;
  }
  changed_.notify_all();
  return wait_for_verdict().value_or(
      Verdict{-1, "the exchange with the other ranks failed: " + words});
}

Verdict Pulse::Body::report(const std::string& line) {
  {
    const std::scoped_lock lock(mutex_);
    own_error_ = line;
  }
  changed_.notify_all();
  return wait_for_verdict().value_or(Verdict{rank_, line});
}

std::optional<Verdict> Pulse::Body::wait_for_verdict() {
  std::unique_lock lock(mutex_);
  wait(lock, patience, [&] { return verdict_.has_value(); });
  if (verdict_) return verdict_;
  if (rank_ != 0 && (store_is_gone_ || is_store_silent()))
    return Verdict{-1, fmt::format("rank 0 is gone or cannot be reached; {}", resumes)};
  return std::nullopt;
}

void Pulse::Body::farewell() {
  std::unique_lock lock(mutex_);
  own_.state = State::leaving;
  changed_.notify_all();
  wait(lock, rank_ == 0 ? timeout_ : patience, [&] { return said_farewell_; });
}

void Pulse::Body::beat() {
  std::unique_lock lock(mutex_);
  const Word word = own_;
  const auto own_error = own_error_;
  lock.unlock();
  if (own_error) post({rank_, *own_error});
  store_->set(beat_key(rank_), bytes_of(encoded(word, ++beats_)));
  const bool is_leaving = word.state == State::leaving;
  bool is_last_word = is_leaving;
  if (rank_ == 0) {
    look_at_others();
    if (const auto verdict = judge()) post(*verdict);
    is_last_word = is_leaving && have_all_left();
  }
  // After its last word a rank asks nothing more: the store may be gone by then.
  if (!is_leaving) look_for_verdict();
  lock.lock();
  said_farewell_ = is_last_word;
}

void Pulse::Body::post(const Verdict& verdict) {
  store_->compareSet(verdict_key, {}, bytes_of(encoded(verdict)));
}

void Pulse::Body::look_for_verdict() {
  if (!store_->check({verdict_key})) return;
  const Verdict verdict = decoded(text_of(store_->get(verdict_key)));
  const std::scoped_lock lock(mutex_);
  verdict_ = verdict;
}

void Pulse::Body::look_at_others() {
  for (size_t rank = 0; rank < sights_.size(); ++rank) {
    Sight& sight = sights_[rank];
    if (!store_->check({beat_key(int(rank))})) continue;
    const std::string said = text_of(store_->get(beat_key(int(rank))));
    if (said != sight.said) sight = {decoded_word(said), said, Clock::now()};
  }
}

bool Pulse::Body::is_silent(const Sight& sight, milliseconds limit) const {
  return sight.word.state != State::leaving && Clock::now() - sight.changed > limit;
}

bool Pulse::Body::have_all_left() const {
  return std::all_of(sights_.begin() + 1, sights_.end(), [&](const Sight& sight) {
    return sight.word.state == State::leaving || is_silent(sight, silence);
  });
}

std::optional<Verdict> Pulse::Body::judge() {
  const Word* trouble = nullptr;
  int64_t furthest = 0;
  for (const Sight& sight : sights_) {
    furthest = std::max(furthest, sight.word.exchange);
    if (trouble == nullptr && sight.word.state == State::in_trouble) trouble = &sight.word;
  }
  if (trouble != nullptr && !trouble_since_) trouble_since_ = Clock::now();
  std::vector<int> silent, late;
  for (size_t rank = 0; rank < sights_.size(); ++rank) {
    if (is_silent(sights_[rank], trouble != nullptr ? silence : timeout_))
      silent.push_back(int(rank));
    else if (sights_[rank].word.exchange < furthest)
      late.push_back(int(rank));
  }
  if (!silent.empty())
    return Verdict{-1, fmt::format("{} {} gone or cannot be reached; {}", listed(silent),
                                   silent.size() == 1 ? "is" : "are", resumes)};
  if (trouble == nullptr || Clock::now() - *trouble_since_ < all_alive) return std::nullopt;
  if (!late.empty() && trouble->waited + 1 >= timeout_.count())
    return Verdict{-1, fmt::format("{} did not come to an exchange within {} s (--timeout); {}",
                                   listed(late), timeout_.count(), resumes)};
  return Verdict{-1, "the exchange between the ranks failed: " + trouble->library};
}

Pulse::Pulse(c10::intrusive_ptr<c10d::Store> store, int rank, int size, seconds timeout)
    : body_(std::make_shared<Body>(std::move(store), rank, size, timeout)),
      thread_([body = body_] { body->run(); }) {}

Pulse::~Pulse() {
  body_->stop();
  // A thread that hangs in a store out of reach stays behind with what it needs.
  if (body_->ended_within(seconds(1)))
    thread_.join();
  else
    thread_.detach();
}

std::optional<Verdict> Pulse::verdict() const { return body_->verdict(); }
void Pulse::count_exchange() { body_->count_exchange(); }
Verdict Pulse::explain(const std::string& words) { return body_->explain(words); }
Verdict Pulse::report(const std::string& line) { return body_->report(line); }
void Pulse::farewell() { body_->farewell(); }

}  // namespace hyperconv
