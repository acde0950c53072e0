#include "studies/python_rivals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/fail.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

ProcessStart start_of(const PythonHome& home, PythonQuestions questions) {
  ProcessStart start{.name = "picture_rival.py",
                     .arguments = {home.python.string(), home.script.string(), "--threads",
                                   std::to_string(home.threads)},
                     .messages = home.folder / "messages-of-rivals"};
  if (questions == PythonQuestions::pictures) start.arguments.emplace_back("--denoisers");
  if (!home.pmrid.empty())
    start.arguments.insert(start.arguments.end(), {"--pmrid", home.pmrid.string()});
  start.environment.push_back(fmt::format("OMP_NUM_THREADS={}", home.threads));
  return start;
}

/// An answer as JSON; its "error" is thrown.
Json understood(const std::string& line) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) fail("picture_rival.py answered something that is no JSON object");
  if (json.contains("error")) fail("picture_rival.py: {}", json["error"].get<std::string>());
  return json;
}

void write_floats(const fs::path& path, std::span<const float> values) {
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(values.data()),
                             values.size() * sizeof(float)));
}

/// Colours by row and column, as Python knows the pattern.
Json pattern_of(const Mosaic& mosaic) {
  const int side = mosaic.cfa.x_trans() != nullptr ? XTrans::side : 2;
  Json rows = Json::array();
  for (int y = 0; y < side; ++y) {
    Json row = Json::array();
    for (int x = 0; x < side; ++x) row.push_back(cfa_colour(mosaic.cfa, y, x));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Black 0, saturation 1, before white balance.
void write_mosaic(const fs::path& path, const Mosaic& mosaic) {
  const double black = mosaic.black[0], range = mosaic.white - black;
  std::vector<float> values(mosaic.samples.size());
  std::ranges::transform(mosaic.samples, values.begin(),
                         [&](uint16_t raw) { return float((raw - black) / range); });
  write_floats(path, values);
}

Tensor read_picture(const fs::path& path, int64_t height, int64_t width,
                    const std::string& method) {
  Tensor picture({1, 3, height, width});
  const MappedFile file(path);
  if (file.bytes().size() != picture.size() * sizeof(float))
    fail("{}: its picture is not all there", method);
  std::ranges::copy(file.bytes(), reinterpret_cast<std::byte*>(picture.data()));
  return picture;
}

}  // namespace

PythonRivals::PythonRivals(const PythonHome& home, PythonQuestions questions)
    : folder_(home.folder), process_(start_of(home, questions)) {
  const Json facts = understood(process_.read_line());
  facts_ = to_line(facts);
  for (const auto& method : facts.at("versions").items()) methods_.push_back(method.key());
}

std::string PythonRivals::version(const std::string& method) const {
  return Json::parse(facts_).at("versions").at(method).get<std::string>();
}

std::optional<double> PythonRivals::flops(const std::string& method) const {
  const Json flops = Json::parse(facts_).at("flops").at(method);
  return flops.is_null() ? std::nullopt : std::optional(flops.get<double>());
}

Tensor PythonRivals::camera_rgb(const std::string& method, const Mosaic& mosaic) {
  const fs::path input = folder_ / "mosaic", output = folder_ / "picture";
  write_mosaic(input, mosaic);
  const NoiseProfile noise = mosaic.noise.value_or(NoiseProfile{});
  const Json question = {{"method", method},
                         {"mosaic", input.string()},
                         {"height", mosaic.height},
                         {"width", mosaic.width},
                         {"shot", noise.shot},
                         {"read", noise.read},
                         {"output", output.string()},
                         {"gains", mosaic.white_balance},
                         {"pattern", pattern_of(mosaic)}};
  understood(process_.ask(to_line(question)));
  return read_picture(output, mosaic.height, mosaic.width, method);
}

Tensor PythonRivals::denoised(const std::string& method, const Tensor& picture,
                              const std::optional<double>& deviation) {
  const fs::path input = folder_ / "noisy", output = folder_ / "picture";
  write_floats(input, {picture.data(), picture.size()});
  const auto& shape = picture.shape();
  const Json question = {{"method", method},
                         {"picture", input.string()},
                         {"height", shape.h},
                         {"width", shape.w},
                         {"sigma", deviation ? Json(*deviation) : Json(nullptr)},
                         {"output", output.string()}};
  understood(process_.ask(to_line(question)));
  return read_picture(output, shape.h, shape.w, method);
}

}  // namespace hyperconv
