// Both hosts of PyTorch modules, started once for all tests of a file; skips where torch is
// missing.
#ifndef KS_TESTS_EVALUATE_TORCH_MODULE_FIXTURE_H_
#define KS_TESTS_EVALUATE_TORCH_MODULE_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "backend/triton/python_env.h"
#include "base/file.h"
#include "evaluate/torch/module_evaluator.h"
#include "sandbox/sandbox.h"

namespace ks {

class ModuleFixture : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (shared_ != nullptr || !problem_.empty()) return;
    auto shared = std::make_unique<Shared>();
    auto python = TestPython();
    if (!python.ok()) {
      problem_ = python.error().message;
      return;
    }
    problem_ = TorchFault(*python);
    if (!problem_.empty()) return;
    shared->python = *python;
    auto sandbox = Sandbox::Create();
    if (!sandbox.ok()) {
      problem_ = sandbox.error().message;
      return;
    }
    shared->sandbox = *std::move(sandbox);
    EvaluationConfig config;
    config.check_trials = 2;
    config.compile_timeout_s = 4;
    config.call_timeout_s = 4;
    config.memory_limit_bytes = int64_t{2} << 30;
    auto evaluator = ModuleEvaluator::Create(*shared->sandbox, *python, {}, config, {});
    ASSERT_TRUE(evaluator.ok()) << evaluator.error().message;
    shared->evaluator = *std::move(evaluator);
    shared_ = std::move(shared);
  }
  void SetUp() override {
    if (shared_ == nullptr) GTEST_SKIP() << problem_ << " (tools/setup.sh --torch)";
  }

  static ModuleEvaluator& evaluator() { return *shared_->evaluator; }
  static const Sandbox& sandbox() { return *shared_->sandbox; }
  static const PythonEnvironment& python() { return shared_->python; }
  static Evaluation Evaluate(const std::string& module, const std::string& candidate,
                             const Stages& stages = {}) {
    const Result<Evaluation> evaluation = evaluator().Evaluate(
        {"module.py", module}, {"candidate.py", candidate}, stages, /*secret_seed=*/20261127, {});
    EXPECT_TRUE(evaluation.ok()) << evaluation.error().message;
    return evaluation.value_or(Evaluation());
  }
  static std::string ReadFile(const std::string& path) {
    const Result<std::string> text = PosixFileSystem().Read(path, kMaxTextFileBytes);
    EXPECT_TRUE(text.ok()) << path;
    return text.value_or("");
  }

 private:
  // The environment that tools/setup.sh makes, else the Python of the system.
  static Result<PythonEnvironment> TestPython() {
    const std::string path = std::string(KS_SOURCE_DIR) + "/build/venv/bin/python3";
    if (access(path.c_str(), X_OK) == 0) return ProbePython(path, "");
    return ProbePython("python3", "/usr/local/bin:/usr/bin:/bin");
  }

  struct Shared {
    PythonEnvironment python;
    std::unique_ptr<Sandbox> sandbox;
    std::unique_ptr<ModuleEvaluator> evaluator;  // destroyed first
  };
  inline static std::unique_ptr<Shared> shared_;
  inline static std::string problem_;
};

}  // namespace ks

#endif  // KS_TESTS_EVALUATE_TORCH_MODULE_FIXTURE_H_
