#include "training/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "hyperconv/error.hpp"

namespace hyperconv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

Launch launched(const Variables& variables) {
  return launch_from([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

/// Those variables with some of them other than they were; an empty one is not set.
Variables with(Variables variables, const Variables& others) {
  for (const auto& [name, value] : others) variables[name] = value;
  return variables;
}

std::string error_of(const Variables& variables) {
  try {
    launched(variables);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

const Variables torchrun = {{"RANK", "5"},
                            {"WORLD_SIZE", "8"},
                            {"LOCAL_RANK", "1"},
                            {"MASTER_ADDR", "node1"},
                            {"MASTER_PORT", "29500"}};
const Variables mpirun = {{"OMPI_COMM_WORLD_RANK", "3"},
                          {"OMPI_COMM_WORLD_SIZE", "4"},
                          {"OMPI_COMM_WORLD_LOCAL_RANK", "3"},
                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
                          {"OMPI_MCA_ess_base_jobid", "4133748737"}};
const Variables srun = {{"SLURM_PROCID", "2"},    {"SLURM_NTASKS", "4"},
                        {"SLURM_LOCALID", "0"},   {"SLURM_STEP_NODELIST", "gpu[003-004]"},
                        {"SLURM_JOB_ID", "4711"}, {"SLURM_STEP_ID", "0"}};

TEST(Launch, AProcessAlone) {
  const Launch launch = launched({});
  EXPECT_EQ(launch.launcher, Launcher::none);
  EXPECT_EQ(launch.rank, 0);
  EXPECT_EQ(launch.size, 1);
}

TEST(Launch, Torchrun) {
  const Launch launch = launched(torchrun);
  EXPECT_EQ(launch.launcher, Launcher::torchrun);
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.master, "node1");
  EXPECT_EQ(launch.port, 29500);
  EXPECT_EQ(launched(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "True"}})).port, 29501);
  EXPECT_EQ(launched(with(torchrun, {{"TORCHELASTIC_USE_AGENT_STORE", "False"}})).port, 29500);
  EXPECT_EQ(launched({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).size, 1);
}

TEST(Launch, Mpirun) {
  const Launch launch = launched(mpirun);
  EXPECT_EQ(launch.launcher, Launcher::openmpi);
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.size, 4);
  EXPECT_EQ(launch.local_rank, 3);
  EXPECT_EQ(launch.master, "127.0.0.1");
  EXPECT_GE(launch.port, 10000);
  EXPECT_LT(launch.port, 30000);
  EXPECT_EQ(launched(with(mpirun, {{"OMPI_COMM_WORLD_RANK", "0"}})).port, launch.port);
  EXPECT_NE(launched(with(mpirun, {{"OMPI_MCA_ess_base_jobid", "4133748738"}})).port, launch.port);
  EXPECT_EQ(launched(with(mpirun, {{"MASTER_PORT", "777"}})).port, 777);
  const Variables nameless = with(mpirun, {{"OMPI_MCA_ess_base_jobid", ""}});
  EXPECT_GE(launched(with(nameless, {{"PMIX_NAMESPACE", "4133748737"}})).port, 10000);
  EXPECT_EQ(launched(with(nameless, {{"MASTER_PORT", "777"}})).port, 777);
  EXPECT_THAT(error_of(nameless), HasSubstr("MASTER_PORT"));
}

TEST(Launch, MpirunOverSeveralHostsNeedsTheFirstOnesName) {
  const Variables two_hosts = with(mpirun, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_THAT(error_of(two_hosts), HasSubstr("-x MASTER_ADDR"));
  EXPECT_EQ(launched(with(two_hosts, {{"MASTER_ADDR", "10.0.0.1"}})).master, "10.0.0.1");
}

TEST(Launch, Srun) {
  const Launch launch = launched(srun);
  EXPECT_EQ(launch.launcher, Launcher::slurm);
  EXPECT_EQ(launch.rank, 2);
  EXPECT_EQ(launch.size, 4);
  EXPECT_EQ(launch.local_rank, 0);
  EXPECT_EQ(launch.master, "gpu003");
  EXPECT_GE(launch.port, 10000);
  EXPECT_NE(launched(with(srun, {{"SLURM_JOB_ID", "4712"}})).port, launch.port);
  EXPECT_NE(launched(with(srun, {{"SLURM_STEP_ID", "1"}})).port, launch.port);
  EXPECT_EQ(launched(with(srun, {{"MASTER_PORT", "777"}})).port, 777);
  EXPECT_EQ(launched(with(srun, {{"SLURM_STEP_NUM_TASKS", "3"}})).size, 3);
  const Variables job = with(srun, {{"SLURM_STEP_NODELIST", ""}, {"SLURM_NODELIST", "a9,a10"}});
  EXPECT_EQ(launched(job).master, "a9");
  EXPECT_THAT(error_of(with(srun, {{"SLURM_STEP_NODELIST", ""}})), HasSubstr("SLURM_NODELIST"));
}

TEST(Launch, ABatchScriptOfSlurmIsNoRank) {
  EXPECT_EQ(launched(with(srun, {{"SLURM_STEP_ID", ""}, {"SLURM_STEP_NODELIST", ""}})).size, 1);
}

TEST(Launch, MpirunWithinASlurmJob) {
  Variables both = srun;
  both.insert(mpirun.begin(), mpirun.end());
  EXPECT_EQ(launched(both).launcher, Launcher::openmpi);
}

TEST(Launch, WhatDoesNotFitTogetherIsNamed) {
  EXPECT_THAT(error_of({{"RANK", "0"}}), AllOf(HasSubstr("WORLD_SIZE"), HasSubstr("RANK")));
  EXPECT_THAT(error_of({{"WORLD_SIZE", "2"}}), AllOf(HasSubstr("WORLD_SIZE"), HasSubstr("RANK")));
  EXPECT_THAT(error_of(with(torchrun, {{"RANK", "8"}})), HasSubstr("RANK is 8"));
  EXPECT_THAT(error_of(with(torchrun, {{"RANK", "-1"}})), HasSubstr("'-1'"));
  EXPECT_THAT(error_of(with(torchrun, {{"RANK", "1x"}})), HasSubstr("'1x'"));
  EXPECT_THAT(error_of(with(torchrun, {{"WORLD_SIZE", "0"}})), HasSubstr("WORLD_SIZE is '0'"));
  EXPECT_THAT(error_of(with(torchrun, {{"LOCAL_RANK", "8"}})), HasSubstr("LOCAL_RANK"));
  EXPECT_THAT(error_of(with(torchrun, {{"MASTER_ADDR", ""}})), HasSubstr("MASTER_ADDR"));
  EXPECT_THAT(error_of(with(torchrun, {{"MASTER_PORT", "70000"}})), HasSubstr("MASTER_PORT"));
  EXPECT_THAT(error_of({{"OMPI_COMM_WORLD_RANK", "0"}}), HasSubstr("OMPI_COMM_WORLD_SIZE"));
  EXPECT_THAT(error_of(with(srun, {{"SLURM_NTASKS", ""}})), HasSubstr("SLURM_NTASKS"));
  EXPECT_THAT(error_of(with(srun, {{"SLURM_JOB_ID", ""}})), HasSubstr("SLURM_JOB_ID"));
}

TEST(FirstHost, OfSlurmsLists) {
  EXPECT_EQ(first_host("node7"), "node7");
  EXPECT_EQ(first_host("node7,node9"), "node7");
  EXPECT_EQ(first_host("node[007-012]"), "node007");
  EXPECT_EQ(first_host("node[7,9-12],login"), "node7");
  EXPECT_EQ(first_host("login,node[7,9]"), "login");
  EXPECT_EQ(first_host("node[3]"), "node3");
  EXPECT_EQ(first_host("rack[1-2]node[05-06]"), "rack1node05");
  EXPECT_EQ(first_host("n[1-2].example.org,m"), "n1.example.org");
  for (const char* bad : {"", ",a", "node[", "node[]", "node[1-2", "node]"})
    EXPECT_THROW(first_host(bad), Error) << bad;
}

}  // namespace
}  // namespace hyperconv
