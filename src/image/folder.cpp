#include "image/folder.hpp"

#include <algorithm>

#include "base/fail.hpp"
#include "image/image.hpp"

namespace hyperconv {

std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) fail("{}: is no folder of pictures", folder.string());
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && is_writable_image(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty()) fail("{}: holds no {}", folder.string(), picture_formats());
  return files;
}

}  // namespace hyperconv
