#include "service/evaluator_pool.h"

#include <gtest/gtest.h>

#include "tests/service/doubles.h"

namespace ks {
namespace {

Task Named(const std::string& name) {
  Task task;
  task.name = task.hash = name;
  return task;
}

class EvaluatorPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    room_.AddDevice("a");
    room_.AddDevice("b");
  }
  std::shared_ptr<Evaluator> Get(const std::string& task, size_t device) {
    auto evaluator = pool_.Get(Named(task), device, {});
    EXPECT_TRUE(evaluator.ok());
    return evaluator.ok() ? *evaluator : nullptr;
  }

  FakeMachineRoom room_;
  EvaluatorPool pool_{room_, 2};
};

TEST_F(EvaluatorPoolTest, KeepsSoManyOfEachDevice) {
  for (const char* task : {"x", "y"}) {
    Get(task, 0);
    Get(task, 1);
  }
  EXPECT_EQ(pool_.size(), 4U);
  for (const char* task : {"x", "y"}) Get(task, 0);
  EXPECT_EQ(room_.made(), 4);
  Get("z", 0);  // in place of x, which was used before y
  EXPECT_EQ(pool_.size(), 4U);
  Get("y", 0);
  Get("x", 1);
  EXPECT_EQ(room_.made(), 5);
  Get("x", 0);
  EXPECT_EQ(room_.made(), 6);
}

TEST_F(EvaluatorPoolTest, GivesUpWhatNobodyUses) {
  const std::shared_ptr<Evaluator> used = Get("x", 0);
  Get("y", 0);
  pool_.DropIdle();
  EXPECT_EQ(pool_.size(), 1U);
  EXPECT_EQ(Get("x", 0), used);
}

}  // namespace
}  // namespace ks
