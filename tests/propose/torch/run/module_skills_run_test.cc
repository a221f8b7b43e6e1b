// What the skills for modules write computes what the module computes: on CPU tensors, with
// Triton's interpreter. Parents: seeds that `ksmith seeds` wrote at reduced sizes.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "propose/torch/module_skill.h"

namespace ks {
namespace {

constexpr int kMissing = 77;

struct ModuleCase {
  const char* seed;
  const char* module;  // in tasks/torch
  const char* skill;
  const char* then = "";   // a second skill, on the first one's best edit
  const char* sizes = "";  // of the module, as JSON, in place of its reduced ones
};

// What the seeds of attention were traced at: whole tiles of 64 x 16.
constexpr const char* kOfTiles = R"({"batch":1,"heads":2,"tokens":64,"width":16})";
constexpr const char* kOfWindowedTiles =
    R"({"batch":1,"heads":2,"tokens":64,"width":16,"window":20})";

// Small modules: the interpreter is slow.
constexpr ModuleCase kModuleCases[] = {
    {"cosine_attention", "level2/cosine_attention", "module_attention", "", kOfTiles},
    {"sliding_window_attention", "level2/sliding_window_attention", "module_attention", "",
     kOfWindowedTiles},
    {"sliding_window_attention", "level2/sliding_window_attention", "module_attention",
     "module_attention", kOfWindowedTiles},
    {"point_net", "level3/point_net", "module_matmul"},
    {"point_net", "level3/point_net", "module_matmul", "module_matmul_tiles"},
    {"point_net", "level3/point_net", "module_epilogue"},
    {"point_net", "level3/point_net", "module_matmul", "module_epilogue"},
    {"mlp_mixer", "level3/mlp_mixer", "module_epilogue"},
    {"linear_mish_scale", "level2/linear_mish_scale", "module_epilogue"},
    {"dual_linear_swiglu", "level2/dual_linear_swiglu", "module_epilogue"},
    {"low_rank_adapter", "level2/low_rank_adapter", "module_epilogue"},
    {"mixture_of_experts", "level3/mixture_of_experts", "module_matmul"},
    {"mixture_of_experts", "level3/mixture_of_experts", "module_epilogue"},
    {"mixture_of_experts", "level3/mixture_of_experts", "module_weights_once"},
    {"conv_pixel_shuffle", "level2/conv_pixel_shuffle", "module_weights_once"},
    {"separable_conv_relu6", "level2/separable_conv_relu6", "module_depthwise_conv"},
    {"causal_depthwise_conv1d", "level1/causal_depthwise_conv1d", "module_depthwise_conv"},
    {"conv_pixel_shuffle", "level2/conv_pixel_shuffle", "module_conv"},
    {"conv_pixel_shuffle", "level2/conv_pixel_shuffle", "module_conv", "module_weights_once"},
    {"conv_pixel_shuffle", "level2/conv_pixel_shuffle", "module_conv", "module_matmul_tiles"},
    {"separable_conv_relu6", "level2/separable_conv_relu6", "module_conv"},
    {"conv1d_glu_group_norm", "level2/conv1d_glu_group_norm", "module_conv"},
    {"conv3d_instance_norm_tanh", "level2/conv3d_instance_norm_tanh", "module_conv"},
    {"linear_rms_norm_sigmoid", "level2/linear_rms_norm_sigmoid", "module_blocks"},
    {"separable_conv_relu6", "level2/separable_conv_relu6", "module_blocks"},
    {"linear_rms_norm_sigmoid", "level2/linear_rms_norm_sigmoid", "module_warps"},
    {"linear_rms_norm_sigmoid", "level2/linear_rms_norm_sigmoid", "module_cache"},
};

std::string ReadSource(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Edit> EditsOn(const std::string& source, const std::string& skill) {
  const std::unique_ptr<ModuleContext> module = ModuleContext::Make(source);
  if (module == nullptr) return {};
  for (const auto& known : AllModuleSkills()) {
    if (known->name() == skill) return known->Edits(*module);
  }
  return {};
}

// What the script says, a line a run, and its exit status.
std::pair<std::string, int> InterpretModules(const std::string& list) {
  const std::string own = std::string(KS_SOURCE_DIR) + "/build/venv/bin/python3";
  const char* const named = std::getenv("KS_TEST_PYTHON");
  const std::string python = named != nullptr                 ? named
                             : access(own.c_str(), X_OK) == 0 ? own
                                                              : "python3";
  const std::string command = fmt::format(
      "{} -B {}/tests/propose/torch/run/module_interpret.py {} 2>&1", python, KS_SOURCE_DIR, list);
  std::string said;
  FILE* const pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) said.append(buffer, n);
  const int status = pclose(pipe);
  return {said, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

TEST(Attention, IsOnlyForASoftmaxThatNobodyElseReads) {
  const std::string seed = ReadSource(std::string(KS_SOURCE_DIR) +
                                      "/tests/propose/torch/seeds/sliding_window_attention.py");
  ASSERT_EQ(EditsOn(seed, "module_attention").size(), 1u);
  const std::pair<const char*, const char*> changes[] = {
      {"tmp17 = tl.exp(tmp16)", "tmp17 = tl.sin(tmp16)"},
      {"tmp16 = tmp11 - tmp15", "tmp16 = tmp8 - tmp15"},
      {"tmp23 = tmp22 / tmp20", "tmp23 = tmp22 * tmp20"},
      {"tmp21 = tmp10 - tmp15", "tmp21 = tmp0 - tmp15"},
      {"helper_max2(tmp13, 1)", "helper_max2(tmp13, 0)"},
      {"tl.load(in_out_ptr0 + (r0_2 + 64 * x3))",
       "tl.load(in_out_ptr0 + (r0_2 + 64 * x3), mask=x3 < 5)[:, :]"},
      {"return buf4.view(1, 2, 64, 16)", "return buf4.view(1, 2, 64, 16), buf0"},
      {"(r0_2 + 64 * x3))\n    tmp0", "(x3 + 64 * r0_2))\n    tmp0"},
      {"tmp8 = tmp6 * tmp7", "tmp8 = tl.cumsum(tmp6, 1)"},
      {"tmp8 = tmp6 * tmp7", "tmp8 = helper_max2(tmp6, 1)"},
      {"helper_max2(tmp13, 1)", "helper_max2(tmp13, 1, keep_dims=True)"},
      {"tl.sum(tmp18, 1)", "tl.sum(tmp18, 1, dtype=tl.float64)"},
      {"torch.bmm(buf3.view(2, 64, 64)", "torch.bmm(buf3.view(2, 64, 64).permute(0, 2, 1)"},
      {"torch.bmm(buf3.view(2, 64, 64)", "torch.bmm(buf3.view(2, 64, 64)[:, :32]"},
      {"torch.bmm(buf3.view(2, 64, 64)", "torch.bmm(*(buf3.view(2, 64, 64),)"},
      {"buf3 = buf0.view(1, 2, 64, 64)", "buf3 = buf0.view(2, 64, 64).permute(0, 2, 1)"},
      {"buf3 = buf0.view(1, 2, 64, 64)", "buf3 = buf0[:1].view(1, 1, 64, 64)"},
      {"buf3 = buf0.view(1, 2, 64, 64)", "buf3, mean = buf0.view(1, 2, 64, 64), buf0.mean()"},
      {"buf0 = torch.empty((2, 64, 64), dtype=torch.float32",
       "buf0 = torch.empty((2, 64, 64), dtype=torch.float16"},
      {"R0_BLOCK: tl.constexpr = 64", "R0_BLOCK: tl.constexpr = 32"},
      {"triton.cdiv(128,", "triton.cdiv(64,"},
      {"buf4 = torch.empty((2, 64, 16)", "buf4 = torch.empty_strided((2, 64, 16), (16, 32, 1)"}};
  for (const auto& [from, to] : changes) {
    std::string other = seed;
    const size_t at = other.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    other.replace(at, std::string(from).size(), to);
    EXPECT_TRUE(EditsOn(other, "module_attention").empty()) << to;
  }
}

TEST(ModuleSkillRun, ChildrenComputeWhatTheModuleComputes) {
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("ks_module_edits_{}", static_cast<int>(getpid()));
  std::filesystem::create_directory(folder);
  std::vector<std::string> titles;
  std::ofstream list(folder / "runs");
  for (const ModuleCase& c : kModuleCases) {
    const std::string parent =
        ReadSource(fmt::format("{}/tests/propose/torch/seeds/{}.py", KS_SOURCE_DIR, c.seed));
    std::vector<Edit> edits = EditsOn(parent, c.skill);
    ASSERT_FALSE(edits.empty()) << c.skill << " on " << c.seed;
    if (c.then[0] != '\0') edits = EditsOn(edits.front().source, c.then);
    EXPECT_FALSE(edits.empty()) << c.then << " on " << c.seed;
    if (edits.size() > 2) edits.resize(2);
    for (const Edit& edit : edits) {
      const std::string name = (folder / fmt::format("edit{}.py", titles.size())).string();
      std::ofstream(name) << edit.source;
      list << fmt::format(
          "{{\"module\":\"{}/tasks/torch/{}.py\",\"candidate\":\"{}\",\"sizes\":{}}}\n",
          KS_SOURCE_DIR, c.module, name, c.sizes[0] == '\0' ? "null" : c.sizes);
      titles.push_back(fmt::format("{} {} on {}\n{}", c.skill, c.then, c.seed, edit.source));
    }
  }
  list.close();
  const auto [said, status] = InterpretModules((folder / "runs").string());
  if (std::getenv("KS_KEEP_EDITS") == nullptr) std::filesystem::remove_all(folder);
  if (status == kMissing) GTEST_SKIP() << "no torch with Triton: " << said;
  ASSERT_EQ(status, 0) << said;
  const auto lines = Split(Trim(said), '\n');
  ASSERT_EQ(lines.size(), titles.size()) << said;
  for (size_t i = 0; i < titles.size(); ++i) EXPECT_EQ(lines[i], "ok") << titles[i];
}

}  // namespace
}  // namespace ks
