#include "network/side_range.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/json.hpp"

namespace hyperconv {
namespace {

using Json = nlohmann::ordered_json;

int64_t channels_of(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes())
    if (const auto* op = std::get_if<SideInput>(&node.op); op != nullptr && node.name == name)
      return op->channels;
  fail("its range is of the side input '{}', which the graph has not", name);
}

std::vector<float> numbers_of(const Json& range, const char* key) {
  const auto found = range.find(key);
  if (found == range.end() || !found->is_array() ||
      !std::ranges::all_of(*found, [](const Json& number) { return number.is_number(); }))
    fail("a side input's range has no list of numbers '{}': {}", key, excerpt(range));
  return found->get<std::vector<float>>();
}

}  // namespace

SideInputs held_to(const SideRanges& ranges, SideInputs side) {
  for (const auto& [name, range] : ranges) {
    const auto found = side.find(name);
    if (found == side.end()) continue;
    float* values = found->second.data();
    const size_t channels = range.least.size();
    for (size_t i = 0; i < found->second.size(); ++i) {
      const float least = range.least[i % channels];
      values[i] = values[i] >= least ? std::min(values[i], range.greatest[i % channels]) : least;
    }
  }
  return side;
}

void widen(SideRanges& ranges, const SideInputs& side) {
  SideRanges seen;
  for (const auto& [name, values] : side) {
    const auto channels = size_t(values.shape().c);
    SideRange& range = seen[name];
    range.least.assign(values.data(), values.data() + channels);
    range.greatest = range.least;
    for (size_t i = channels; i < values.size(); ++i) {
      float& least = range.least[i % channels];
      float& greatest = range.greatest[i % channels];
      least = std::min(least, values.data()[i]);
      greatest = std::max(greatest, values.data()[i]);
    }
  }
  widen(ranges, seen);
}

void widen(SideRanges& ranges, const SideRanges& more) {
  for (const auto& [name, range] : more) {
    const auto [place, is_new] = ranges.try_emplace(name, range);
    if (is_new) continue;
    SideRange& known = place->second;
    for (size_t c = 0; c < range.least.size(); ++c) {
      known.least[c] = std::min(known.least[c], range.least[c]);
      known.greatest[c] = std::max(known.greatest[c], range.greatest[c]);
    }
  }
}

void check_side_ranges(const Graph& graph, const SideRanges& ranges) {
  for (const auto& [name, range] : ranges) {
    const int64_t channels = channels_of(graph, name);
    if (int64_t(range.least.size()) != channels || int64_t(range.greatest.size()) != channels)
      fail("the range of the side input '{}' is of {} and {} channels, must be of {}", name,
           range.least.size(), range.greatest.size(), channels);
    for (size_t c = 0; c < range.least.size(); ++c)
      if (!std::isfinite(range.least[c]) || !std::isfinite(range.greatest[c]) ||
          range.least[c] > range.greatest[c])
        fail("the range of the side input '{}' in channel {} is {} to {}, must be finite and rise",
             name, c, range.least[c], range.greatest[c]);
  }
}

std::string to_json(const SideRanges& ranges) {
  Json json = Json::object();
  for (const auto& [name, range] : ranges)
    json[name] = {{"least", range.least}, {"greatest", range.greatest}};
  return to_line(json);
}

SideRanges side_ranges_from_json(const std::string& text) {
  const auto json = parse_json(text);
  if (!json.is_object()) fail("its side inputs' ranges are no JSON object");
  SideRanges ranges;
  for (const auto& [name, range] : json.items())
    ranges[name] = {numbers_of(range, "least"), numbers_of(range, "greatest")};
  return ranges;
}

}  // namespace hyperconv
