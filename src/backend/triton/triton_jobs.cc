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
  TritonJobs jobs;
  const std::vector<const PlanLaunch*> launches = bound.Launches();
  for (const BoundPlan& plan : bound.workloads) {
    std::vector<uint32_t>& of_step = jobs.of_step.emplace_back();
    for (const BoundStep& step : plan.steps) {
      const auto* launch = std::get_if<BoundLaunch>(&step);
      if (launch == nullptr) {
        of_step.push_back(0);
        continue;
      }
      TritonJob job;
      job.kernel = launches[launch->kernel]->kernel.text;
      job.constants = plan.constants;
      job.tuning = plan.tuning[launch->kernel];
      for (const BoundArgument& argument : launch->args) {
        job.arguments.push_back(ArgumentOf(argument, task, bound.plan));
      }
      const auto known = std::find(jobs.jobs.begin(), jobs.jobs.end(), job);
      of_step.push_back(static_cast<uint32_t>(known - jobs.jobs.begin()));
      if (known == jobs.jobs.end()) jobs.jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

std::string EncodeRequest(const TritonRequest& request, const std::vector<TritonJob>& jobs) {
  WireWriter out;
  out.Text(request.source);
  out.Text(request.backend);
  out.Text(request.arch);
  out.Number(static_cast<int32_t>(request.warp_size));
  out.Number(request.timeout_s);
  out.Number(request.memory_bytes);
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
