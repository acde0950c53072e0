#include "data/damage.hpp"

#include "base/fail.hpp"

namespace hyperconv {

bool DamageLog::note(size_t index, const std::string& why) {
  const std::scoped_lock lock(mutex_);
  const bool is_new = found_.emplace(index, why).second;
  if (double(found_.size()) <= most * double(set_.size())) return is_new;
  fail("{}: {} of {} pairs are damaged, and at most {:g} % may be ({})", set_.folder().string(),
       found_.size(), set_.size(), 100 * most, found_.begin()->second);
}

bool DamageLog::contains(size_t index) const {
  const std::scoped_lock lock(mutex_);
  return found_.contains(index);
}

size_t DamageLog::count() const {
  const std::scoped_lock lock(mutex_);
  return found_.size();
}

std::vector<std::string> DamageLog::lines() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [index, why] : found_) result.push_back(why);
  return result;
}

}  // namespace hyperconv
