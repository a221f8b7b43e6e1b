#include "cli/bench_suite.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/hash.h"
#include "task/scaffold.h"

namespace ks {
namespace {

class BenchSuiteReading : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Put(const std::string& path, const std::string& text) {
    const std::string full = folder_ + "/" + path;
    ASSERT_TRUE(files_.MakeDirs(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(files_.WriteAtomically(full, text).ok());
  }
  void PutTask(const std::string& path, const std::string& name) {
    ASSERT_TRUE(files_.MakeDirs(folder_).ok());
    ASSERT_TRUE(WriteScaffold(files_, folder_ + "/" + path, name).ok());
  }
  std::string Import(const std::string& hash, bool admitted) const {
    return fmt::format(
        R"({{"format":1,"suite":"kernelbench","modules":[{{"level":2,"name":"23_Softmax",)"
        R"("path":"{}/23.py","sha256":"{}","admitted":{},"reason":"zeros: zeros pass",)"
        R"("precision":"fp32"}}]}})",
        folder_, hash, admitted);
  }
  std::string ErrorOf(const std::string& suite, const std::string& backend = "cpu") const {
    const Result<BenchSuite> read = ReadSuite(files_, suite, backend);
    EXPECT_FALSE(read.ok());
    return read.ok() ? "" : read.error().message;
  }

  PosixFileSystem files_;
  std::string folder_ = ::testing::TempDir() + "ks_bench_suite_" + std::to_string(::getpid());
};

TEST_F(BenchSuiteReading, TheLibraryIsOneLevelOfWhatHasASeed) {
  const BenchSuite cpu = *ReadSuite(files_, "library", "cpu");
  EXPECT_EQ(cpu.level_names.at(1), "library");
  EXPECT_GE(cpu.tasks.size(), 18u);
  EXPECT_TRUE(cpu.left_out.empty());
  const BenchSuite opencl = *ReadSuite(files_, "library", "opencl");
  EXPECT_LT(opencl.tasks.size(), cpu.tasks.size());
  EXPECT_EQ(opencl.tasks.size() + opencl.left_out.size(), cpu.tasks.size());
  EXPECT_NE(opencl.left_out[0].reason.find("no seed for the backend 'opencl'"), std::string::npos);
}

TEST_F(BenchSuiteReading, AFolderOfTasksIsALevel) {
  PutTask("b", "second");
  PutTask("a", "first");
  Put("notes.md", "text");
  const Result<BenchSuite> suite = ReadSuite(files_, folder_ + "/", "cpu");
  ASSERT_TRUE(suite.ok()) << suite.error().message;
  ASSERT_EQ(suite->tasks.size(), 2u);
  EXPECT_EQ(suite->tasks[0].name, "first");
  EXPECT_EQ(suite->tasks[0].opened_by, folder_ + "/a");
  EXPECT_EQ(suite->level_names.at(1), "tasks");
}

TEST_F(BenchSuiteReading, LevelsAreSubFolders) {
  for (const char* root : {"", "checkout/KernelBench/"}) {
    Put(fmt::format("{}level1/1_Relu.py", root), "1");
    Put(fmt::format("{}level3/2_Net.py", root), "2");
    Put(fmt::format("{}level3/__init__.py", root), "");
    Put(fmt::format("{}level3/2_Net.seeds/hand.py", root), "");
  }
  for (const std::string& folder : {folder_, folder_ + "/checkout"}) {
    const Result<BenchSuite> suite = ReadSuite(files_, folder, "torch");
    ASSERT_TRUE(suite.ok()) << suite.error().message;
    ASSERT_EQ(suite->tasks.size(), 2u);
    EXPECT_EQ(suite->tasks[1].name, "2_Net");
    EXPECT_EQ(suite->tasks[1].level, 3);
    EXPECT_EQ(suite->level_names.at(3), "level 3");
  }
}

TEST_F(BenchSuiteReading, AnImportGivesWhatTheGateAdmitted) {
  Put("23.py", "class Model: pass");
  Put("suite.json", Import(Sha256Hex("class Model: pass"), true));
  const Result<BenchSuite> suite = ReadSuite(files_, folder_ + "/suite.json", "torch");
  ASSERT_TRUE(suite.ok()) << suite.error().message;
  ASSERT_EQ(suite->tasks.size(), 1u);
  EXPECT_EQ(suite->tasks[0].level, 2);
  EXPECT_EQ(suite->tasks[0].precision, "f32");
  Put("suite.json", Import(Sha256Hex("class Model: pass"), false));
  EXPECT_NE(ErrorOf(folder_ + "/suite.json", "torch").find("no module that the gate admitted"),
            std::string::npos);
}

TEST_F(BenchSuiteReading, AModuleThatChangedSinceItsImportIsRefused) {
  Put("23.py", "class Model: pass");
  Put("suite.json", Import(Sha256Hex("something else"), true));
  EXPECT_NE(ErrorOf(folder_ + "/suite.json", "torch").find("import the suite again"),
            std::string::npos);
}

TEST_F(BenchSuiteReading, SaysWhatIsWrong) {
  EXPECT_NE(ErrorOf("librari").find("did you mean 'library'?"), std::string::npos);
  EXPECT_NE(ErrorOf("matmul").find("bench library --tasks matmul"), std::string::npos);
  EXPECT_NE(ErrorOf("library", "torch").find("no PyTorch modules"), std::string::npos);
  Put("only/readme", "");
  EXPECT_NE(ErrorOf(folder_ + "/only").find("holds nothing to search"), std::string::npos);
  Put("modules/a.py", "");
  EXPECT_NE(ErrorOf(folder_ + "/modules").find("--backend torch"), std::string::npos);
  PutTask("tasks/a", "first");
  EXPECT_NE(ErrorOf(folder_ + "/tasks", "torch").find("leave --backend torch out"),
            std::string::npos);
  EXPECT_NE(ErrorOf(folder_ + "/tasks", "opencl").find("no task in"), std::string::npos);
  EXPECT_NE(ErrorOf(folder_ + "/tasks/a").find("is one task"), std::string::npos);
  PutTask("tasks/b", "first");
  EXPECT_NE(ErrorOf(folder_ + "/tasks").find("two tasks called 'first'"), std::string::npos);
  Put("tasks/b/task.toml", "name = ");
  EXPECT_NE(ErrorOf(folder_ + "/tasks").find("task.toml:1"), std::string::npos);
  for (const char* text : {"", "[]", "{\"format\":1}", "{\"format\":1,\"modules\":[{}]}"}) {
    Put("bad.json", text);
    EXPECT_NE(ErrorOf(folder_ + "/bad.json", "torch").find("is no suite"), std::string::npos)
        << text;
  }
  EXPECT_NE(ErrorOf(folder_ + "/bad.json").find("--backend torch"), std::string::npos);
}

TEST_F(BenchSuiteReading, AModuleCannotEscapeTheFolderOfRunsByItsName) {
  Put("bad.json",
      R"({"format":1,"modules":[{"level":1,"name":"../x","path":"x","sha256":"","admitted":true,)"
      R"("reason":"","precision":"fp32"}]})");
  EXPECT_NE(ErrorOf(folder_ + "/bad.json", "torch").find("cannot be the name"), std::string::npos);
}

TEST_F(BenchSuiteReading, KeepsTheTasksThatAreNamed) {
  BenchSuite suite = *ReadSuite(files_, "library", "cpu");
  EXPECT_NE(KeepTasks({"matmul", "argmx"}, suite).error().message.find("did you mean 'argmax'?"),
            std::string::npos);
  ASSERT_TRUE(KeepTasks({"matmul", "argmax"}, suite).ok());
  ASSERT_EQ(suite.tasks.size(), 2u);
  EXPECT_EQ(suite.tasks[0].name, "argmax");
  BenchSuite opencl = *ReadSuite(files_, "library", "opencl");
  const std::string missing = opencl.left_out[0].name;
  EXPECT_NE(KeepTasks({missing}, opencl).error().message.find("no seed"), std::string::npos);
}

}  // namespace
}  // namespace ks
