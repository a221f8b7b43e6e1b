#include "task/kernelbench.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

MemoryFileSystem Checkout(const std::string& root) {
  MemoryFileSystem files;
  for (const char* name : {"level1/10_Tenth.py", "level1/2_Second.py", "level1/README.md",
                           "level1/__init__.py", "level2/1_First.py"}) {
    EXPECT_TRUE(files.WriteAtomically(root + "/" + name, std::string("# ") + name).ok());
  }
  return files;
}

TEST(KernelBench, ListsTheModulesOfALevelByNumber) {
  const auto modules = ReadKernelBench(Checkout("kb/KernelBench"), "kb", {2, 1});
  ASSERT_TRUE(modules.ok()) << modules.error().message;
  ASSERT_EQ(modules->size(), 3u);
  EXPECT_EQ((*modules)[0].name, "2_Second");
  EXPECT_EQ((*modules)[1].number, 10);
  EXPECT_EQ((*modules)[2].level, 2);
  EXPECT_EQ((*modules)[2].path, "kb/KernelBench/level2/1_First.py");
  EXPECT_EQ((*modules)[2].sha256.size(), 64u);
}

TEST(KernelBench, TakesTheInnerFolderToo) {
  const auto modules = ReadKernelBench(Checkout("kb"), "kb", {1});
  ASSERT_TRUE(modules.ok()) << modules.error().message;
  EXPECT_EQ(modules->size(), 2u);
}

TEST(KernelBench, SaysWhichLevelIsMissing) {
  const auto modules = ReadKernelBench(Checkout("kb"), "kb", {1, 3});
  ASSERT_FALSE(modules.ok());
  EXPECT_EQ(modules.error().code, ErrorCode::kNotFound);
  EXPECT_NE(modules.error().message.find("level3"), std::string::npos);
}

}  // namespace
}  // namespace ks
