#include "session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "core/elements.h"

namespace ks {
namespace {

constexpr uint64_t kLeastScratchBytes = 1u << 20;
constexpr uint64_t kCopyBytes = uint64_t{256} << 20;
constexpr uint64_t kCpuCopyBytes = uint64_t{64} << 20;
constexpr int kCopies = 5;

Error Missing(const std::string& what) { return {ErrorCode::kFailedPrecondition, what}; }

template <typename Layouts, typename Counts>
std::vector<uint64_t> Sizes(const Layouts& layouts, const Counts& counts) {
  std::vector<uint64_t> bytes;
  for (size_t i = 0; i < layouts.size(); ++i) {
    bytes.push_back(counts[i] * SizeOf(layouts[i].dtype));
  }
  return bytes;
}

}  // namespace

template <typename T>
DeviceResult<T> Session::Judged(Result<std::variant<T, Outcome>> result, size_t workload) const {
  if (result.ok()) return result;
  const Error& error = result.error();
  const std::string name =
      workload < task_.workloads.size() ? task_.workloads[workload].name : std::string();
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return std::variant<T, Outcome>(Outcome(LaunchFailed{error.message}));
    case ErrorCode::kResourceExhausted:
      return std::variant<T, Outcome>(Outcome(OutOfMemory{"device", 0}));
    case ErrorCode::kDataLoss:
      return std::variant<T, Outcome>(Outcome(Crashed{name, 0, error.message}));
    default:
      return result;
  }
}

Session::~Session() {
  OpenTask({});
  for (const BufferId buffer : {scratch_, flush_}) {
    if (buffer >= 0) api_.Free(buffer);
  }
}

void Session::OpenTask(TaskLayout task) {
  DropCalls(-1, -1);
  programs_.clear();
  buffers_.clear();
  task_ = std::move(task);
}

// -1: of all programs, of all workloads.
void Session::DropCalls(int program, int workload) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    const bool drop = (program < 0 || call->first.first == program) &&
                      (workload < 0 || call->first.second == static_cast<size_t>(workload));
    if (drop) helpers_.FreeTable(&call->second.regions);
    call = drop ? calls_.erase(call) : std::next(call);
  }
}

Result<std::vector<uint64_t>> Session::InputBytes(size_t workload) const {
  if (workload >= task_.workloads.size()) return Missing("a workload that the task does not have");
  return Sizes(task_.inputs, task_.workloads[workload].input_counts);
}

Result<std::vector<uint64_t>> Session::OutputBytes(size_t workload) const {
  if (workload >= task_.workloads.size()) return Missing("a workload that the task does not have");
  return Sizes(task_.outputs, task_.workloads[workload].output_counts);
}

Status Session::SetContents(size_t workload, uint64_t placement,
                            std::span<const std::span<const std::byte>> inputs) {
  KS_RETURN_IF_ERROR(CheckInputs(workload, inputs));
  auto found = buffers_.find(workload);
  if (found == buffers_.end()) {
    KS_ASSIGN_OR_RETURN(auto made, WorkloadBuffers::Create(api_, helpers_, task_, workload));
    found = buffers_.emplace(workload, std::move(made)).first;
  } else if (!found->second->SameScalars(inputs)) {
    DropCalls(-1, static_cast<int>(workload));  // their arguments hold the values
  }
  WorkloadBuffers& buffers = *found->second;
  const int64_t by = buffers.MoveTo(DeriveSeed(placement, "arena", 0));
  for (auto& [key, call] : calls_) {
    if (key.second == workload) call.Move(buffers.arena().buffer, by);
  }
  MoveScratch(DeriveSeed(placement, "scratch", 0));
  return buffers.SetInputs(inputs, placement);
}

// Whole inputs, or samples of them.
Status Session::CheckInputs(size_t workload,
                            std::span<const std::span<const std::byte>> inputs) const {
  KS_ASSIGN_OR_RETURN(const std::vector<uint64_t> wanted, InputBytes(workload));
  bool good = inputs.size() == wanted.size();
  for (size_t i = 0; good && i < inputs.size(); ++i) {
    const uint64_t have = inputs[i].size();
    const bool is_sample = have > 0 && have < wanted[i] &&
                           have % SizeOf(task_.inputs[i].dtype) == 0 && !task_.inputs[i].scalar;
    good = have == wanted[i] || is_sample;
  }
  if (good) return {};
  return Error{ErrorCode::kFailedPrecondition, "contents of another size than the task says"};
}

void Session::MoveScratch(uint64_t placement) {
  const uint64_t shift = ShiftOf(placement, api_.alignment());
  const int64_t by = static_cast<int64_t>(shift) - static_cast<int64_t>(scratch_shift_);
  scratch_shift_ = shift;
  if (scratch_ < 0) return;
  for (auto& [key, call] : calls_) call.Move(scratch_, by);
}

void Session::DropContents(size_t workload) {
  DropCalls(-1, static_cast<int>(workload));
  buffers_.erase(workload);
}

Result<WorkloadBuffers*> Session::BuffersOf(size_t workload) {
  const auto found = buffers_.find(workload);
  if (found == buffers_.end()) return Missing("the workload has no contents");
  return found->second.get();
}

DeviceResult<LoadedProgram> Session::Load(std::string_view bytes) {
  using Answer = std::variant<LoadedProgram, Outcome>;
  std::string log;
  Result<std::unique_ptr<Program>> program = Program::Load(api_, bytes, task_, &log);
  if (!program.ok()) {
    if (!log.empty()) return Answer(Outcome(CompileFailed{{}, log}));
    return Judged<LoadedProgram>(program.error(), task_.workloads.size());
  }
  LoadedProgram loaded;
  loaded.handle = next_program_++;
  if (task_.feature_workload < task_.workloads.size()) {
    loaded.features = (*program)->Features(task_.feature_workload);
  }
  programs_[loaded.handle] = *std::move(program);
  return Answer(loaded);
}

Status Session::Unload(int program) {
  DropCalls(program, -1);
  if (programs_.erase(program) == 0) return Missing("a program that is not loaded");
  return {};
}

Status Session::EnsureScratch(uint64_t bytes) {
  if (scratch_ >= 0 && bytes <= scratch_bytes_) return {};
  DropCalls(-1, -1);
  if (scratch_ >= 0) api_.Free(scratch_);
  scratch_ = -1;
  const uint64_t wanted = std::max(bytes, kLeastScratchBytes);
  KS_ASSIGN_OR_RETURN(scratch_, api_.Allocate(wanted + SpareBytes(api_.alignment())));
  scratch_bytes_ = wanted;
  return {};
}

Result<const ReadyCall*> Session::ReadyFor(int program, size_t workload) {
  const auto loaded = programs_.find(program);
  if (loaded == programs_.end()) return Missing("a program that is not loaded");
  KS_ASSIGN_OR_RETURN(WorkloadBuffers* const buffers, BuffersOf(workload));
  KS_RETURN_IF_ERROR(EnsureScratch(loaded->second->ScratchBytes(workload)));
  const auto key = std::make_pair(program, workload);
  const auto found = calls_.find(key);
  if (found != calls_.end()) return &found->second;
  KS_ASSIGN_OR_RETURN(ReadyCall call,
                      loaded->second->Ready(workload, task_, *buffers, ScratchView(), helpers_));
  return &calls_.emplace(key, std::move(call)).first->second;
}

Status Session::RunSteps(const ReadyCall& call) {
  for (const ReadyStep& step : call.steps) {
    if (const auto* view = std::get_if<BufferView>(&step)) {
      KS_RETURN_IF_ERROR(api_.Fill(*view, 0));
      continue;
    }
    const auto& launch = *std::get_if<ReadyLaunch>(&step);
    KS_RETURN_IF_ERROR(api_.Launch(launch.kernel, launch.shape, launch.arguments));
  }
  return {};
}

Status Session::RunGuarded(const ReadyCall& call, const BufferView& arena, uint64_t salt,
                           size_t slot, uint32_t key) {
  KS_RETURN_IF_ERROR(helpers_.Prepare(call.regions, arena, ScratchView(), salt));
  KS_RETURN_IF_ERROR(api_.BeginSpan(slot));
  KS_RETURN_IF_ERROR(RunSteps(call));
  KS_RETURN_IF_ERROR(api_.EndSpan(slot));
  return helpers_.Check(call.regions, arena, ScratchView(), salt, key);
}

OutOfBounds Session::Describe(const ReadyCall& call, size_t workload, uint32_t broken) const {
  const RegionLabel& label = call.labels[broken & 0xFFF];
  return {task_.workloads[workload].name, label.buffer,
          label.after ? "write past end" : "write before start"};
}

DeviceResult<double> Session::Call(int program, size_t workload, uint64_t salt,
                                   std::span<std::byte* const> outputs) {
  return Judged<double>(CallInner(program, workload, salt, outputs), workload);
}

Result<std::variant<double, Outcome>> Session::CallInner(int program, size_t workload,
                                                         uint64_t salt,
                                                         std::span<std::byte* const> outputs) {
  using Answer = std::variant<double, Outcome>;
  KS_ASSIGN_OR_RETURN(const ReadyCall* const call, ReadyFor(program, workload));
  KS_ASSIGN_OR_RETURN(WorkloadBuffers* const buffers, BuffersOf(workload));
  const RegionTable& inputs = buffers->hashed();
  KS_RETURN_IF_ERROR(helpers_.ClearBroken());
  KS_RETURN_IF_ERROR(helpers_.StartHash(inputs, buffers->arena(), true, salt, 0));
  KS_RETURN_IF_ERROR(RunGuarded(*call, buffers->arena(), salt, 0, 1));
  KS_RETURN_IF_ERROR(helpers_.StartHash(inputs, buffers->arena(), true, salt, 1));
  for (size_t i = 0; i < outputs.size(); ++i) {
    KS_RETURN_IF_ERROR(api_.CopyOut(outputs[i], buffers->output(i)));
  }
  KS_ASSIGN_OR_RETURN(const uint32_t broken, helpers_.ReadBroken());
  if (broken != Helpers::kNotBroken) return Answer(Outcome(Describe(*call, workload, broken)));
  KS_ASSIGN_OR_RETURN(const auto before, helpers_.FinishHash(inputs, 0));
  KS_ASSIGN_OR_RETURN(const auto after, helpers_.FinishHash(inputs, 1));
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    return Answer(Outcome(
        OutOfBounds{task_.workloads[workload].name, buffers->input_name(i), "write to input"}));
  }
  KS_ASSIGN_OR_RETURN(const double ns, api_.SpanNs(0));
  return Answer(ns);
}

Result<Session::Pair> Session::ReadyPair(const PairRequest& request) {
  // The larger scratch first: growing it drops prepared calls.
  KS_RETURN_IF_ERROR(ReadyFor(request.rival, request.workload));
  KS_RETURN_IF_ERROR(ReadyFor(request.candidate, request.workload));
  Pair pair;
  KS_ASSIGN_OR_RETURN(pair.rival.call, ReadyFor(request.rival, request.workload));
  KS_ASSIGN_OR_RETURN(pair.candidate.call, ReadyFor(request.candidate, request.workload));
  KS_ASSIGN_OR_RETURN(pair.buffers, BuffersOf(request.workload));
  pair.candidate.candidate = true;
  return pair;
}

DeviceResult<PairRound> Session::TimePairs(const PairRequest& request) {
  return Judged<PairRound>(TimeInner(request), request.workload);
}

DeviceResult<Agreement> Session::Compare(const PairRequest& request, const Tolerance& tolerance) {
  return Judged<Agreement>(CompareInner(request, tolerance), request.workload);
}

Result<std::variant<Agreement, Outcome>> Session::CompareInner(const PairRequest& request,
                                                               const Tolerance& tolerance) {
  using Answer = std::variant<Agreement, Outcome>;
  KS_ASSIGN_OR_RETURN(const Pair pair, ReadyPair(request));
  WorkloadBuffers& buffers = *pair.buffers;
  KS_ASSIGN_OR_RETURN(const BufferId copies, buffers.Copies());
  const uint64_t salt = DeriveSeed(request.seed, "compare", 0);
  KS_RETURN_IF_ERROR(helpers_.ClearBroken());
  KS_RETURN_IF_ERROR(helpers_.Exchange(buffers.exchanged(), buffers.arena(), salt));
  KS_RETURN_IF_ERROR(RunGuarded(*pair.candidate.call, buffers.arena(), salt, 0, 1));
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    KS_RETURN_IF_ERROR(api_.Copy(buffers.CopyOf(i), buffers.output(i)));
  }
  KS_ASSIGN_OR_RETURN(const uint32_t broken, helpers_.ReadBroken());
  if (broken != Helpers::kNotBroken) {
    return Answer(Outcome(Describe(*pair.candidate.call, request.workload, broken)));
  }
  KS_RETURN_IF_ERROR(RunGuarded(*pair.rival.call, buffers.arena(), salt + 1, 1, 0));
  Agreement agreement;
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    KS_ASSIGN_OR_RETURN(OutputDifference difference, CompareOne(buffers, i, tolerance));
    agreement.outputs.push_back(difference);
  }
  // No answer stays behind for a later call to find.
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    BufferView wiped = buffers.CopyOf(i);
    wiped.buffer = copies;
    KS_RETURN_IF_ERROR(api_.Fill(wiped, 0xFFFFFFFF));
    KS_RETURN_IF_ERROR(api_.Fill(buffers.output(i), 0xFFFFFFFF));
  }
  KS_RETURN_IF_ERROR(api_.Sync());
  return Answer(std::move(agreement));
}

Result<OutputDifference> Session::CompareOne(const WorkloadBuffers& buffers, size_t output,
                                             const Tolerance& tolerance) {
  const DType dtype = task_.outputs[output].dtype;
  const BufferView& want = buffers.output(output);
  const BufferView got = buffers.CopyOf(output);
  KS_ASSIGN_OR_RETURN(const OutputVerdict verdict, helpers_.Compare(dtype, got, want, tolerance));
  OutputDifference difference;
  difference.mismatches = verdict.mismatches;
  difference.elements = static_cast<int64_t>(want.bytes / SizeOf(dtype));
  difference.first_index = verdict.first_index;
  difference.max_error = verdict.max_error;
  difference.error_norm = std::sqrt(verdict.error_squares);
  difference.want_norm = std::sqrt(verdict.want_squares);
  if (verdict.first_index < 0) return difference;
  const auto read = [&](const BufferView& view, double* to) -> Status {
    alignas(8) std::array<std::byte, 8> bytes{};
    const uint64_t offset = static_cast<uint64_t>(verdict.first_index) * SizeOf(dtype);
    KS_RETURN_IF_ERROR(
        api_.CopyOut(bytes.data(), {view.buffer, view.offset + offset, SizeOf(dtype)}));
    KS_RETURN_IF_ERROR(api_.Sync());
    *to = ElementAt(dtype, bytes, 0);
    return {};
  };
  KS_RETURN_IF_ERROR(read(got, &difference.got));
  KS_RETURN_IF_ERROR(read(want, &difference.want));
  return difference;
}

Result<double> Session::MeasureCopyGbytes() {
  const uint64_t bytes = api_.info().is_cpu ? kCpuCopyBytes : kCopyBytes;
  KS_ASSIGN_OR_RETURN(const BufferId buffer, api_.Allocate(2 * bytes));
  double best_ns = 0;
  const auto measure = [&]() -> Status {
    KS_RETURN_IF_ERROR(api_.Fill({buffer, 0, 2 * bytes}, 0));
    for (int i = 0; i < kCopies; ++i) {
      KS_RETURN_IF_ERROR(api_.BeginSpan(0));
      KS_RETURN_IF_ERROR(api_.Copy({buffer, bytes, bytes}, {buffer, 0, bytes}));
      KS_RETURN_IF_ERROR(api_.EndSpan(0));
      KS_RETURN_IF_ERROR(api_.Sync());
      KS_ASSIGN_OR_RETURN(const double ns, api_.SpanNs(0));
      if (ns > 0 && (best_ns == 0 || ns < best_ns)) best_ns = ns;
    }
    return {};
  };
  const Status status = measure();
  api_.Free(buffer);
  KS_RETURN_IF_ERROR(status);
  return best_ns == 0 ? 0.0 : 2 * static_cast<double>(bytes) / best_ns;
}

}  // namespace ks
