#include "tests/propose/kernel_equality.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/check.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/kernel_source.h"
#include "tests/propose/guarded_buffer.h"

namespace ks {
namespace {

struct Arguments {
  std::vector<std::unique_ptr<GuardedBuffer>> inputs, outputs;
  std::vector<intptr_t> words;
  std::vector<float> floats;
};

Arguments MakeArguments(const Task& task, const AxisValues& axes, uint64_t seed) {
  Arguments arguments;
  Rng rng(seed);
  for (const BufferSpec& spec : task.inputs) {
    if (spec.scalar) {
      if (IsFloat(spec.dtype)) {
        arguments.floats.push_back(static_cast<float>(rng.Uniform() * 0.5 + 0.25));
      } else {
        arguments.words.push_back(static_cast<intptr_t>(rng.Below(16)));
      }
      continue;
    }
    arguments.inputs.push_back(std::make_unique<GuardedBuffer>(BytesOf(spec, axes)));
    FillBuffer(spec, axes, *arguments.inputs.back(), rng);
    arguments.words.push_back(reinterpret_cast<intptr_t>(arguments.inputs.back()->data()));
  }
  for (const BufferSpec& spec : task.outputs) {
    arguments.outputs.push_back(std::make_unique<GuardedBuffer>(BytesOf(spec, axes)));
    arguments.words.push_back(reinterpret_cast<intptr_t>(arguments.outputs.back()->data()));
  }
  for (const std::string& axis : task.axes) arguments.words.push_back(axes.at(axis));
  KS_CHECK(arguments.words.size() <= 14 && arguments.floats.size() <= 2);
  arguments.words.resize(14);
  arguments.floats.resize(2);
  return arguments;
}

// A compiled and loaded kernel. On x86-64 integers and floats travel in separate registers, and
// surplus arguments are ignored, so that one call form serves every signature.
class Library {
 public:
  Library(const std::string& source, const std::string& entry) {
    std::string path = (std::filesystem::temp_directory_path() / "ks_equality_XXXXXX").string();
    KS_CHECK(mkdtemp(path.data()) != nullptr);
    folder_ = path;
    std::ofstream(folder_ / "k.cc") << source;
    const BuildDirectives directives = ParseBuildDirectives(source);
    const std::string command = directives.compiler + " -std=c++20 -shared -fPIC " +
                                Join(directives.flags, " ") + " -o " + (folder_ / "k.so").string() +
                                " " + (folder_ / "k.cc").string() + " 2> " +
                                (folder_ / "log").string();
    if (std::system(command.c_str()) != 0) {
      std::ifstream log(folder_ / "log");
      std::stringstream text;
      text << log.rdbuf();
      error_ = "does not compile: " + Shorten(text.str(), 1500);
      return;
    }
    // Threads of a pool would outlive unloaded code.
    const int keep =
        Join(directives.flags, " ").find("-fopenmp") == std::string::npos ? 0 : RTLD_NODELETE;
    handle_ = dlopen((folder_ / "k.so").c_str(), RTLD_NOW | RTLD_LOCAL | keep);
    if (handle_ == nullptr) {
      error_ = dlerror();
      return;
    }
    entry_ = reinterpret_cast<EntryFn*>(dlsym(handle_, entry.c_str()));
    if (entry_ == nullptr) error_ = "does not define " + entry;
  }
  ~Library() {
    if (handle_ != nullptr) dlclose(handle_);
    std::filesystem::remove_all(folder_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const std::string& error() const { return error_; }
  void Call(const Arguments& a) const {
    const auto& w = a.words;
    entry_(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11], w[12], w[13],
           a.floats[0], a.floats[1]);
  }

 private:
  using Word = intptr_t;
  using EntryFn = void(Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word,
                       Word, float, float);
  std::filesystem::path folder_;
  void* handle_ = nullptr;
  EntryFn* entry_ = nullptr;
  std::string error_;
};

}  // namespace

BufferSpec BufferOf(const std::string& text) {
  BufferSpec spec;
  const size_t colon = text.find(':'), open = text.find('['), close = text.find(']');
  spec.name = text.substr(0, colon);
  const std::string type =
      text.substr(colon + 1, open == std::string::npos ? open : open - colon - 1);
  const std::map<std::string, DType> types = {{"f32", DType::kF32},   {"f64", DType::kF64},
                                              {"bf16", DType::kBF16}, {"i32", DType::kI32},
                                              {"i64", DType::kI64},   {"u8", DType::kU8}};
  spec.dtype = types.at(type);
  spec.scalar = open == std::string::npos;
  if (spec.scalar) return spec;
  for (std::string_view extent :
       Split(std::string_view(text).substr(open + 1, close - open - 1), ',')) {
    spec.shape.emplace_back(Trim(extent));
  }
  std::string rest = text.substr(close + 1);
  if (rest.starts_with("rising")) {
    spec.fill.kind = "csr_row_ptr";
    rest.erase(0, 6);
  }
  if (rest.starts_with("<")) spec.fill.parameters["below"] = rest.substr(1);
  return spec;
}

Task TaskOf(const std::string& entry, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs, const std::vector<std::string>& axes,
            bool allow_reassociation) {
  Task task;
  task.name = task.entry = entry;
  task.axes = axes;
  task.allow_reassociation = allow_reassociation;
  for (const std::string& text : inputs) task.inputs.push_back(BufferOf(text));
  for (const std::string& text : outputs) task.outputs.push_back(BufferOf(text));
  return task;
}

Task MatmulTask() {
  return TaskOf("matmul", {"a:f32[m,k]", "b:f32[k,n]"}, {"c:f32[m,n]"}, {"m", "n", "k"});
}

std::string MatmulSeed() {
  return R"(#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p) {
        sum += a[i * k + p] * b[p * n + j];
      }
      c[i * n + j] = sum;
    }
  }
}
)";
}

Machine TestMachine() {
  Machine machine;
  machine.cores = 2;
  machine.l1d_bytes = 32 << 10;
  machine.l2_bytes = 512 << 10;
  machine.l3_bytes = 32 << 20;
  machine.march_options = {"x86-64-v2"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    machine.vector_bits = 256;
    machine.has_fma = true;
    machine.isa = {"avx2", "fma"};
    machine.march_options = {"x86-64-v3", "x86-64-v2"};
  }
  machine.compilers = {"g++ 12"};
  return machine;
}

std::vector<AxisValues> OddSizes(const Task& task) {
  std::vector<AxisValues> sizes;
  const std::vector<std::vector<int64_t>> patterns = {
      {1},           {2}, {3}, {7, 5, 3, 2}, {33, 17, 9, 5}, {16, 64, 32, 8}, {13, 130, 67, 3},
      {1, 37, 2, 19}};
  for (const auto& pattern : patterns) {
    AxisValues axes;
    for (size_t i = 0; i < task.axes.size(); ++i) axes[task.axes[i]] = pattern[i % pattern.size()];
    sizes.push_back(axes);
  }
  return sizes;
}

std::string DifferenceOf(const Task& task, const std::string& original, const std::string& edited,
                         const std::vector<AxisValues>& sizes, double tolerance) {
  // The same original is compared with many edits: compile it once.
  static std::map<std::string, std::unique_ptr<Library>> originals;
  std::unique_ptr<Library>& kept = originals[original];
  if (kept == nullptr) kept = std::make_unique<Library>(original, task.entry);
  const Library& want = *kept;
  const Library got(edited, task.entry);
  if (!want.error().empty()) return "original " + want.error();
  if (!got.error().empty()) return got.error();
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Arguments expected = MakeArguments(task, sizes[i], 17 + i);
    const Arguments actual = MakeArguments(task, sizes[i], 17 + i);
    want.Call(expected);
    got.Call(actual);
    for (size_t o = 0; o < task.outputs.size(); ++o) {
      if (!actual.outputs[o]->Intact())
        return "writes outside " + task.outputs[o].name + SizesText(sizes[i]);
      const std::string difference = CompareBuffers(task.outputs[o].dtype, *expected.outputs[o],
                                                    *actual.outputs[o], tolerance);
      if (!difference.empty()) return task.outputs[o].name + " " + difference + SizesText(sizes[i]);
    }
    for (size_t k = 0; k < expected.inputs.size(); ++k) {
      if (std::memcmp(expected.inputs[k]->data(), actual.inputs[k]->data(),
                      expected.inputs[k]->bytes()) != 0) {
        return "changes an input" + SizesText(sizes[i]);
      }
    }
  }
  return "";
}

std::unique_ptr<KernelContext> Analyse(const std::string& source, const Task& task,
                                       const Machine& machine) {
  std::unique_ptr<KernelContext> kernel = KernelContext::Make(source, task, machine, nullptr);
  KS_CHECK(kernel != nullptr);
  return kernel;
}

std::vector<Edit> EditsOf(const Skill& skill, const Task& task, const std::string& source) {
  const Machine machine = TestMachine();
  return skill.Edits(*Analyse(source, task, machine));
}

int ExpectEditsKeepResult(const Skill& skill, const Task& task, const std::string& source,
                          int limit) {
  const std::vector<Edit> edits = EditsOf(skill, task, source);
  int checked = 0;
  for (const Edit& edit : edits) {
    if (checked++ == limit) break;
    EXPECT_NE(edit.source, source) << edit.rationale;
    EXPECT_EQ(DifferenceOf(task, source, edit.source, OddSizes(task)), "")
        << skill.name() << ": " << edit.rationale << "\n"
        << edit.source;
  }
  return static_cast<int>(edits.size());
}

std::vector<double> TimeKernels(const Task& task, const std::vector<std::string>& sources,
                                const AxisValues& size, int rounds) {
  std::vector<std::unique_ptr<Library>> libraries;
  for (const std::string& source : sources) {
    libraries.push_back(std::make_unique<Library>(source, task.entry));
  }
  const Arguments arguments = MakeArguments(task, size, 5);
  std::vector<std::vector<double>> samples(sources.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < libraries.size(); ++i) {
      if (!libraries[i]->error().empty()) {
        samples[i].push_back(1e18);
        continue;
      }
      const auto start = std::chrono::steady_clock::now();
      libraries[i]->Call(arguments);
      const auto stop = std::chrono::steady_clock::now();
      samples[i].push_back(std::chrono::duration<double, std::nano>(stop - start).count());
    }
  }
  std::vector<double> medians;
  for (auto& own : samples) {
    std::nth_element(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(own.size() / 2),
                     own.end());
    medians.push_back(own[own.size() / 2]);
  }
  return medians;
}

}  // namespace ks
