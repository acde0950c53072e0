// Other people's methods in Python: bench/rivals/picture_rival.py in a process of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "raw/mosaic.hpp"
#include "tools/process.hpp"

namespace hyperconv {

/// Where Python is, and what its methods need.
struct PythonHome {
  std::filesystem::path python, script;
  std::filesystem::path pmrid;   ///< PMRID's weights; empty: without it
  std::filesystem::path folder;  ///< for what is on the way from and to it
  int threads = 0;
};

/// What the process answers to.
enum class PythonQuestions {
  mosaics,  ///< camera_rgb()
  pictures  ///< denoised()
};

/// The process, and the files through which pictures go. One call at a time; each throws Error with
/// Python's own line where something fails there.
class PythonRivals {
 public:
  PythonRivals(const PythonHome& home, PythonQuestions questions);

  /// In the order in which Python names them.
  const std::vector<std::string>& methods() const { return methods_; }
  std::string version(const std::string& method) const;
  /// A sample of the mosaic, or a pixel of the picture; nothing where nobody counted.
  std::optional<double> flops(const std::string& method) const;

  /// As Contender::camera_rgb(), of a mosaic whose filters begin as the method's do: RGGB, or
  /// XTrans.
  Tensor camera_rgb(const std::string& method, const Mosaic& mosaic);
  /// sRGB [1,3,h,w] without its noise; nothing: Python estimates the deviation itself.
  Tensor denoised(const std::string& method, const Tensor& picture,
                  const std::optional<double>& deviation);

 private:
  std::filesystem::path folder_;
  Process process_;
  std::string facts_;  ///< JSON
  std::vector<std::string> methods_;
};

}  // namespace hyperconv
