#include "evaluate/caching_compiler.h"

#include <gtest/gtest.h>

#include <map>

namespace ks {
namespace {

CompiledKernel SampleKernel() {
  CompiledKernel kernel;
  kernel.binary = std::string(
      "\x7f"
      "ELF\n\0code\n",
      11);
  kernel.binary_hash = "hash";
  kernel.features.vector_bits = 256;
  kernel.device.emplace().registers = 40;
  kernel.compiler = "g++ 12.2.0";
  kernel.flags = "-O3";
  kernel.warnings = {{"warning", 1, 2, "unused"}};
  kernel.seconds = 3;
  return kernel;
}

// Counts what it compiles; "broken" does not.
class CountingBackend final : public Backend {
 public:
  std::string name() const override { return "cpu"; }
  std::string device_class() const override { return "cpu"; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task&, const std::string& source, const CompileLimits&,
                                 std::stop_token) override {
    ++compiles_;
    if (source == "broken") return CompileOutcome(CompileFailed{});
    if (source == "fault") return Error{ErrorCode::kInternal, "no compiler"};
    return CompileOutcome(SampleKernel());
  }
  Machine machine_;
  int compiles_ = 0;
};

class MapCache final : public BlobCache {
 public:
  std::optional<std::string> FindBlob(const std::string& key) override {
    const auto found = blobs_.find(key);
    return found == blobs_.end() ? std::nullopt : std::optional(found->second);
  }
  void PutBlob(const std::string& key, std::string bytes) override {
    blobs_[key] = std::move(bytes);
  }
  std::map<std::string, std::string> blobs_;
};

class CachingCompilerTest : public testing::Test {
 protected:
  std::optional<CompiledKernel> Compile(const std::string& source,
                                        const std::string& toolchain = "1") {
    CachingCompiler compiler(backend_, cache_, toolchain);
    Result<CompileOutcome> outcome = compiler.Compile(task_, source, {}, {});
    if (!outcome.ok() || !std::holds_alternative<CompiledKernel>(*outcome)) return std::nullopt;
    return std::get<CompiledKernel>(*outcome);
  }
  Task task_;
  CountingBackend backend_;
  MapCache cache_;
};

TEST_F(CachingCompilerTest, CompilesTheSameOnceAndGivesTheSameBack) {
  ASSERT_TRUE(Compile("a").has_value());
  const std::optional<CompiledKernel> again = Compile("a");
  EXPECT_EQ(backend_.compiles_, 1);
  const CompiledKernel want = SampleKernel();
  EXPECT_EQ(again->binary, want.binary);
  EXPECT_EQ(again->binary_hash, want.binary_hash);
  EXPECT_EQ(again->features, want.features);
  EXPECT_EQ(again->device, want.device);
  EXPECT_EQ(again->compiler, want.compiler);
  EXPECT_EQ(again->flags, want.flags);
  EXPECT_EQ(again->warnings.at(0).message, "unused");
  EXPECT_EQ(again->seconds, 0) << "it took no time";
}

TEST_F(CachingCompilerTest, WhatDecidesTheCodeIsPartOfTheKey) {
  Compile("a");
  Compile("b");
  Compile("a", "2");
  task_.hash = "other";
  Compile("a");
  backend_.machine_.compilers = {"g++ 13"};
  Compile("a");
  backend_.machine_.id = "other";
  Compile("a");
  EXPECT_EQ(backend_.compiles_, 6);
}

TEST_F(CachingCompilerTest, FailuresAreNotKept) {
  for (const char* source : {"broken", "fault"}) {
    EXPECT_FALSE(Compile(source).has_value());
    EXPECT_FALSE(Compile(source).has_value());
  }
  EXPECT_EQ(backend_.compiles_, 4);
}

TEST_F(CachingCompilerTest, ADamagedBlobIsCompiledAgain) {
  Compile("a");
  std::string& blob = cache_.blobs_.begin()->second;
  const std::string whole = blob;
  for (size_t i = 0; i < whole.size(); i += 7) {
    blob = whole;
    blob[i] = static_cast<char>(blob[i] ^ 1);
    EXPECT_FALSE(KernelFromBlob(blob).has_value()) << i;
  }
  EXPECT_FALSE(KernelFromBlob("").has_value());
  EXPECT_FALSE(KernelFromBlob(whole.substr(0, whole.size() - 1)).has_value());
  blob = "damaged";
  EXPECT_TRUE(Compile("a").has_value());
  EXPECT_EQ(backend_.compiles_, 2);
}

}  // namespace
}  // namespace ks
