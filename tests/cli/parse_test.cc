#include "cli/parse.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace ks {
namespace {

template <typename T>
T Parsed(const std::vector<std::string>& arguments) {
  const ParsedCommandLine parsed = ParseCommandLine(arguments);
  EXPECT_TRUE(parsed.command.has_value()) << parsed.err;
  if (!parsed.command || !std::holds_alternative<T>(*parsed.command)) {
    ADD_FAILURE() << "not the expected command: " << parsed.err;
    return {};
  }
  return std::get<T>(*parsed.command);
}

std::string UsageError(const std::vector<std::string>& arguments) {
  const ParsedCommandLine parsed = ParseCommandLine(arguments);
  EXPECT_FALSE(parsed.command.has_value());
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_EQ(parsed.out, "");
  return parsed.err;
}

TEST(ParseCommandLine, ReadsBothFormsOfImport) {
  const ImportOptions module = Parsed<ImportOptions>({"import", "module", "m.py", "--json"});
  EXPECT_EQ(module.kind, ImportOptions::Kind::kModule);
  EXPECT_EQ(module.path, "m.py");
  EXPECT_TRUE(module.json);
  const ImportOptions suite = Parsed<ImportOptions>(
      {"import", "kernelbench", "dir", "--levels", "1,3", "--out", "suite.json"});
  EXPECT_EQ(suite.kind, ImportOptions::Kind::kKernelBench);
  EXPECT_EQ(suite.levels, (std::vector<int>{1, 3}));
  EXPECT_EQ(suite.out_file, "suite.json");
  EXPECT_NE(UsageError({"import"}).find("import --help"), std::string::npos);
  EXPECT_NE(UsageError({"import", "module"}).find("FILE"), std::string::npos);
}

TEST(ParseCommandLine, ReadsWhatSeedsAreFor) {
  const SeedsOptions plain = Parsed<SeedsOptions>({"seeds", "m.py"});
  EXPECT_EQ(plain.module, "m.py");
  EXPECT_EQ(plain.out_dir, "");
  EXPECT_EQ(plain.workload, "full");
  const SeedsOptions other =
      Parsed<SeedsOptions>({"seeds", "m.py", "--out", "s", "--workload", "reduced", "--json"});
  EXPECT_EQ(other.out_dir, "s");
  EXPECT_EQ(other.workload, "reduced");
  EXPECT_TRUE(other.json);
  EXPECT_NE(UsageError({"seeds"}).find("FILE"), std::string::npos);
  EXPECT_NE(UsageError({"seeds", "m.py", "--workload", "half"}).find("half"), std::string::npos);
}

TEST(ParseCommandLine, ReadsEveryOptionOfEvolve) {
  const EvolveOptions options = Parsed<EvolveOptions>(
      {"evolve",    "matmul", "--backend", "cpu",    "--proposer", "builtin", "--steps", "40",
       "--minutes", "2.5",    "--until",   "10",     "--seed",     "7",       "--jobs",  "3",
       "--run",     "r",      "--config",  "c.toml", "--preset",   "paper"});
  EXPECT_EQ(options.task, "matmul");
  EXPECT_EQ(options.backend, "cpu");
  EXPECT_EQ(options.proposer, "builtin");
  EXPECT_EQ(options.steps, 40);
  EXPECT_EQ(options.minutes, 2.5);
  EXPECT_EQ(options.until, 10);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.jobs, 3);
  EXPECT_EQ(options.run_dir, "r");
  EXPECT_EQ(options.config_file, "c.toml");
  EXPECT_EQ(options.preset, "paper");
}

TEST(ParseCommandLine, ReadsThePresetThatIsToBePrinted) {
  EXPECT_EQ(Parsed<PresetsOptions>({"presets"}).name, "");
  EXPECT_EQ(Parsed<PresetsOptions>({"presets", "paper"}).name, "paper");
}

TEST(ParseCommandLine, LeavesOptionsThatWereNotGivenToTheConfiguration) {
  const EvolveOptions options = Parsed<EvolveOptions>({"evolve", "matmul"});
  EXPECT_FALSE(options.steps || options.minutes || options.until || options.seed || options.jobs);
  EXPECT_FALSE(options.backend || options.proposer);
}

TEST(ParseCommandLine, ReadsEveryOptionOfCompare) {
  const CompareOptions options = Parsed<CompareOptions>(
      {"compare", "builtin", "x=a.toml", "--tasks", "matmul,softmax", "--seeds", "5", "--steps",
       "20", "--backend", "cpu", "--out", "o", "--json"});
  EXPECT_EQ(options.configs, (std::vector<std::string>{"builtin", "x=a.toml"}));
  EXPECT_EQ(options.tasks, (std::vector<std::string>{"matmul", "softmax"}));
  EXPECT_EQ(options.seeds, 5);
  EXPECT_EQ(options.steps, 20);
  EXPECT_EQ(options.out_dir, "o");
  EXPECT_TRUE(options.json);
  EXPECT_NE(UsageError({"compare", "builtin", "--steps", "2", "--minutes", "1"}).find("excludes"),
            std::string::npos);
  EXPECT_NE(UsageError({"compare"}).find("CONFIG"), std::string::npos);
}

TEST(ParseCommandLine, ReadsEveryOptionOfBench) {
  const BenchOptions options = Parsed<BenchOptions>(
      {"bench",     "tasks/torch", "--protocol", "paper",  "--tasks",  "mish,snake",
       "--backend", "torch",       "--devices",  "0,2",    "--steps",  "20",
       "--minutes", "3",           "--proposer", "random", "--config", "c.toml",
       "--out",     "o",           "--html",     "p.html", "--json"});
  EXPECT_EQ(options.suite, "tasks/torch");
  EXPECT_EQ(options.tasks, (std::vector<std::string>{"mish", "snake"}));
  EXPECT_EQ(options.backend, "torch");
  EXPECT_EQ(options.devices, (std::vector<int>{0, 2}));
  EXPECT_EQ(options.steps, 20);
  EXPECT_EQ(options.minutes, 3);
  EXPECT_EQ(options.proposer, "random");
  EXPECT_EQ(options.config_file, "c.toml");
  EXPECT_EQ(options.out_dir, "o");
  EXPECT_EQ(options.html_file, "p.html");
  EXPECT_TRUE(options.json);
  EXPECT_EQ(Parsed<BenchOptions>({"bench", "library"}).protocol, "paper");
  EXPECT_EQ(
      Parsed<BenchOptions>({"bench", "library", "--evaluator", "http://h:1", "--searches", "8"})
          .searches,
      8);
  EXPECT_NE(UsageError({"bench"}).find("SUITE"), std::string::npos);
  EXPECT_NE(UsageError({"bench", "library", "--protocol", "mine"}).find("paper"),
            std::string::npos);
  EXPECT_NE(UsageError({"bench", "library", "--devices", "-1"}).find("--devices"),
            std::string::npos);
}

TEST(ParseCommandLine, ReadsEveryOptionOfServe) {
  const ServeOptions options = Parsed<ServeOptions>(
      {"serve",    "--port",    "0",    "--bind",  "0.0.0.0", "--token-file", "t", "--backend",
       "cpu,cuda", "--devices", "cuda", "--queue", "7",       "--cache",      "c", "--cache-size",
       "64",       "--jobs",    "3",    "--rate",  "2.5",     "--grace",      "1"});
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.bind, "0.0.0.0");
  EXPECT_EQ(options.token_file, "t");
  EXPECT_EQ(options.backends, (std::vector<std::string>{"cpu", "cuda"}));
  EXPECT_EQ(options.devices, std::vector<std::string>{"cuda"});
  EXPECT_EQ(options.queue, 7);
  EXPECT_EQ(options.cache_dir, "c");
  EXPECT_EQ(options.cache_mib, 64);
  EXPECT_EQ(options.jobs, 3);
  EXPECT_EQ(options.rate, 2.5);
  EXPECT_EQ(options.grace_s, 1);
  EXPECT_EQ(Parsed<ServeOptions>({"serve"}).bind, "127.0.0.1");
  UsageError({"serve", "--port", "70000"});
  UsageError({"serve", "--queue", "0"});
}

TEST(ParseCommandLine, ATokenNeedsAService) {
  const EvaluateOptions options =
      Parsed<EvaluateOptions>({"evaluate", "matmul", "--kernel", "k.cc", "--evaluator",
                               "http://h:1", "--token-file", "t", "--ca-file", "a.pem"});
  EXPECT_EQ(options.service.url, "http://h:1");
  EXPECT_EQ(options.service.token_file, "t");
  EXPECT_EQ(options.service.ca_file, "a.pem");
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "m", "--evaluator", "http://h:1"}).service.url,
            "http://h:1");
  UsageError({"evolve", "matmul", "--token-file", "t"});
}

TEST(ParseCommandLine, SaysWhichNumbersAreExpected) {
  EXPECT_NE(UsageError({"evolve", "m", "--steps", "-3"}).find("'-3' is no number above 0"),
            std::string::npos);
  EXPECT_NE(UsageError({"evolve", "m", "--minutes", "x"}).find("'x'"), std::string::npos);
  EXPECT_NE(UsageError({"serve", "--rate", "-1"}).find("'-1' is no number from 0"),
            std::string::npos);
}

TEST(ParseCommandLine, EvolveNeedsATaskOrARunToResume) {
  EXPECT_NE(UsageError({"evolve"}).find("needs a TASK"), std::string::npos);
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "--resume", "r"}).resume_dir, "r");
  const std::vector<std::string> both = {"gelu", "matmul"};
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "gelu,matmul"}).tasks, both);
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "gelu,matmul"}).task, "");
  const std::vector<std::string> long_names = {"conv2d_relu_hardswish", "gemm_group_norm", "spmv"};
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "conv2d_relu_hardswish,gemm_group_norm,spmv"}).tasks,
            long_names);
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "--tasks", "gelu,matmul"}).tasks, both);
  EXPECT_EQ(Parsed<EvolveOptions>({"evolve", "./a,b"}).task, "./a,b");
  UsageError({"evolve", "gelu", "--tasks", "matmul"});
  UsageError({"evolve", "--resume", "r", "--tasks", "matmul"});
}

TEST(ParseCommandLine, RefusesARunFolderTogetherWithResume) {
  UsageError({"evolve", "matmul", "--run", "a", "--resume", "b"});
}

TEST(ParseCommandLine, RefusesLimitsThatAreNotPositive) {
  UsageError({"evolve", "matmul", "--steps", "0"});
  UsageError({"evolve", "matmul", "--minutes", "-1"});
  UsageError({"evolve", "matmul", "--until", "soon"});
  UsageError({"evolve", "matmul", "--jobs", "0"});
  UsageError({"evolve", "matmul", "--workers", "0"});
  UsageError({"evolve", "matmul", "--seed", "-1"});
}

TEST(ParseCommandLine, AsksForAllStagesUnlessTold) {
  const EvaluateOptions all =
      Parsed<EvaluateOptions>({"evaluate", "softmax", "--kernel", "k.cc", "--json"});
  EXPECT_TRUE(all.stages.compile && all.stages.check && all.stages.time && all.json);
  const EvaluateOptions some = Parsed<EvaluateOptions>(
      {"evaluate", "softmax", "--kernel", "k.cc", "--stages", "compile,check"});
  EXPECT_TRUE(some.stages.compile && some.stages.check);
  EXPECT_FALSE(some.stages.time);
}

TEST(ParseCommandLine, NamesTheStageThatItDoesNotKnow) {
  EXPECT_NE(UsageError({"evaluate", "t", "--kernel", "k", "--stages", "compile,tine"}).find("tine"),
            std::string::npos);
}

TEST(ParseCommandLine, TellsTheThreeUsesOfTasksApart) {
  EXPECT_EQ(Parsed<TasksOptions>({"tasks"}).action, TasksOptions::Action::kList);
  const TasksOptions check = Parsed<TasksOptions>({"tasks", "check", "matmul", "--json"});
  EXPECT_EQ(check.action, TasksOptions::Action::kCheck);
  EXPECT_EQ(check.task, "matmul");
  EXPECT_TRUE(check.json);
  EXPECT_TRUE(Parsed<TasksOptions>({"tasks", "--json"}).json);
  const TasksOptions create = Parsed<TasksOptions>({"tasks", "new", "mine"});
  EXPECT_EQ(create.action, TasksOptions::Action::kNew);
  EXPECT_EQ(create.task, "mine");
}

TEST(ParseCommandLine, ComparesSeedAndBestUnlessTold) {
  const DiffOptions plain = Parsed<DiffOptions>({"diff", "r"});
  EXPECT_EQ(plain.from, "seed");
  EXPECT_EQ(plain.to, "best");
  const DiffOptions two = Parsed<DiffOptions>({"diff", "r", "c3", "c12"});
  EXPECT_EQ(two.from, "c3");
  EXPECT_EQ(two.to, "c12");
}

TEST(ParseCommandLine, HintsAtTheNearestCommandAndOption) {
  EXPECT_NE(UsageError({"evlve", "matmul"}).find("did you mean 'evolve'?"), std::string::npos);
  EXPECT_NE(UsageError({"evolve", "matmul", "--minuets", "2"}).find("did you mean '--minutes'?"),
            std::string::npos);
}

TEST(ParseCommandLine, UsageErrorsNameTheHelpOfTheCommand) {
  EXPECT_NE(UsageError({"show"}).find("ksmith show --help"), std::string::npos);
  EXPECT_NE(UsageError({"tasks", "check"}).find("ksmith tasks check --help"), std::string::npos);
}

TEST(ParseCommandLine, ExportWritesAKernelOrTheEventsOrBoth) {
  UsageError({"export", "r"});
  UsageError({"export", "r", "--candidate", "c3", "--events", "e.jsonl"});
  const auto events = ParseCommandLine({"export", "r", "--events", "e.jsonl"});
  ASSERT_TRUE(events.command.has_value()) << events.err;
  EXPECT_EQ(std::get<ExportOptions>(*events.command).events_file, "e.jsonl");
  EXPECT_EQ(std::get<ExportOptions>(*events.command).file, "");
  const auto both = ParseCommandLine(
      {"export", "r", "--best", "b.cc", "--candidate", "c3", "--events", "e.jsonl"});
  ASSERT_TRUE(both.command.has_value()) << both.err;
  EXPECT_EQ(std::get<ExportOptions>(*both.command).file, "b.cc");
  EXPECT_EQ(std::get<ExportOptions>(*both.command).candidate, "c3");
}

TEST(ParseCommandLine, HelpExistsEverywhereAndExitsFine) {
  const std::vector<std::vector<std::string>> commands = {
      {},       {"evolve"}, {"evaluate"}, {"tasks"},  {"tasks", "check"}, {"runs"},        {"show"},
      {"diff"}, {"export"}, {"report"},   {"replay"}, {"doctor"},         {"tasks", "new"}};
  for (std::vector<std::string> command : commands) {
    command.emplace_back("--help");
    const ParsedCommandLine parsed = ParseCommandLine(command);
    EXPECT_FALSE(parsed.command.has_value());
    EXPECT_EQ(parsed.exit_code, kExitFine);
    EXPECT_NE(parsed.out.find("--help"), std::string::npos) << command[0];
  }
}

TEST(ParseCommandLine, PrintsTheVersion) {
  const ParsedCommandLine parsed = ParseCommandLine({"--version"});
  EXPECT_EQ(parsed.exit_code, kExitFine);
  EXPECT_EQ(parsed.out.rfind("ksmith ", 0), 0u) << parsed.out;
}

TEST(ParseCommandLine, NoArgumentsPrintHelpAndAreWrongUsage) {
  const ParsedCommandLine parsed = ParseCommandLine({});
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_NE(parsed.out.find("evolve"), std::string::npos);
}

}  // namespace
}  // namespace ks
