#include "service/task_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "service/json_reader.h"
#include "task/loader.h"
#include "task/validate.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxName = 200;
constexpr size_t kMaxExpression = 1000;
constexpr size_t kMaxSource = 1u << 20;
constexpr size_t kMaxParts = 64;  // axes, buffers, dimensions
constexpr size_t kMaxWorkloads = 256;
constexpr int kMaxThreads = 1024;
constexpr double kMaxExtent = 1099511627776.0;  // 2^40, as in core/expr.h

Json BufferToJson(const BufferSpec& buffer) {
  return {{"name", buffer.name},
          {"dtype", DTypeName(buffer.dtype)},
          {"shape", buffer.shape},
          {"scalar", buffer.scalar},
          {"fill", {{"kind", buffer.fill.kind}, {"parameters", buffer.fill.parameters}}}};
}

void ReadFill(JsonReader& reader, FillSpec& fill) {
  reader.Text("kind", fill.kind, kMaxName, true);
  const Json* parameters = reader.Find("parameters");
  if (parameters == nullptr) return;
  if (!parameters->is_object() || parameters->size() > kMaxParts) {
    return reader.Fail(reader.Path("parameters"), "must be an object of texts");
  }
  for (auto it = parameters->begin(); it != parameters->end(); ++it) {
    if (!it->is_string() || it->get_ref<const std::string&>().size() > kMaxExpression) {
      return reader.Fail(reader.Path("parameters"), "must hold short texts only");
    }
    fill.parameters[it.key()] = it->get<std::string>();
  }
}

void ReadBuffer(JsonReader& reader, std::vector<BufferSpec>& buffers) {
  BufferSpec buffer;
  std::string dtype = "f32";
  reader.Text("name", buffer.name, kMaxName, true);
  reader.Text("dtype", dtype, kMaxName, true);
  reader.Texts("shape", buffer.shape, kMaxParts, kMaxExpression);
  reader.Flag("scalar", buffer.scalar);
  reader.Object("fill", [&](JsonReader& fill) { ReadFill(fill, buffer.fill); });
  if (const std::optional<DType> known = ParseDType(dtype)) {
    buffer.dtype = *known;
  } else {
    reader.Fail(reader.Path("dtype"), fmt::format("is unknown: '{}'", Shorten(dtype, 40)));
  }
  buffers.push_back(std::move(buffer));
}

void ReadWorkload(JsonReader& reader, const std::vector<std::string>& axes,
                  std::vector<Workload>& workloads) {
  Workload workload;
  std::string role;
  reader.Text("name", workload.name, kMaxExpression, true);
  reader.Text("role", role, kMaxName, true);
  reader.Object(
      "axes",
      [&](JsonReader& values) {
        for (const std::string& axis : axes) {
          values.Number(axis.c_str(), workload.axes[axis], 1, kMaxExtent, true);
        }
      },
      true);
  reader.Text("on", workload.on, kMaxName);
  if (!workload.on.empty() && workload.on != "cpu" && workload.on != "gpu") {
    reader.Fail(reader.Path("on"), "must be cpu or gpu");
  }
  bool known = false;
  for (const auto one : {WorkloadRole::kTime, WorkloadRole::kCheck, WorkloadRole::kHeldOut}) {
    if (role != WorkloadRoleName(one)) continue;
    workload.role = one;
    known = true;
  }
  if (!known) reader.Fail(reader.Path("role"), "must be time, check or held_out");
  workloads.push_back(std::move(workload));
}

void ReadTolerance(JsonReader& reader, Tolerance& tolerance) {
  reader.Number("relative", tolerance.relative, 0, 1);
  reader.Number("absolute", tolerance.absolute, 0, 1e9);
  reader.Number("scale", tolerance.scale, 0, 1e9);
  reader.Number("norm_relative", tolerance.norm_relative, 0, 1);
}

void ReadTask(JsonReader& reader, Task& task, std::string& hash) {
  reader.Text("name", task.name, kMaxName, true);
  reader.Text("summary", task.summary, kMaxSource);
  reader.Text("precision", task.precision, kMaxName);
  reader.Text("entry", task.entry, kMaxName, true);
  reader.Number("max_threads", task.max_threads, 1, kMaxThreads);
  reader.Flag("allow_reassociation", task.allow_reassociation);
  reader.Texts("axes", task.axes, kMaxParts, kMaxName);
  reader.Objects("inputs", kMaxParts, [&](JsonReader& one) { ReadBuffer(one, task.inputs); });
  reader.Objects("outputs", kMaxParts, [&](JsonReader& one) { ReadBuffer(one, task.outputs); });
  reader.Objects("workloads", kMaxWorkloads,
                 [&](JsonReader& one) { ReadWorkload(one, task.axes, task.workloads); });
  reader.Text("flops", task.flops, kMaxExpression);
  reader.Text("bytes", task.bytes, kMaxExpression);
  reader.Text("reference_file", task.reference_file, kMaxName);
  reader.Text("reference_source", task.reference_source, kMaxSource, true);
  reader.Object("tolerance", [&](JsonReader& one) { ReadTolerance(one, task.tolerance); });
  reader.Objects("seeds", kMaxParts, [&](JsonReader& one) {
    SeedKernel seed;
    one.Text("backend", seed.backend, kMaxName, true);
    one.Text("file", seed.file, kMaxName);
    one.Text("source", seed.source, kMaxSource, true);
    task.seeds.push_back(std::move(seed));
  });
  reader.Text("hash", hash, kMaxName);
}

}  // namespace

Json TaskToJson(const Task& task) {
  Json json = {{"name", task.name},
               {"summary", task.summary},
               {"precision", task.precision},
               {"entry", task.entry},
               {"max_threads", task.max_threads},
               {"allow_reassociation", task.allow_reassociation},
               {"axes", task.axes},
               {"inputs", Json::array()},
               {"outputs", Json::array()},
               {"workloads", Json::array()},
               {"flops", task.flops},
               {"bytes", task.bytes},
               {"reference_file", task.reference_file},
               {"reference_source", task.reference_source},
               {"tolerance",
                {{"relative", task.tolerance.relative},
                 {"absolute", task.tolerance.absolute},
                 {"scale", task.tolerance.scale},
                 {"norm_relative", task.tolerance.norm_relative}}},
               {"seeds", Json::array()},
               {"hash", task.hash}};
  for (const BufferSpec& one : task.inputs) json["inputs"].push_back(BufferToJson(one));
  for (const BufferSpec& one : task.outputs) json["outputs"].push_back(BufferToJson(one));
  for (const Workload& one : task.workloads) {
    json["workloads"].push_back({{"name", one.name},
                                 {"role", WorkloadRoleName(one.role)},
                                 {"axes", one.axes},
                                 {"on", one.on}});
  }
  for (const SeedKernel& one : task.seeds) {
    json["seeds"].push_back({{"backend", one.backend}, {"file", one.file}, {"source", one.source}});
  }
  return json;
}

Result<Task> TaskFromJson(const Json& json, const std::string& path) {
  Task task;
  std::string claimed;
  JsonReader reader(json, path);
  ReadTask(reader, task, claimed);
  KS_RETURN_IF_ERROR(reader.Finish());
  TaskPositions positions;
  positions.inputs.resize(task.inputs.size());
  positions.outputs.resize(task.outputs.size());
  positions.workloads.resize(task.workloads.size());
  KS_RETURN_IF_ERROR(ValidateTask(task, positions, path));
  task.hash = TaskHash(task);
  task.origin = "request";
  if (!claimed.empty() && claimed != task.hash) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}.hash does not fit what was sent: {} came, {} was computed; are "
                             "client and server of the same version?",
                             path, Shorten(claimed, 64), task.hash)};
  }
  return task;
}

}  // namespace ks
