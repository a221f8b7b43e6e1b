// Skills for Triton on the library's seeds: in Triton's interpreter, every child writes what its
// parent writes.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "core/launch_plan.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/device/run/device_seeds.h"
#include "tests/propose/device/run/triton_parents.h"
#include "tests/propose/guarded_buffer.h"

namespace ks {
namespace {

constexpr int kMissing = 77;

struct Case {
  const char *skill, *seed;
};
constexpr Case kCases[] = {
    {"triton_split_rows", "layer_norm"},    {"triton_split_rows", "softmax"},
    {"triton_split_rows", "cross_entropy"}, {"triton_split_rows", "matvec"},
    {"triton_split_k", "matmul_tall_k"},    {"triton_split_k", "matmul"},
    {"triton_bins", "histogram"},           {"triton_full_tiles", "softmax"},
    {"triton_full_tiles", "layer_norm"},    {"triton_full_tiles", "matmul"},
    {"triton_persistent", "gelu"},          {"triton_persistent", "softmax"},
    {"single_pass_row", "softmax"},         {"pipelined_loop", "layer_norm"},
    {"group_programs", "matmul"},           {"specialize_axes", "softmax"},
    {"triton_batch_programs", "attention"}, {"triton_batch_programs", "conv2d"},
    {"triton_batch_programs", "matvec"},    {"triton_transpose_operand", "matmul_tf32"},
    {"joined_moments", "layer_norm"},       {"triton_batch_programs", "spmv"},
    {"triton_strips", "max_pool2d"},        {"triton_strips", "depthwise_conv"},
    {"triton_stack_steps", "rms_norm"},
};

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string StepText(const BoundStep& step, const Task& task,
                     const std::vector<const PlanLaunch*>& launches) {
  const size_t outputs = task.inputs.size(), scratch = outputs + task.outputs.size();
  if (const auto* clear = std::get_if<BoundClear>(&step)) {
    const bool output = clear->kind == BoundArgument::Kind::kOutput;
    return fmt::format("{{\"clear\":{}}}", (output ? outputs : scratch) + clear->index);
  }
  const auto& launch = std::get<BoundLaunch>(step);
  std::vector<std::string> args;
  for (const BoundArgument& argument : launch.args) {
    switch (argument.kind) {
      case BoundArgument::Kind::kInput:
        args.push_back(fmt::format("{{\"buffer\":{}}}", argument.index));
        break;
      case BoundArgument::Kind::kOutput:
        args.push_back(fmt::format("{{\"buffer\":{}}}", outputs + argument.index));
        break;
      case BoundArgument::Kind::kScratch:
        args.push_back(fmt::format("{{\"buffer\":{}}}", scratch + argument.index));
        break;
      case BoundArgument::Kind::kScalar:
        args.push_back("{\"value\":0.375}");
        break;
      case BoundArgument::Kind::kInteger:
        args.push_back(fmt::format("{{\"value\":{}}}", argument.value));
        break;
    }
  }
  return fmt::format("{{\"kernel\":{},\"grid\":[{},{},{}],\"args\":[{}]}}",
                     Quoted(launches[launch.kernel]->kernel.text), launch.grid[0], launch.grid[1],
                     launch.grid[2], Join(args, ","));
}

// The candidate with its plan on one workload; empty: a problem, which has been reported.
std::string CandidateText(const std::string& source, const Task& task, const AxisValues& axes) {
  const auto parsed = ParseLaunchPlan(source);
  if (const auto* wrong = std::get_if<Diagnostic>(&parsed)) {
    ADD_FAILURE() << wrong->message;
    return "";
  }
  const auto& plan = std::get<LaunchPlan>(parsed);
  LaunchLimits limits;
  limits.sm_count = 2;
  const auto bound_or = BindLaunchPlan(plan, source, task, {"w", axes}, limits);
  if (!std::holds_alternative<BoundPlan>(bound_or)) {
    ADD_FAILURE() << "the plan does not bind:\n" << source;
    return "";
  }
  const auto& bound = std::get<BoundPlan>(bound_or);
  std::vector<const PlanLaunch*> launches;
  for (const PlanStep& step : plan.steps) {
    if (const auto* launch = std::get_if<PlanLaunch>(&step)) launches.push_back(launch);
  }
  std::vector<std::string> constants, scratch, steps;
  for (const auto& [name, value] : bound.constants) {
    constants.push_back(fmt::format("\"{}\":{}", name, value));
  }
  for (const uint64_t bytes : bound.scratch_bytes) scratch.push_back(std::to_string(bytes / 4));
  for (const BoundStep& step : bound.steps) steps.push_back(StepText(step, task, launches));
  return fmt::format("{{\"source\":{},\"constants\":{{{}}},\"scratch\":[{}],\"steps\":[{}]}}",
                     Quoted(source), Join(constants, ","), Join(scratch, ","), Join(steps, ","));
}

std::string BuffersText(const std::vector<BufferSpec>& specs, const AxisValues& axes) {
  std::vector<std::string> out;
  for (const BufferSpec& spec : specs) {
    const auto below = spec.fill.parameters.find("below");
    const int64_t limit = below == spec.fill.parameters.end() ? 1 : ExtentOf(below->second, axes);
    const std::string type = spec.dtype == DType::kF32   ? "f32"
                             : spec.dtype == DType::kI64 ? "i64"
                                                         : "i32";
    const size_t count = spec.scalar ? 1 : BytesOf(spec, axes) / SizeOf(spec.dtype);
    out.push_back(fmt::format("{{\"dtype\":\"{}\",\"count\":{},\"below\":{},\"rising\":{}}}", type,
                              count, limit, spec.fill.kind == "csr_row_ptr" ? "true" : "false"));
  }
  return Join(out, ",");
}

// What the script says, a line a run, and its exit status.
std::pair<std::string, int> Interpret(const std::string& runs) {
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("ks_interpret_{}", static_cast<int>(getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "runs") << runs;
  const std::string own = std::string(KS_SOURCE_DIR) + "/build/venv/bin/python3";
  const char* const named = std::getenv("KS_TEST_PYTHON");
  const std::string python = named != nullptr                 ? named
                             : access(own.c_str(), X_OK) == 0 ? own
                                                              : "python3";
  const std::string command =
      fmt::format("{} -B {}/tests/propose/device/run/triton_interpret.py {}/runs 2>&1", python,
                  KS_SOURCE_DIR, folder.string());
  std::string said;
  FILE* const pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) said.append(buffer, n);
  const int status = pclose(pipe);
  std::filesystem::remove_all(folder);
  return {said, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(TritonSkillRun, ChildrenWriteWhatTheirParentsWrite) {
  std::string runs;
  std::vector<std::string> titles;
  std::vector<TritonParent> parents = TritonParents();
  for (const Case& c : kCases) parents.push_back({c.skill, c.seed, DeviceSeedOf(c.seed, "triton")});
  for (const TritonParent& c : parents) {
    const DeviceSeed& parent = c.kernel;
    std::vector<Edit> edits = DeviceEditsOf(c.skill, parent.task, parent.source, "triton");
    EXPECT_FALSE(edits.empty()) << c.skill << " on " << c.seed;
    if (edits.size() > 2) edits.resize(2);
    for (const Edit& edit : edits) {
      for (const AxisValues& axes : parent.sizes) {
        const std::string original = CandidateText(parent.source, parent.task, axes);
        const std::string edited = CandidateText(edit.source, parent.task, axes);
        runs += fmt::format("{{\"original\":{},\"edited\":{},\"inputs\":[{}],\"outputs\":[{}]}}\n",
                            original, edited, BuffersText(parent.task.inputs, axes),
                            BuffersText(parent.task.outputs, axes));
        titles.push_back(std::string(c.skill) + " on " + c.seed + SizesText(axes) + "\n" +
                         edit.source);
      }
    }
  }
  const auto [said, status] = Interpret(runs);
  if (status == kMissing) GTEST_SKIP() << "no interpreter for Triton: " << said;
  ASSERT_EQ(status, 0) << said;
  const auto lines = Split(Trim(said), '\n');
  ASSERT_EQ(lines.size(), titles.size()) << said;
  for (size_t i = 0; i < titles.size(); ++i) EXPECT_EQ(lines[i], "ok") << titles[i];
}

}  // namespace
}  // namespace ks
