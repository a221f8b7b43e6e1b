#include "tests/propose/device/run/device_equality.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <sstream>

#include "base/check.h"
#include "base/text.h"
#include "core/launch_plan.h"
#include "tests/propose/device/run/fibre_block.h"
#include "tests/propose/guarded_buffer.h"

namespace ks {
namespace {

constexpr size_t kDynamicSharedBytes = 256u << 10;

// What a kernel works on.
struct Buffers {
  std::vector<std::unique_ptr<GuardedBuffer>> inputs, outputs, scratch;
  std::vector<double> scalars;  // one an input, meaningful for scalars
};

Buffers MakeBuffers(const Task& task, const AxisValues& axes,
                    const std::vector<uint64_t>& scratch_bytes) {
  Buffers buffers;
  Rng rng(23);
  for (const BufferSpec& spec : task.inputs) {
    buffers.scalars.push_back(static_cast<float>(rng.Uniform() * 0.5 + 0.25));
    buffers.inputs.push_back(
        std::make_unique<GuardedBuffer>(spec.scalar ? 0 : BytesOf(spec, axes)));
    if (!spec.scalar) FillBuffer(spec, axes, *buffers.inputs.back(), rng);
  }
  for (const BufferSpec& spec : task.outputs) {
    buffers.outputs.push_back(std::make_unique<GuardedBuffer>(BytesOf(spec, axes)));
  }
  for (const uint64_t bytes : scratch_bytes) {
    buffers.scratch.push_back(std::make_unique<GuardedBuffer>(bytes));
  }
  return buffers;
}

// Inline PTX as calls of tensor_on_cpu.h; headers of CUDA left out.
std::string WithoutAssembly(const std::string& source) {
  const std::pair<const char*, const char*> kReplacements[] = {
      {R"re(#include <cuda\w*\.h>)re", ""},
      {R"re("[=+]?[rf]"\(__uint_as_float\(([^()]*)\)\))re", "$1"},
      {R"re("[=+]?[rf]"\(([^()]*)\))re", "$1"},
      {R"re(asm\("cvt\.rna\.tf32[^"]*" : ([^:]*) : [^;]*\);)re", ";"},
      {R"re(asm volatile\("ldmatrix[^"]*\.trans[^"]*" : ([^:]*) : ([^;]*)\);)re",
       "ks_ldmatrix(true, $1, $2);"},
      {R"re(asm volatile\("ldmatrix[^"]*" : ([^:]*) : ([^;]*)\);)re",
       "ks_ldmatrix(false, $1, $2);"},
      {R"re(asm volatile\("mma[^"]*bf16[^"]*" : ([^:]*) : ([^;]*)\);)re", "ks_mma(true, $1, $2);"},
      {R"re(asm volatile\("mma[^"]*tf32[^"]*" : ([^:]*) : ([^;]*)\);)re",
       "ks_mma(false, $1, $2);"}};
  std::string code = source;
  for (const auto& [pattern, text] : kReplacements) {
    code = std::regex_replace(code, std::regex(pattern), text);
  }
  return code;
}

// The candidate as C++: constants as macros, arrays in shared memory as statics, and a function a
// launch that calls its kernel for one thread, with buffers b, scalars s and numbers n.
std::string CppOf(const std::string& source, const Task& task, const LaunchPlan& plan,
                  const BoundPlan& bound) {
  std::string text = fmt::format(
      "#define KS_DEVICE_CODE\n#include \"{0}/{1}/device_on_cpu.h\"\n"
      "#include \"{0}/{1}/tensor_on_cpu.h\"\n",
      KS_SOURCE_DIR, "tests/propose/device/run");
  for (const auto& [name, value] : bound.constants) {
    text += fmt::format("#define {} {}\n", name, value);
  }
  std::string code = std::regex_replace(
      WithoutAssembly(source),
      std::regex(
          R"(extern\s+__shared__\s+(?:__align__\(\d+\)\s+)?((?:unsigned )?\w+)\s+(\w+)\[\];)"),
      "$1* const $2 = static_cast<$1*>(ks_runtime->dynamic_shared);");
  code = std::regex_replace(code, std::regex(R"(__local (\w+) (\w+)\[)"), "static $1 $2[");
  text += code + "\n";
  std::vector<const PlanLaunch*> launches;
  for (const PlanStep& step : plan.steps) {
    if (const auto* launch = std::get_if<PlanLaunch>(&step)) launches.push_back(launch);
  }
  for (const BoundStep& step : bound.steps) {
    const auto* launch = std::get_if<BoundLaunch>(&step);
    if (launch == nullptr) continue;
    std::vector<std::string> args;
    const size_t outputs = task.inputs.size(), scratch = outputs + task.outputs.size();
    for (const BoundArgument& argument : launch->args) {
      const size_t index = argument.index;
      switch (argument.kind) {
        case BoundArgument::Kind::kInput:
          args.push_back(fmt::format("KsBuffer{{b[{}]}}", index));
          break;
        case BoundArgument::Kind::kOutput:
          args.push_back(fmt::format("KsBuffer{{b[{}]}}", outputs + index));
          break;
        case BoundArgument::Kind::kScratch:
          args.push_back(fmt::format("KsBuffer{{b[{}]}}", scratch + index));
          break;
        case BoundArgument::Kind::kScalar:
          args.push_back(fmt::format("s[{}]", index));
          break;
        case BoundArgument::Kind::kInteger:
          args.push_back(fmt::format("n[{}]", args.size()));
          break;
      }
    }
    if (launch->shared_bytes > 0 && source.find("__kernel") != std::string::npos) {
      args.push_back("KsBuffer{ks_runtime->dynamic_shared}");
    }
    text += fmt::format(
        "extern \"C\" void ks_launch_{}(void** b, const double* s, const long* n) {{ {}({}); }}\n",
        launch->kernel, launches[launch->kernel]->kernel.text, Join(args, ", "));
  }
  return text;
}

// Compiled code. Single thread.
class Library {
 public:
  explicit Library(const std::string& code) {
    std::string path = (std::filesystem::temp_directory_path() / "ks_device_XXXXXX").string();
    KS_CHECK(mkdtemp(path.data()) != nullptr);
    folder_ = path;
    std::ofstream(folder_ / "k.cc") << code;
    const std::string command = fmt::format(
        "g++ -std=c++20 -O1 -w -shared -fPIC -o {0}/k.so {0}/k.cc 2> {0}/log", folder_.string());
    if (std::system(command.c_str()) != 0) {
      std::ifstream log(folder_ / "log");
      std::stringstream text;
      text << log.rdbuf();
      error_ = "does not compile: " + Shorten(text.str(), 1500);
      return;
    }
    handle_ = dlopen((folder_ / "k.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) error_ = dlerror();
  }
  ~Library() {
    if (handle_ != nullptr) dlclose(handle_);
    std::filesystem::remove_all(folder_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& error() const { return error_; }
  template <typename Function>
  Function* Find(const std::string& name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name.c_str()));
  }

 private:
  std::filesystem::path folder_;
  void* handle_ = nullptr;
  std::string error_;
};

using FibreKernel = void(void** buffers, const double* scalars, const long* numbers);
// Compiled candidates by their code: sizes that share constants share it.
using Libraries = std::map<std::string, std::unique_ptr<Library>>;

// All blocks of a cooperative launch, a turn each: every block has its own shared memory, which is
// put in its place for the turn.
std::string RunTogether(const Library& library, const std::function<void()>& thread, KsPoint size,
                        KsPoint grid) {
  constexpr long kPatience = 1000;  // turns without progress
  char *begin = nullptr, *end = nullptr;
  library.Find<void(char**, char**)>("ks_shared_memory")(&begin, &end);
  const size_t count = grid.x * grid.y * grid.z;
  std::vector<std::unique_ptr<FibreBlock>> blocks;
  std::vector<std::vector<char>> dynamic(count), fixed(count);
  for (size_t at = 0; at < count; ++at) {
    const auto place = static_cast<unsigned>(at);
    blocks.push_back(std::make_unique<FibreBlock>());
    dynamic[at].assign(kDynamicSharedBytes, static_cast<char>(0xA5));
    fixed[at].assign(static_cast<size_t>(end - begin), static_cast<char>(0xA5));
    blocks[at]->runtime()->dynamic_shared = dynamic[at].data();
    blocks[at]->Begin(thread, {place % grid.x, place / grid.x % grid.y, place / grid.x / grid.y},
                      size, grid);
  }
  std::vector<bool> runs(count, true);
  for (long idle = 0, before = -1; idle < kPatience; ++idle) {
    long progress = 0;
    bool any = false;
    for (size_t at = 0; at < count; ++at) {
      if (runs[at]) {
        library.Find<void(KsRuntime*)>("ks_bind")(blocks[at]->runtime());
        std::copy(fixed[at].begin(), fixed[at].end(), begin);
        runs[at] = blocks[at]->Step();
        std::copy(begin, end, fixed[at].begin());
      }
      progress += blocks[at]->progress();
      any = any || runs[at];
    }
    if (!any) return "";
    if (progress != before) idle = 0;
    before = progress;
  }
  return "blocks wait for others that do not come";
}

std::string RunSteps(const Library& library, const BoundPlan& bound, Buffers& buffers) {
  std::vector<void*> pointers;
  for (const auto* list : {&buffers.inputs, &buffers.outputs, &buffers.scratch}) {
    for (const auto& buffer : *list) pointers.push_back(buffer->data());
  }
  FibreBlock block;
  std::vector<char> shared(kDynamicSharedBytes);
  block.runtime()->dynamic_shared = shared.data();
  for (const BoundStep& step : bound.steps) {
    if (const auto* clear = std::get_if<BoundClear>(&step)) {
      auto& list = clear->kind == BoundArgument::Kind::kOutput ? buffers.outputs : buffers.scratch;
      std::memset(list[clear->index]->data(), 0, list[clear->index]->bytes());
      continue;
    }
    const auto& launch = std::get<BoundLaunch>(step);
    if (launch.shared_bytes > kDynamicSharedBytes) return "asks for too much shared memory";
    auto* const kernel = library.Find<FibreKernel>(fmt::format("ks_launch_{}", launch.kernel));
    std::vector<long> numbers;
    for (const BoundArgument& argument : launch.args) numbers.push_back(argument.value);
    const KsPoint grid = {launch.grid[0], launch.grid[1], launch.grid[2]};
    const KsPoint size = {launch.block[0], launch.block[1], launch.block[2]};
    if (launch.cooperative) {
      const std::string problem = RunTogether(
          library, [&] { kernel(pointers.data(), buffers.scalars.data(), numbers.data()); }, size,
          grid);
      if (!problem.empty()) return problem;
      continue;
    }
    library.Find<void(KsRuntime*)>("ks_bind")(block.runtime());
    for (unsigned at = 0; at < grid.x * grid.y * grid.z; ++at) {
      std::fill(shared.begin(), shared.end(), static_cast<char>(0xA5));
      const KsPoint place = {at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y};
      const std::string problem =
          block.Run([&] { kernel(pointers.data(), buffers.scalars.data(), numbers.data()); }, place,
                    size, grid);
      if (!problem.empty()) return problem;
    }
  }
  return "";
}

// Runs a candidate at one size. Empty: it ran within its buffers.
std::string RunCandidate(const Task& task, const std::string& source, const AxisValues& axes,
                         Libraries* libraries, Buffers* buffers) {
  const auto parsed = ParseLaunchPlan(source);
  if (const auto* wrong = std::get_if<Diagnostic>(&parsed)) return wrong->message;
  const auto& plan = std::get<LaunchPlan>(parsed);
  LaunchLimits limits;
  limits.sm_count = 3;
  const Workload workload = {"w", axes};
  const auto bound_or = BindLaunchPlan(plan, source, task, workload, limits);
  if (const auto* wrong = std::get_if<Diagnostic>(&bound_or)) return wrong->message;
  if (const auto* beyond = std::get_if<LaunchFailed>(&bound_or)) return beyond->reason;
  const auto& bound = std::get<BoundPlan>(bound_or);
  *buffers = MakeBuffers(task, axes, bound.scratch_bytes);
  const std::string code = CppOf(source, task, plan, bound);
  std::unique_ptr<Library>& library = (*libraries)[code];
  if (library == nullptr) library = std::make_unique<Library>(code);
  if (!library->error().empty()) return library->error();
  const std::string problem = RunSteps(*library, bound, *buffers);
  if (!problem.empty()) return problem;
  for (const auto* list : {&buffers->inputs, &buffers->outputs, &buffers->scratch}) {
    for (const auto& buffer : *list) {
      if (!buffer->Intact()) return "writes outside of a buffer";
    }
  }
  return "";
}

std::string CompareRuns(const Task& task, const Buffers& want, const Buffers& got,
                        double tolerance) {
  for (size_t o = 0; o < task.outputs.size(); ++o) {
    const std::string difference =
        CompareBuffers(task.outputs[o].dtype, *want.outputs[o], *got.outputs[o], tolerance);
    if (!difference.empty()) return task.outputs[o].name + " " + difference;
  }
  for (size_t i = 0; i < task.inputs.size(); ++i) {
    if (std::memcmp(want.inputs[i]->data(), got.inputs[i]->data(), want.inputs[i]->bytes()) != 0) {
      return "an input has changed";
    }
  }
  return "";
}

}  // namespace

std::string DeviceDifferenceOf(const Task& task, const std::string& original,
                               const std::string& edited, const std::vector<AxisValues>& sizes,
                               double tolerance) {
  // The same original is compared with many edits: run it once a size.
  static std::map<std::string, std::pair<std::string, Buffers>> originals;
  Libraries libraries;
  for (const AxisValues& axes : sizes) {
    const std::string key = original + SizesText(axes);
    if (originals.count(key) == 0) {
      auto& [problem, buffers] = originals[key];
      problem = RunCandidate(task, original, axes, &libraries, &buffers);
    }
    const auto& [problem, want] = originals[key];
    if (!problem.empty()) return "original " + problem + SizesText(axes);
    Buffers got;
    std::string difference = RunCandidate(task, edited, axes, &libraries, &got);
    if (difference.empty()) difference = CompareRuns(task, want, got, tolerance);
    if (!difference.empty()) return difference + SizesText(axes);
  }
  return "";
}

std::vector<Edit> DeviceEditsOf(const std::string& skill, const Task& task,
                                const std::string& source, const std::string& backend) {
  const Machine machine;
  const auto context = DeviceContext::Make(source, task, machine, backend, nullptr);
  if (context == nullptr) {
    ADD_FAILURE() << "the parent does not parse";
    return {};
  }
  for (const auto& known : AllDeviceSkills()) {
    if (known->name() == skill) return known->Edits(*context);
  }
  ADD_FAILURE() << "no skill " << skill;
  return {};
}

int ExpectDeviceEditsKeepResult(const std::string& skill, const Task& task,
                                const std::string& source, const std::string& backend,
                                const std::vector<AxisValues>& sizes, int limit) {
  const std::vector<Edit> edits = DeviceEditsOf(skill, task, source, backend);
  int checked = 0;
  for (const Edit& edit : edits) {
    if (checked++ == limit) break;
    EXPECT_NE(edit.source, source) << edit.rationale;
    EXPECT_EQ(DeviceDifferenceOf(task, source, edit.source, sizes), "")
        << skill << ": " << edit.rationale << "\n"
        << edit.source;
  }
  return static_cast<int>(edits.size());
}

}  // namespace ks
