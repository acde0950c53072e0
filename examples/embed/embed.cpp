// Develops a camera's RAW file in memory, upright and for a screen: embed RAW OUT.ppm.
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
    const hyperconv::PictureOptions wanted{.strength = {.luma = 0.8, .colour = 1},
                                           .size = hyperconv::LongestSide{2048}};
    const auto [width, height] = hyperconv::Develop::picture_size(raw, wanted);
    std::vector<unsigned char> rgb(size_t(width) * size_t(height) * 3);
    hyperconv::Develop develop;
    develop.picture(raw, {.data = rgb.data(), .width = width, .height = height}, wanted);
    std::ofstream(argv[2], std::ios::binary) << "P6 " << width << ' ' << height << " 255\n"
                                             << std::string(rgb.begin(), rgb.end());
  } catch (const hyperconv::Error& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
