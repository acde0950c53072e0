// Removes a photo's noise: embed MODEL IN OUT.
#include <hyperconv/denoise.hpp>
#include <hyperconv/error.hpp>
#include <iostream>
#include <memory>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "embed: usage: embed MODEL IN OUT\n";
    return 2;
  }
  try {
    const auto model = std::make_shared<const hyperconv::Model>(hyperconv::Model::load(argv[1]));
    hyperconv::Denoiser denoiser(model);
    hyperconv::write_image(argv[3], denoiser.picture(hyperconv::read_image(argv[2])));
  } catch (const hyperconv::Error& error) {
    std::cerr << "embed: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
