#include "base/folder.hpp"

#include <system_error>

#include "base/fail.hpp"

namespace hyperconv {

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("{}: cannot be made ({})", folder.string(), error.message());
}

}  // namespace hyperconv
