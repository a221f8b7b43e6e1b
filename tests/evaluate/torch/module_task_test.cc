#include "evaluate/torch/module_task.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

constexpr const char* kModule =
    "import torch\n"
    "PRECISION = 'tf32'\n"
    "class ModelPart(torch.nn.Module):\n"
    "    pass\n"
    "class Model(torch.nn.Module):\n"
    "    def __init__(self):\n"
    "        super(Model, self).__init__()\n"
    "        self.other = zoo.Model\n";

TEST(ModuleTask, RepeatsTheModuleUnderTheNameOfACandidate) {
  const std::string seed = EagerSeed(kModule);
  EXPECT_NE(seed.find("class ModelNew(torch.nn.Module)"), std::string::npos);
  EXPECT_NE(seed.find("super(ModelNew, self)"), std::string::npos);
  EXPECT_NE(seed.find("class ModelPart("), std::string::npos) << "part of another name";
  EXPECT_NE(seed.find("zoo.Model\n"), std::string::npos) << "a member of something else";
  EXPECT_EQ(seed.find("class Model("), std::string::npos);
}

TEST(ModuleTask, LetsTorchCompileTheModule) {
  const std::string compiled = TorchCompiled(kModule);
  EXPECT_TRUE(compiled.starts_with(EagerSeed(kModule)));
  EXPECT_NE(compiled.find("\nModelNew.forward = torch.compile(ModelNew.forward"),
            std::string::npos);
}

TEST(ModuleTask, StartsFromTheEagerSeedAndThenFromThoseThatAreGiven) {
  const Task task = ModuleTask({"tasks/my module.py", kModule}, {{"other.py", "text"}});
  EXPECT_EQ(task.name, "my_module");
  EXPECT_EQ(task.precision, "tf32");
  ASSERT_EQ(task.seeds.size(), 2u);
  EXPECT_EQ(task.FindSeed("torch")->source, EagerSeed(kModule));
  EXPECT_EQ(task.seeds[1].source, "text");
  EXPECT_EQ(task.WorkloadsOf(WorkloadRole::kTime).size(), 1u);
  EXPECT_TRUE(CostOf(task, task.workloads.front()).ok());
}

TEST(ModuleTask, IsAnotherTaskWhenTheModuleIsAnotherOne) {
  const Task task = ModuleTask({"m.py", kModule}, {});
  EXPECT_NE(task.hash, ModuleTask({"m.py", std::string(kModule) + "x = 1\n"}, {}).hash);
  EXPECT_EQ(task.hash, ModuleTask({"other/m.py", kModule}, {{"s.py", "text"}}).hash)
      << "seeds and places do not decide verdicts";
}

}  // namespace
}  // namespace ks
