#include "cli/size.hpp"

#include <regex>

namespace hyperconv::cli {

std::array<int, 2> parse_size(const std::string& text) {
  const size_t cross = text.find('x');
  return {std::stoi(text.substr(0, cross)), std::stoi(text.substr(cross + 1))};
}

CLI::Validator size_validator() {
  return {[](const std::string& text) -> std::string {
            static const std::regex form("[1-9][0-9]{0,8}x[1-9][0-9]{0,8}");
            return std::regex_match(text, form)
                       ? std::string()
                       : "a size is two numbers with an x between them, like 1200x800, not " + text;
          },
          "SIZE"};
}

}  // namespace hyperconv::cli
