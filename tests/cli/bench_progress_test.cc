#include "cli/bench_progress.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

class BenchProgressLines : public ::testing::Test {
 protected:
  BenchProgressOptions Options(bool terminal) {
    BenchProgressOptions options;
    options.sink = [this](std::string_view text) { shown_ += text; };
    options.terminal = terminal;
    options.columns = [] { return 60; };
    options.planned = 12;
    options.rounds = 40;
    return options;
  }
  static BenchedTask Task(AnswerState state) {
    BenchedTask task;
    task.name = "mat\x1bmul";
    task.state = state;
    task.speedup = {2.9, 3, 3.1};
    task.reason = "too\nlate";
    return task;
  }
  std::string shown_;
};

TEST_F(BenchProgressLines, SaysWhatBecameOfEachTask) {
  BenchProgress progress(Options(false));
  const auto watch = progress.Watch(0, "matmul");
  EXPECT_EQ(shown_, "");
  progress.Done(0, Task(AnswerState::kCorrect), 20);
  EXPECT_NE(shown_.find("[ 1/12] mat\uFFFDmul"), std::string::npos) << shown_;
  EXPECT_NE(shown_.find("3.00x [2.90, 3.10]"), std::string::npos);
  EXPECT_NE(shown_.find("about 3 min 40 s left"), std::string::npos);
  shown_.clear();
  progress.Done(0, Task(AnswerState::kFailed), 20);
  EXPECT_NE(shown_.find("failed: too late"), std::string::npos);
}

TEST_F(BenchProgressLines, WhatWasDoneBeforeDoesNotShortenTheRest) {
  BenchProgress progress(Options(false));
  for (int i = 0; i < 9; ++i) progress.Done(0, Task(AnswerState::kCorrect), 0.01);
  EXPECT_EQ(shown_.find("left"), std::string::npos);
  progress.Done(0, Task(AnswerState::kCorrect), 30);
  EXPECT_NE(shown_.find("about 1 min 00 s left"), std::string::npos) << shown_;
}

TEST_F(BenchProgressLines, ATerminalShowsWhereEveryDeviceIs) {
  BenchProgressOptions options = Options(true);
  options.lanes = {0, 3};
  BenchProgress progress(std::move(options));
  const auto one = progress.Watch(0, "matmul");
  const auto two = progress.Watch(1, "gelu");
  EXPECT_NE(shown_.find("0/12 done | 0: matmul 0/40 | 3: gelu 0/40"), std::string::npos) << shown_;
  progress.Judging(0, "matmul");
  EXPECT_NE(shown_.find("0: matmul final answer"), std::string::npos);
  progress.Close();
  EXPECT_TRUE(shown_.ends_with("\r\x1b[K"));
}

}  // namespace
}  // namespace ks
