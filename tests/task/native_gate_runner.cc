#include "tests/task/native_gate_runner.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "task/impostors.h"

namespace ks {
namespace {

DType TypeOf(const BufferSpec& buffer, bool widened) {
  return widened ? OracleType(buffer.dtype) : buffer.dtype;
}

// A function that unpacks arrays of pointers and extents into the entry's argument list.
std::string Trampoline(const Task& task, bool widened) {
  std::string arguments;
  size_t index = 0;
  for (const auto* buffers : {&task.inputs, &task.outputs}) {
    for (const BufferSpec& buffer : *buffers) {
      arguments +=
          fmt::format("{}{}static_cast<{}*>(buffers[{}])", index == 0 ? "" : ", ",
                      buffer.scalar ? "*" : "", DTypeCppName(TypeOf(buffer, widened)), index);
      ++index;
    }
  }
  for (size_t i = 0; i < task.axes.size(); ++i) arguments += fmt::format(", axes[{}]", i);
  return fmt::format(
      "\n{};\nextern \"C\" void trampoline(void* const* buffers, const int64_t* axes) {{\n"
      "  {}({});\n}}\n",
      EntryDeclaration(task, widened), task.entry, arguments);
}

}  // namespace

NativeGateRunner::NativeGateRunner(const Task& task, std::string folder)
    : task_(task), folder_(std::move(folder)) {}

NativeGateRunner::~NativeGateRunner() {
  for (void* library : libraries_) dlclose(library);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<std::unique_ptr<NativeGateRunner>> NativeGateRunner::Create(const Task& task,
                                                                   const std::string& flags,
                                                                   const std::string& kernel) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ks_gate_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return ErrnoError(errno, "mkdtemp");
  std::unique_ptr<NativeGateRunner> runner(new NativeGateRunner(task, pattern));
  KS_ASSIGN_OR_RETURN(runner->reference_,
                      runner->Compile("reference", task.reference_source, true, "-O3"));
  const std::string& source = kernel.empty() ? task.FindSeed("cpu")->source : kernel;
  KS_ASSIGN_OR_RETURN(runner->seed_, runner->Compile("seed", source, false, flags));
  return runner;
}

Result<NativeGateRunner::Entry> NativeGateRunner::Compile(const std::string& name,
                                                          const std::string& source, bool widened,
                                                          const std::string& flags) {
  PosixFileSystem files;
  const std::string base = folder_ + "/" + name;
  KS_RETURN_IF_ERROR(files.WriteAtomically(base + ".cc", source + Trampoline(task_, widened)));
  const std::string command = fmt::format(
      "g++ -std=c++17 -Wall -Wextra -Wno-unused-parameter -Werror {} -shared -fPIC -o {}.so {}.cc "
      ">{}.log 2>&1",
      flags, base, base, base);
  if (std::system(command.c_str()) != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 files.Read(base + ".log", kMaxTextFileBytes).value_or("g++ failed")};
  }
  void* library = dlopen((base + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Error{ErrorCode::kInternal, dlerror()};
  libraries_.push_back(library);
  return reinterpret_cast<Entry>(dlsym(library, "trampoline"));
}

Result<std::vector<Bytes>> NativeGateRunner::Call(Entry entry, const Workload& workload,
                                                  const std::vector<Bytes>& inputs, bool widened) {
  std::vector<Bytes> given = inputs;
  std::vector<Bytes> outputs;
  std::vector<void*> buffers;
  std::vector<int64_t> axes;
  for (size_t i = 0; i < given.size(); ++i) {
    const BufferSpec& input = task_.inputs[i];
    if (TypeOf(input, widened) != input.dtype) {
      given[i] = FromDoubles(DType::kF64, AsDoubles(input.dtype, inputs[i]));
    }
    buffers.push_back(given[i].data());
  }
  for (const BufferSpec& output : task_.outputs) {
    KS_ASSIGN_OR_RETURN(const int64_t count, ElementCount(output, workload.axes));
    outputs.emplace_back(static_cast<size_t>(count) * SizeOf(TypeOf(output, widened)),
                         std::byte{0xff});
    buffers.push_back(outputs.back().data());
  }
  for (const std::string& axis : task_.axes) axes.push_back(workload.axes.at(axis));
  const auto start = std::chrono::steady_clock::now();
  entry(buffers.data(), axes.data());
  last_ns_ =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  return outputs;
}

Result<std::vector<Bytes>> NativeGateRunner::Reference(const Workload& workload,
                                                       const std::vector<Bytes>& inputs) {
  return Call(reference_, workload, inputs, true);
}

Result<std::variant<std::vector<Bytes>, Outcome>> NativeGateRunner::Seed(
    const Workload& workload, const std::vector<Bytes>& inputs) {
  KS_ASSIGN_OR_RETURN(auto outputs, Call(seed_, workload, inputs, false));
  return std::variant<std::vector<Bytes>, Outcome>(std::move(outputs));
}

}  // namespace ks
