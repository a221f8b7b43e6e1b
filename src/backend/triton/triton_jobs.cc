#include "backend/triton/triton_jobs.h"

#include <algorithm>
#include <limits>

#include "backend/device/wire.h"

namespace ks {
namespace {

std::string ElementType(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "fp32";
    case DType::kF64:
      return "fp64";
    case DType::kF16:
      return "fp16";
    case DType::kBF16:
      return "bf16";
    case DType::kI32:
      return "i32";
    case DType::kI64:
      return "i64";
    case DType::kU8:
      return "u8";
  }
  return {};
}

TritonArgument ArgumentOf(const BoundArgument& argument, const Task& task, const LaunchPlan& plan) {
  switch (argument.kind) {
    case BoundArgument::Kind::kInput:
      return {"*" + ElementType(task.inputs[argument.index].dtype), true, false};
    case BoundArgument::Kind::kOutput:
      return {"*" + ElementType(task.outputs[argument.index].dtype), true, false};
    case BoundArgument::Kind::kScratch:
      return {"*" + ElementType(plan.scratch[argument.index].dtype), true, false};
    case BoundArgument::Kind::kScalar:
      return {ElementType(task.inputs[argument.index].dtype), false, false};
    case BoundArgument::Kind::kInteger:
      break;
  }
  const bool narrow = argument.value >= std::numeric_limits<int32_t>::min() &&
                      argument.value <= std::numeric_limits<int32_t>::max();
  return {narrow ? "i32" : "i64", argument.value % 16 == 0, argument.value == 1};
}

// Code compiled for `job` is right for the numbers of `launch`: it assumes nothing that they are
// not.
bool HoldsFor(const TritonJob& job, const TritonJob& launch) {
  if (job.kernel != launch.kernel || job.constants != launch.constants ||
      !(job.tuning == launch.tuning) || job.arguments.size() != launch.arguments.size()) {
    return false;
  }
  return std::equal(job.arguments.begin(), job.arguments.end(), launch.arguments.begin(),
                    [](const TritonArgument& known, const TritonArgument& actual) {
                      return known.type == actual.type &&
                             (!known.divisible_by_16 || actual.divisible_by_16) &&
                             (!known.is_one || actual.is_one);
                    });
}

// Collects the jobs of a task. Single thread.
class JobTable {
 public:
  JobTable(const BoundTask& bound, const Task& task)
      : bound_(bound), task_(task), launches_(bound.Launches()) {}

  TritonJob JobOf(const BoundPlan& plan, const BoundLaunch& launch) const {
    TritonJob job;
    job.kernel = launches_[launch.kernel]->kernel.text;
    job.constants = plan.constants;
    job.tuning = plan.tuning[launch.kernel];
    for (const BoundArgument& argument : launch.args) {
      job.arguments.push_back(ArgumentOf(argument, task_, bound_.plan));
    }
    return job;
  }

  // Its index, or with `exact` unset that of one which holds for it.
  uint32_t Add(TritonJob job, bool exact) {
    const auto known = std::find_if(jobs.begin(), jobs.end(), [&](const TritonJob& other) {
      return exact ? other == job : HoldsFor(other, job);
    });
    const auto index = static_cast<uint32_t>(known - jobs.begin());
    if (known != jobs.end()) return index;
    if (!exact) {
      for (TritonArgument& argument : job.arguments) {
        if (!argument.type.starts_with('*')) argument = {argument.type, false, false};
      }
    }
    jobs.push_back(std::move(job));
    return index;
  }

  std::vector<TritonJob> jobs;
  std::vector<std::vector<uint32_t>> of_step;

 private:
  const BoundTask& bound_;
  const Task& task_;
  const std::vector<const PlanLaunch*> launches_;
};

bool IsValid(const TritonKernel& kernel, const TritonJob& job) {
  if (kernel.symbol.empty() || kernel.shared_bytes < 0 || kernel.threads < 1 ||
      kernel.threads > 4096 || kernel.shared_bytes > (int64_t{1} << 30)) {
    return false;
  }
  if (!std::is_sorted(kernel.dropped.begin(), kernel.dropped.end())) return false;
  if (kernel.dropped.size() > job.arguments.size()) return false;
  return std::all_of(kernel.dropped.begin(), kernel.dropped.end(), [&](uint32_t index) {
    return index < job.arguments.size() && job.arguments[index].is_one;
  });
}

}  // namespace

TritonJobs JobsOf(const BoundTask& bound, const Task& task) {
  JobTable table(bound, task);
  table.of_step.resize(bound.workloads.size());
  for (const bool timed : {true, false}) {
    for (size_t w = 0; w < bound.workloads.size(); ++w) {
      if ((task.workloads[w].role != WorkloadRole::kCheck) != timed) continue;
      for (const BoundStep& step : bound.workloads[w].steps) {
        const auto* launch = std::get_if<BoundLaunch>(&step);
        table.of_step[w].push_back(
            launch == nullptr ? 0 : table.Add(table.JobOf(bound.workloads[w], *launch), timed));
      }
    }
  }
  return {std::move(table.jobs), std::move(table.of_step)};
}

std::string EncodeRequest(const TritonRequest& request, const std::vector<TritonJob>& jobs) {
  WireWriter out;
  out.Text(request.source);
  out.Text(request.backend);
  out.Text(request.arch);
  out.Number(static_cast<int32_t>(request.warp_size));
  out.Number(request.timeout_s);
  out.Number(request.memory_bytes);
  out.Number(request.parallel);
  out.List(jobs, [&](const TritonJob& job) {
    out.Text(job.kernel);
    out.List(job.arguments, [&](const TritonArgument& argument) {
      out.Text(argument.type);
      out.Number(static_cast<uint8_t>(argument.divisible_by_16));
      out.Number(static_cast<uint8_t>(argument.is_one));
    });
    out.Number(static_cast<uint32_t>(job.constants.size()));
    for (const auto& [name, value] : job.constants) {
      out.Text(name);
      out.Number(value);
    }
    out.Number(static_cast<int32_t>(job.tuning.num_warps));
    out.Number(static_cast<int32_t>(job.tuning.num_stages));
    out.Number(static_cast<int32_t>(job.tuning.maxnreg));
  });
  return out.Take();
}

Result<TritonReply> DecodeReply(std::string_view bytes, const std::vector<TritonJob>& jobs) {
  WireReader in(bytes);
  TritonReply reply;
  reply.status = in.Enum(TritonReply::Status::kDied);
  reply.line = in.Number<int32_t>();
  reply.column = in.Number<int32_t>();
  reply.message = in.Text();
  reply.log = in.Text();
  reply.kernels = in.List<TritonKernel>(44, [&] {
    TritonKernel kernel;
    kernel.symbol = in.Text();
    kernel.image = in.Text();
    kernel.assembly = in.Text();
    kernel.shared_bytes = in.Number<int64_t>();
    kernel.threads = in.Number<int32_t>();
    kernel.parameters = in.Number<int32_t>();
    kernel.dropped = in.List<uint32_t>(4, [&] { return in.Number<uint32_t>(); });
    return kernel;
  });
  bool fits = in.AtEnd();
  if (fits && reply.status == TritonReply::Status::kOk) {
    fits = reply.kernels.size() == jobs.size();
    for (size_t i = 0; fits && i < jobs.size(); ++i) fits = IsValid(reply.kernels[i], jobs[i]);
  }
  if (!fits) return Error{ErrorCode::kDataLoss, "the Triton worker's answer is malformed"};
  return reply;
}

}  // namespace ks
