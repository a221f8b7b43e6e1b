#include "task/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "task/toml_tree.h"
#include "task/validate.h"

namespace ks {
namespace {

// A number as an expression text that reads back to the same double.
std::string NumberText(double value) { return fmt::format("{}", value); }

// Reads one task.toml. Single use.
class TaskFile {
 public:
  TaskFile(const FileSystem& files, std::string dir)
      : files_(files), dir_(std::move(dir)), file_(dir_ + "/task.toml") {}

  Result<Task> Load() {
    if (!files_.IsFile(file_)) {
      return Error{ErrorCode::kNotFound,
                   fmt::format("no task in '{}': {} is missing", dir_, file_)};
    }
    KS_ASSIGN_OR_RETURN(const std::string text, files_.Read(file_, kMaxTextFileBytes));
    KS_ASSIGN_OR_RETURN(const TomlTable root, ParseToml(text, file_));
    TomlReader reader(root, {1, 1}, file_, "task file");
    KS_RETURN_IF_ERROR(ReadHead(reader));
    KS_RETURN_IF_ERROR(ReadBuffers(reader, "input", &task_.inputs, &positions_.inputs));
    KS_RETURN_IF_ERROR(ReadBuffers(reader, "output", &task_.outputs, &positions_.outputs));
    KS_RETURN_IF_ERROR(ReadWorkloads(reader));
    KS_RETURN_IF_ERROR(ReadReference(reader));
    KS_RETURN_IF_ERROR(ReadSeeds(reader));
    KS_RETURN_IF_ERROR(reader.Finish());
    task_.origin = dir_;
    KS_RETURN_IF_ERROR(ValidateTask(task_, positions_, file_));
    task_.hash = TaskHash(task_);
    return std::move(task_);
  }

 private:
  TomlReader Section(TomlReader& parent, const std::string& key, const TomlTable& table) const {
    return {table, parent.PositionOf(key), file_, "[" + key + "]"};
  }

  Status ReadHead(TomlReader& root) {
    const TomlTable* table = root.Table("task");
    if (table == nullptr) return root.Finish();
    TomlReader head = Section(root, "task", *table);
    positions_.head = root.PositionOf("task");
    task_.name = head.String("name");
    task_.summary = head.String("summary");
    task_.precision = head.String("precision", "f32");
    task_.entry = head.String("entry", task_.name);
    const int64_t threads = head.Integer("max_threads", 1);
    task_.allow_reassociation = head.Bool("allow_reassociation", true);
    task_.axes = head.Strings("axes");
    KS_RETURN_IF_ERROR(head.Finish());
    if (threads < 1 || threads > 1024) {
      return head.ErrorAt("max_threads", "'max_threads' must be from 1 to 1024");
    }
    task_.max_threads = static_cast<int>(threads);
    KS_RETURN_IF_ERROR(ReadCost(root));
    return ReadTolerance(root);
  }

  Status ReadCost(TomlReader& root) {
    const TomlTable* table = root.OptionalTable("cost");
    if (table == nullptr) return {};
    TomlReader cost = Section(root, "cost", *table);
    positions_.cost = root.PositionOf("cost");
    task_.flops = cost.String("flops", "");
    task_.bytes = cost.String("bytes", "");
    return cost.Finish();
  }

  Status ReadTolerance(TomlReader& root) {
    const TomlTable* table = root.Table("tolerance");
    if (table == nullptr) return root.Finish();
    TomlReader reader = Section(root, "tolerance", *table);
    const Tolerance defaults;
    task_.tolerance = {reader.Number("relative", defaults.relative),
                       reader.Number("absolute", defaults.absolute),
                       reader.Number("scale", defaults.scale),
                       reader.Number("norm_relative", defaults.norm_relative)};
    KS_RETURN_IF_ERROR(reader.Finish());
    const std::array<std::pair<const char*, double>, 4> values = {
        {{"relative", task_.tolerance.relative},
         {"absolute", task_.tolerance.absolute},
         {"scale", task_.tolerance.scale},
         {"norm_relative", task_.tolerance.norm_relative}}};
    for (const auto& [key, value] : values) {
      if (!std::isfinite(value) || value < 0) {
        return reader.ErrorAt(key, fmt::format("'{}' must be a finite number >= 0", key));
      }
    }
    return {};
  }

  Status ReadBuffers(TomlReader& root, const std::string& kind, std::vector<BufferSpec>* buffers,
                     std::vector<TomlPosition>* positions) {
    for (const TomlValue* item : root.Tables(kind)) {
      TomlReader reader(std::get<TomlTable>(item->value), item->position, file_,
                        "[[" + kind + "]]");
      BufferSpec buffer;
      buffer.name = reader.String("name");
      const std::string dtype = reader.String("dtype");
      if (kind == "input") {
        buffer.scalar = reader.Bool("scalar", false);
        KS_RETURN_IF_ERROR(ReadContents(reader, &buffer));
      }
      if (!buffer.scalar) buffer.shape = reader.Strings("shape");
      KS_RETURN_IF_ERROR(reader.Finish());
      const auto parsed = ParseDType(dtype);
      if (!parsed) {
        return reader.ErrorAt("dtype", fmt::format("unknown dtype '{}'; there are f32, f64, f16, "
                                                   "bf16, i32, i64 and u8",
                                                   dtype));
      }
      buffer.dtype = *parsed;
      buffers->push_back(std::move(buffer));
      positions->push_back(item->position);
    }
    return {};
  }

  // `value` of a scalar, `fill` of a buffer.
  Status ReadContents(TomlReader& reader, BufferSpec* buffer) {
    if (buffer->scalar) {
      if (!reader.Has("value")) return reader.ErrorAt("value", "a scalar needs 'value'");
      buffer->fill = {"constant", {{"value", NumberText(reader.Number("value", 0))}}};
      return {};
    }
    const TomlTable* fill = reader.OptionalTable("fill");
    if (fill == nullptr) return {};
    TomlReader keys(*fill, reader.PositionOf("fill"), file_, "fill");
    buffer->fill.kind = keys.String("kind");
    for (const auto& [key, item] : *fill) {
      if (key == "kind") continue;
      if (const auto* text = std::get_if<std::string>(&item.value)) {
        buffer->fill.parameters[key] = *text;
      } else if (const auto* flag = std::get_if<bool>(&item.value)) {
        buffer->fill.parameters[key] = *flag ? "true" : "false";
      } else if (std::holds_alternative<int64_t>(item.value) ||
                 std::holds_alternative<double>(item.value)) {
        buffer->fill.parameters[key] = NumberText(keys.Number(key, 0));
      } else {
        return keys.ErrorAt(key,
                            fmt::format("'{}' must be a number, an expression or a flag", key));
      }
    }
    if (!keys.Has("kind")) return keys.ErrorAt("kind", "'kind' is missing; expected a string");
    return {};
  }

  Status ReadWorkloads(TomlReader& root) {
    for (const TomlValue* item : root.Tables("workload")) {
      TomlReader reader(std::get<TomlTable>(item->value), item->position, file_, "[[workload]]");
      Workload workload;
      const TomlTable* axes = reader.Table("axes");
      const std::string role = reader.String("role");
      workload.name = reader.String("name", "");
      workload.on = reader.String("on", "");
      KS_RETURN_IF_ERROR(reader.Finish());
      const auto parsed = ParseRole(role);
      if (!parsed) {
        return reader.ErrorAt(
            "role", fmt::format("unknown role '{}'; expected time, check or held_out", role));
      }
      if (!workload.on.empty() && workload.on != "cpu" && workload.on != "gpu") {
        return reader.ErrorAt(
            "on", fmt::format("unknown device class '{}'; expected cpu or gpu", workload.on));
      }
      workload.role = *parsed;
      KS_RETURN_IF_ERROR(ReadAxes(*axes, reader.PositionOf("axes"), &workload));
      task_.workloads.push_back(std::move(workload));
      positions_.workloads.push_back(item->position);
    }
    return {};
  }

  static std::optional<WorkloadRole> ParseRole(const std::string& name) {
    for (const auto role : {WorkloadRole::kTime, WorkloadRole::kCheck, WorkloadRole::kHeldOut}) {
      if (name == WorkloadRoleName(role)) return role;
    }
    return std::nullopt;
  }

  Status ReadAxes(const TomlTable& table, TomlPosition position, Workload* workload) const {
    TomlReader reader(table, position, file_, "[[workload]] axes");
    std::vector<std::string> parts;
    for (const std::string& axis : task_.axes) {
      if (!reader.Has(axis)) return reader.ErrorAt(axis, fmt::format("axis '{}' is missing", axis));
      const int64_t extent = reader.Integer(axis, 0);
      workload->axes[axis] = extent;
      parts.push_back(fmt::format("{}={}", axis, extent));
    }
    KS_RETURN_IF_ERROR(reader.Finish());
    for (const auto& [axis, extent] : workload->axes) {
      if (extent < 1 || extent > (int64_t{1} << 40)) {
        return reader.ErrorAt(axis, fmt::format("'{}' must be from 1 to 2^40", axis));
      }
    }
    if (workload->name.empty()) workload->name = Join(parts, ",");
    return {};
  }

  Result<std::string> ReadSource(TomlReader& section, const std::string& name) const {
    const std::vector<std::string_view> parts = Split(name, '/');
    const bool escapes = name.empty() || name.front() == '/' || name.find('\\') != name.npos ||
                         std::find(parts.begin(), parts.end(), "..") != parts.end();
    if (escapes) {
      return section.ErrorAt("file",
                             fmt::format("'{}' must name a file inside the task folder", name));
    }
    auto text = files_.Read(dir_ + "/" + name, kMaxTextFileBytes);
    if (!text) {
      return Error{text.error().code, section.ErrorAt("file", text.error().message).message};
    }
    if (text->find('\0') != std::string::npos) {
      return section.ErrorAt("file", fmt::format("'{}' is a binary file; expected C++ text", name));
    }
    return *std::move(text);
  }

  Status ReadReference(TomlReader& root) {
    const TomlTable* table = root.Table("reference");
    if (table == nullptr) return root.Finish();
    TomlReader section = Section(root, "reference", *table);
    task_.reference_file = section.String("file");
    KS_RETURN_IF_ERROR(section.Finish());
    KS_ASSIGN_OR_RETURN(task_.reference_source, ReadSource(section, task_.reference_file));
    return {};
  }

  Status ReadSeeds(TomlReader& root) {
    const TomlTable* table = root.Table("seed");
    if (table == nullptr) return root.Finish();
    TomlReader backends = Section(root, "seed", *table);
    for (const auto& [backend, item] : *table) {
      const TomlTable* keys = backends.Table(backend);
      if (keys == nullptr) return backends.Finish();
      TomlReader section(*keys, item.position, file_, "[seed." + backend + "]");
      SeedKernel seed;
      seed.backend = backend;
      seed.file = section.String("file");
      KS_RETURN_IF_ERROR(section.Finish());
      KS_ASSIGN_OR_RETURN(seed.source, ReadSource(section, seed.file));
      task_.seeds.push_back(std::move(seed));
    }
    if (task_.seeds.empty()) return root.ErrorAt("seed", "at least one [seed.BACKEND] is needed");
    return {};
  }

  const FileSystem& files_;
  const std::string dir_;
  const std::string file_;
  Task task_;
  TaskPositions positions_;
};

}  // namespace

Result<Task> LoadTask(const FileSystem& files, const std::string& dir) {
  std::string trimmed = dir;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  return TaskFile(files, trimmed).Load();
}

}  // namespace ks
