// Develops a camera's RAW file in memory: embed RAW OUT.ppm.
#include <fstream>
#include <hyperconv/hyperconv.hpp>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "embed: usage: embed RAW OUT.ppm\n";
    return 2;
  }
  try {
    const hyperconv::RawFile raw(argv[1]);
    const hyperconv::MosaicView mosaic = raw.mosaic();
    std::vector<unsigned char> rgb(size_t(mosaic.width) * mosaic.height * 3);
    hyperconv::Develop develop;
    develop.picture(mosaic, {.data = rgb.data(), .width = mosaic.width, .height = mosaic.height});
    std::ofstream(argv[2], std::ios::binary)
        << "P6 " << mosaic.width << ' ' << mosaic.height << " 255\n"
        << std::string(rgb.begin(), rgb.end());
  } catch (const hyperconv::Error& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
