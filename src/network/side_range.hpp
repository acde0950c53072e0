// What a network's side inputs were in training: what it is told later is held to that.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network/graph.hpp"

namespace hyperconv {

/// The least and the greatest value of a side input by channel, least <= greatest, finite.
struct SideRange {
  std::vector<float> least, greatest;
  bool operator==(const SideRange&) const = default;
};

/// By the side input's name. One without an entry may have any value: older files say nothing of
/// it.
using SideRanges = std::map<std::string, SideRange>;

/// The side inputs with each channel held to its range, NaN to its least: filters that are
/// predicted from numbers beyond all that training showed may be anything. Ranges must fit the side
/// inputs, as check_side_ranges makes sure.
SideInputs held_to(const SideRanges& ranges, SideInputs side);

/// Widens `ranges` to what `side` says, [N,channels,1,1] each; a name that is new to it is added.
void widen(SideRanges& ranges, const SideInputs& side);
/// Likewise to what `more` says.
void widen(SideRanges& ranges, const SideRanges& more);

/// Throws Error that names the side input where a range is of none of the graph's, of another
/// number of channels, not finite, or of a least value above the greatest.
void check_side_ranges(const Graph& graph, const SideRanges& ranges);

/// As a model file and a checkpoint hold them: one line of JSON,
/// {"noise":{"least":[-0.5,...],"greatest":[1.25,...]}}.
std::string to_json(const SideRanges& ranges);
/// Throws Error that says what is wrong with the text.
SideRanges side_ranges_from_json(const std::string& text);

}  // namespace hyperconv
