#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/text.h"
#include "task/loader.h"

namespace ks {
namespace {

// One field of the hashed text: its length makes the text unambiguous.
void Add(std::string* text, std::string_view value) {
  *text += fmt::format("{}:{};", value.size(), value);
}

void AddBuffer(std::string* text, const BufferSpec& buffer) {
  Add(text, buffer.name);
  Add(text, DTypeName(buffer.dtype));
  Add(text, buffer.scalar ? "scalar" : "array");
  Add(text, Join(buffer.shape, ","));
  Add(text, buffer.fill.kind);
  for (const auto& [key, value] : buffer.fill.parameters) Add(text, key + "=" + value);
}

}  // namespace

std::string TaskHash(const Task& task) {
  std::string text = "ksmith task 1;";
  Add(&text, task.name);
  Add(&text, task.precision);
  Add(&text, task.entry);
  Add(&text, fmt::format("{} {}", task.max_threads, task.allow_reassociation));
  Add(&text, Join(task.axes, ","));
  for (const auto* buffers : {&task.inputs, &task.outputs}) {
    Add(&text, fmt::format("{}", buffers->size()));
    for (const BufferSpec& buffer : *buffers) AddBuffer(&text, buffer);
  }
  for (const Workload& workload : task.workloads) {
    Add(&text, workload.name);
    Add(&text, WorkloadRoleName(workload.role));
    if (!workload.on.empty()) Add(&text, "on " + workload.on);
    for (const auto& [axis, extent] : workload.axes) Add(&text, fmt::format("{}={}", axis, extent));
  }
  Add(&text, task.flops);
  Add(&text, task.bytes);
  Add(&text, task.reference_source);
  Add(&text, fmt::format("{} {} {} {}", task.tolerance.relative, task.tolerance.absolute,
                         task.tolerance.scale, task.tolerance.norm_relative));
  for (const SeedKernel& seed : task.seeds) {
    Add(&text, seed.backend);
    Add(&text, seed.source);
  }
  return Sha256Hex(text);
}

}  // namespace ks
