#include "task/scaffold.h"

#include <gtest/gtest.h>

#include "task/loader.h"
#include "tests/task/native_gate_runner.h"

namespace ks {
namespace {

TEST(Scaffold, WritesATaskThatTheGateAdmits) {
  MemoryFileSystem files;
  ASSERT_TRUE(WriteScaffold(files, "work/residual", "residual").ok());
  const auto task = LoadTask(files, "work/residual");
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->entry, "residual");
  const auto runner = NativeGateRunner::Create(*task);
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  const auto report = RunGate(*task, **runner, 1);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->admitted()) << report->Refusal();
}

TEST(Scaffold, RefusesABadNameAndAFolderInUse) {
  MemoryFileSystem files;
  const Status bad = WriteScaffold(files, "a", "my-task");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(files.WriteAtomically("b/precious.txt", "mine").ok());
  const Status used = WriteScaffold(files, "b", "fine");
  ASSERT_FALSE(used.ok());
  EXPECT_EQ(used.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(files.IsFile("b/task.toml"));
}

TEST(Scaffold, ReportsAFullDisk) {
  MemoryFileSystem files;
  files.FailWrites({ErrorCode::kResourceExhausted, "disk full"});
  const Status status = WriteScaffold(files, "c", "fine");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace ks
