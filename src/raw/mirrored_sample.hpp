// A mosaic beyond its edges.
#pragma once

#include "raw/mosaic.hpp"

namespace hyperconv {

/// Index inside [0, length) of the sample that stands for the one at `at` of a row or a column:
/// mirrored at the edges, so that colours and their neighbours stay as the pattern has them.
/// `phase` is the place of the first sample in an X-Trans pattern (XTrans::row or column) and not
/// looked at for Bayer's. Length is at least 2, of X-Trans 6.
int64_t mirrored_sample(int64_t at, int64_t length, const ColourFilters& filters, int phase);

}  // namespace hyperconv
