// "Fixed FLOPs in the large image limit": what a pixel costs, over the size of the image and the
// width of the hypernetworks' hidden layer.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "network/cost.hpp"
#include "network/zoo.hpp"

namespace hyperconv {

struct LargeImagePoint {
  int hidden = 0;
  PhotoSize size;
  Cost cost;

  double pixels() const { return double(size.rows) * double(size.columns); }
  double flops_per_pixel() const { return double(cost.flops_total) / pixels(); }
};

/// Points for hidden = 1, 4, 16 ... 4096 and square photos from 64x64 samples to 100 MP, the
/// training patch of 448x448 and the 12 MP frame 3072x4096 among them. Throws Error for a network
/// that has no HyperConvolution.
std::vector<LargeImagePoint> large_image(const std::string& network);

/// The network's own hidden width times 1/10, 1 and 10, at 3072x4096.
std::vector<LargeImagePoint> tenfold_hidden(const std::string& network);

/// Writes FOLDER/large-image.csv, a row a point, and the figure drawn from it.
void write_large_image(const std::filesystem::path& folder, const std::string& network,
                       const std::vector<LargeImagePoint>& points);

}  // namespace hyperconv
