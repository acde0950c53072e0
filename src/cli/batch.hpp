// Which files `hyperconv enhance` takes, and where each goes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/enhancer.hpp"

namespace hyperconv::cli {

/// A photo, or a folder of them, of which nothing became a picture.
struct Failure {
  std::filesystem::path input;
  std::string line;  ///< names it and says why
};

/// What is to be done, and what is not and why.
struct Batch {
  std::vector<Job> jobs;
  bool many = false;   ///< several files or a folder were named
  size_t skipped = 0;  ///< files that nobody means: hidden ones, sidecars, a RAW's own JPEG, ...
  std::vector<std::string> oddities;  ///< one line each: of a folder's, what cannot be a photo
  std::vector<Failure> failures;      ///< folders that cannot be looked into
};

/// Folders are looked into; with `a.recursive` also below, but for hidden folders, links to folders
/// and the output folder itself, and the pictures go into folders of the same names. Of a folder a
/// RAW file and a photo of one stem are taken as `a.of_pairs` says, and hidden files and what
/// cameras and programs lay beside photos are skipped. A picture is called by the template
/// `a.name`, or by the photo's stem; without a template no two outputs have one name: a stem taken
/// twice gets the source's ending in it. Throws Error where there is nothing to do, or outputs
/// cannot be where they are wanted: several without a folder, two of one name, or an input that
/// would be overwritten.
Batch plan_batch(const EnhanceArguments& a, std::optional<FileKind> kind);

/// What is wrong with a template of names, or nothing: {stem}, {ending} and {folder} are the
/// photo's, and it has no other braces and no slash.
std::string fault_of_template(const std::string& text);

/// Of the photos that are this process's to do: throws Error (unless `a.overwrite`) where an output
/// is there already; with `a.skip_existing` those are skipped.
void keep_existing(const EnhanceArguments& a, Batch& batch);

}  // namespace hyperconv::cli
