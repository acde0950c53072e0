// hyperconv enhance over many folders: their structure, names of one's own, what failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/file.hpp"
#include "image/image.hpp"
#include "network/model.hpp"
#include "network/zoo.hpp"
#include "program.hpp"
#include "scenes.hpp"
#include "started.hpp"

namespace hyperconv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// Folders in/ with three photos, two of them below and of one name, and out/.
class BatchOptions : public testing::Test {
 protected:
  BatchOptions() {
    ModelInfo info;
    info.name = "tiny";
    info.task = Task::denoise;
    save_model(folder_ / "m.safetensors",
               untrained(small_denoiser({.width = 4, .hidden = 2}), info, 1), Precision::f16);
    fs::create_directory(folder_ / "out");
    for (const char* name : {"in/a.jpg", "in/100/b.png", "in/100/deep/b.png"}) put_photo(name);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void put_photo(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    write_image(folder_ / name, noisy_scene(64, 64, 1));
  }

  Outcome batch(const std::vector<std::string>& more, const std::string& output = "out",
                const std::string& input = "in") const {
    std::vector<std::string> all = {"enhance",    path(input), "-o",
                                    path(output), "--model",   path("m.safetensors")};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  }

  std::vector<std::string> pictures_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files_in(folder_ / folder)) names.push_back(name);
    return names;
  }

  std::string text_of(const std::string& name) const {
    const auto bytes = read_file(folder_ / name);
    return {bytes.begin(), bytes.end()};
  }

  /// Nothing is written.
  void expect_refusal(const Outcome& run, int status, const std::string& reason) const {
    EXPECT_EQ(run.status, status) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr(reason));
    EXPECT_THAT(pictures_in("out"), ElementsAre());
  }

  TemporaryFolder folder_;
};

TEST_F(BatchOptions, FoldersKeepTheirStructure) {
  const Outcome run = batch({"--recursive", "--format", "png"});
  ASSERT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(pictures_in("out"), ElementsAre("100/b.png", "100/deep/b.png", "a.png"));
  EXPECT_EQ(read_image(folder_ / "out/100/deep/b.png").width, 64);
  // Once more: nothing is left to do.
  const Outcome again = batch({"--recursive", "--format", "png", "--skip-existing", "--json"});
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_EQ(nlohmann::json::parse(again.output)["skipped"], 3);
}

TEST_F(BatchOptions, WithoutItOnlyTheFolderItselfIsLookedInto) {
  ASSERT_EQ(batch({}).status, 0);
  EXPECT_THAT(pictures_in("out"), ElementsAre("a.jpg"));
}

TEST_F(BatchOptions, WhatWasMadeAndWhatIsHiddenIsNoInput) {
  fs::create_directory(folder_ / "in/done");
  put_photo("in/.trash/c.png");
  fs::create_directory_symlink("..", folder_ / "in/100/circle");
  for (const char* more : {"--overwrite", "--skip-existing"}) {
    const Outcome run = batch({"--recursive", more}, "in/done");
    ASSERT_EQ(run.status, 0) << run.errors;
    EXPECT_THAT(pictures_in("in/done"), ElementsAre("100/b.jpg", "100/deep/b.jpg", "a.jpg"));
  }
}

TEST_F(BatchOptions, NamesFollowTheTemplate) {
  ASSERT_EQ(batch({"--recursive", "--name", "{stem}-clean"}).status, 0);
  EXPECT_THAT(pictures_in("out"),
              ElementsAre("100/b-clean.jpg", "100/deep/b-clean.jpg", "a-clean.jpg"));
  const Outcome one = batch({"--name", "{folder}_{stem}_{ending}"}, "out", "in/100/b.png");
  ASSERT_EQ(one.status, 0) << one.errors;
  EXPECT_TRUE(fs::exists(folder_ / "out/100_b_png.jpg"));
}

TEST_F(BatchOptions, NamesThatCannotBeAreRefused) {
  put_photo("in/a.png");
  expect_refusal(batch({"--name", "clean"}), 1, "would both become");
  expect_refusal(batch({"--name", "clean"}), 1, "tell them apart");
  expect_refusal(batch({"--name", "x"}, "o.png", "in/a.jpg"), 1, "--name is for pictures in one");
  for (const char* bad : {"{stam}", "{stem", "stem}", "a/{stem}", ""})
    expect_refusal(batch({"--name", bad}), 2, "like {stem}-clean");
  ASSERT_EQ(batch({"--name", "{stem}.{ending}"}).status, 0);
  EXPECT_THAT(pictures_in("out"), ElementsAre("a.jpg.jpg", "a.png.jpg"));
}

TEST_F(BatchOptions, RecursiveWantsAFolder) {
  expect_refusal(batch({"--recursive"}, "out", "in/a.jpg"), 1, "a.jpg: is no folder; --recursive");
  fs::create_directories(folder_ / "empty/within");
  expect_refusal(batch({"--recursive"}, "out", "empty"), 1, "nor do its folders");
}

TEST_F(BatchOptions, FailuresAreListedAtTheEndAndInAFile) {
  write_file(folder_ / "in/100/bad.png", std::string("no picture"));
  write_file(folder_ / "in/worse.jpg", std::string());
  const Outcome run = batch({"--recursive", "--failures", path("failed.txt")});
  EXPECT_EQ(run.status, 1);
  const auto last = run.errors.rfind("failed: ");
  ASSERT_NE(last, std::string::npos) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("failed: " + path("in/worse.jpg")));
  EXPECT_THAT(run.errors.substr(last), HasSubstr("2 of 5 photos failed"));
  std::istringstream list(text_of("failed.txt"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(list, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], testing::StartsWith("# photos that hyperconv enhance failed on"));
  EXPECT_THAT(lines[1], testing::StartsWith(path("in/worse.jpg") + "\t" + path("in/worse.jpg")));
  EXPECT_THAT(lines[2], testing::StartsWith(path("in/100/bad.png") + "\t"));

  // Mended, the same command leaves an empty list.
  put_photo("in/100/bad.png");
  put_photo("in/worse.jpg");
  const Outcome again =
      batch({"--recursive", "--skip-existing", "--failures", path("failed.txt"), "--json"});
  ASSERT_EQ(again.status, 0) << again.errors;
  EXPECT_EQ(nlohmann::json::parse(again.output)["results"].size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(again.output)["failures"].size(), 0u);
  const std::string rest = text_of("failed.txt");
  EXPECT_EQ(std::count(rest.begin(), rest.end(), '\n'), 1);
}

TEST_F(BatchOptions, AFailureIsInJson) {
  write_file(folder_ / "in/bad.jpg", std::string());
  const Outcome run = batch({"--json"});
  EXPECT_EQ(run.status, 1);
  const auto failures = nlohmann::json::parse(run.output)["failures"];
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0]["input"], path("in/bad.jpg"));
  EXPECT_THAT(failures[0]["error"].get<std::string>(), HasSubstr("empty"));
}

TEST_F(BatchOptions, AListReplacesNothingElse) {
  write_file(folder_ / "mine.txt", std::string("notes"));
  expect_refusal(batch({"--failures", path("mine.txt")}), 1, "mine.txt: is there already");
  EXPECT_EQ(text_of("mine.txt"), "notes");
  expect_refusal(batch({"--failures", path("in/a.jpg")}), 1, "a.jpg: is there already");
  expect_refusal(batch({"--failures", path("out/a.jpg")}), 1, "is a picture's name");
  expect_refusal(batch({"--failures", path("nowhere/f.txt")}), 1, "nowhere");
}

TEST_F(BatchOptions, SharesKeepListsOfTheirOwn) {
  write_file(folder_ / "in/bad.jpg", std::string());
  const Outcome run = batch({"--recursive", "--shard", "1/2", "--failures", path("f.txt")});
  EXPECT_TRUE(fs::exists(folder_ / "f-1-of-2.txt")) << run.errors;
  EXPECT_FALSE(fs::exists(folder_ / "f.txt"));
}

TEST_F(BatchOptions, SeveralAtOnceGiveTheSamePicturesInTheSameOrder) {
  for (int i = 0; i < 7; ++i) put_photo("in/p" + std::to_string(i) + ".png");
  write_file(folder_ / "in/p3.png", std::string("no picture"));
  fs::create_directory(folder_ / "together");
  const Outcome alone = batch({"--jobs", "1", "--format", "png", "--json"});
  const Outcome together = batch({"--jobs", "3", "--format", "png", "--json"}, "together");
  for (const Outcome& run : {alone, together}) EXPECT_EQ(run.status, 1) << run.errors;
  EXPECT_EQ(files_in(folder_ / "together"), files_in(folder_ / "out"));
  const auto a = nlohmann::json::parse(alone.output), b = nlohmann::json::parse(together.output);
  EXPECT_EQ(a["at_once"], 1);
  EXPECT_EQ(b["at_once"], 3);
  EXPECT_GT(b["photos_per_minute"], 0);
  EXPECT_EQ(b["failed"], 1);
  ASSERT_EQ(b["results"].size(), 7u);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(a["results"][i]["input"], b["results"][i]["input"]);
  const Outcome text = batch({"--jobs", "3", "--format", "png", "--overwrite"}, "together");
  EXPECT_THAT(text.output, HasSubstr("7 photos in "));
  EXPECT_THAT(text.output, HasSubstr(" a minute, 3 at once"));
  EXPECT_LT(text.output.find("p0.png"), text.output.find("p6.png"));
}

TEST_F(BatchOptions, CtrlCEndsSeveralAtOnceWithWholePicturesAlone) {
  for (int i = 0; i < 40; ++i) put_photo("in/p" + std::to_string(i) + ".png");
  Started program(std::string(HYPERCONV_PROGRAM) + " enhance " + path("in") + " -o " + path("out") +
                      " --jobs 3 --model " + path("m.safetensors"),
                  folder_.path(), "batch");
  ASSERT_TRUE(wait_for(folder_ / "out/p1.jpg")) << program.errors();
  program.signal(SIGINT);
  const int status = program.wait();
  const auto made = pictures_in("out");
  if (made.size() < 41) {
    EXPECT_EQ(status, 1);
    EXPECT_THAT(program.errors(), HasSubstr("interrupted"));
  }
  for (const std::string& name : made) EXPECT_EQ(read_image(folder_ / "out" / name).width, 64);
}

/// A batch that goes on, and the photos of its folder.
class WatchedFolder : public BatchOptions {
 protected:
  std::string command(const std::string& more = "") const {
    return std::string(HYPERCONV_PROGRAM) + " enhance " + path("in") + " -o " + path("out") +
           " --watch --model " + path("m.safetensors") + " " + more;
  }

  /// Ends as a user ends it.
  static int end(Started& program) {
    program.signal(SIGINT);
    return program.wait();
  }
};

TEST_F(WatchedFolder, WhatIsThereAndWhatArrivesIsEnhanced) {
  Started program(command(), folder_.path(), "watch");
  ASSERT_TRUE(wait_for(folder_ / "out/a.jpg")) << program.errors();
  put_photo("in/b.png");
  ASSERT_TRUE(wait_for(folder_ / "out/b.jpg")) << program.errors();
  EXPECT_EQ(end(program), 0);
  EXPECT_EQ(program.errors(), "");
  EXPECT_THAT(program.output(), HasSubstr("2 photos in "));
  // What has its picture is left alone.
  const auto before = files_in(folder_ / "out");
  Started again(command("--json"), folder_.path(), "again");
  put_photo("in/c.png");
  ASSERT_TRUE(wait_for(folder_ / "out/c.jpg")) << again.errors();
  EXPECT_EQ(end(again), 0);
  EXPECT_EQ(nlohmann::json::parse(again.output())["results"].size(), 1u);
  EXPECT_EQ(files_in(folder_ / "out").at("b.jpg"), before.at("b.jpg"));
}

TEST_F(WatchedFolder, AFileIsTakenOnceItIsWritten) {
  put_photo("whole.png");
  const auto bytes = read_file(folder_ / "whole.png");
  Started program(command(), folder_.path(), "watch");
  ASSERT_TRUE(wait_for(folder_ / "out/a.jpg")) << program.errors();
  {
    // By someone slow, who is quiet for longer than others need to settle.
    std::ofstream slow(folder_ / "in/slow.png", std::ios::binary);
    slow.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size() / 2));
    slow.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    EXPECT_FALSE(fs::exists(folder_ / "out/slow.jpg"));
    slow.write(reinterpret_cast<const char*>(bytes.data() + bytes.size() / 2),
               std::streamsize(bytes.size() - bytes.size() / 2));
  }
  ASSERT_TRUE(wait_for(folder_ / "out/slow.jpg")) << program.errors();
  EXPECT_EQ(end(program), 0);
  EXPECT_EQ(program.errors(), "");
}

TEST_F(WatchedFolder, AFailureIsSaidOnceAndAMendedFileIsTaken) {
  write_file(folder_ / "in/bad.png", std::string("no picture"));
  Started program(command("--failures " + path("failed.txt")), folder_.path(), "watch");
  ASSERT_TRUE(wait_for(folder_ / "watch.err"));
  for (int i = 0; i < 3000 && program.errors().find("bad.png") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  put_photo("in/bad.png");
  ASSERT_TRUE(wait_for(folder_ / "out/bad.jpg")) << program.errors();
  EXPECT_EQ(end(program), 1) << "one failed before it was mended";
  EXPECT_THAT(program.errors(), HasSubstr("1 of 3 photos failed"));
  EXPECT_THAT(text_of("failed.txt"), HasSubstr("bad.png"));
}

TEST_F(WatchedFolder, NewFoldersAreWatchedToo) {
  Started program(command("--recursive"), folder_.path(), "watch");
  ASSERT_TRUE(wait_for(folder_ / "out/100/deep/b.jpg")) << program.errors();
  put_photo("in/200/new/d.png");
  ASSERT_TRUE(wait_for(folder_ / "out/200/new/d.jpg")) << program.errors();
  EXPECT_EQ(end(program), 0);
  EXPECT_EQ(program.errors(), "");
}

TEST_F(WatchedFolder, WatchWantsFoldersApart) {
  expect_refusal(batch({"--watch"}, "out", "in/a.jpg"), 1, "a.jpg: is no folder; --watch");
  fs::create_symlink("loop", folder_ / "loop");
  expect_refusal(batch({"--watch"}, "out", "loop"), 1,
                 path("loop") + ": Too many levels of symbolic links");
  const Outcome same = batch({"--watch"}, "in", "in");
  EXPECT_EQ(same.status, 1);
  EXPECT_THAT(same.errors, HasSubstr("is where the pictures go"));
  expect_refusal(batch({"--watch", "--shard", "1/2"}), 2, "--shard");
}

}  // namespace
}  // namespace hyperconv
