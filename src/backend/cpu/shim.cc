#include "backend/cpu/shim.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"

namespace ks {
namespace {

const char* BuiltinType(DType dtype, bool widened) {
  switch (dtype) {
    case DType::kF32:
      return widened ? "double" : "float";
    case DType::kF64:
      return "double";
    case DType::kF16:
    case DType::kBF16:
      return widened ? "double" : "unsigned short";
    case DType::kI32:
      return "int";
    case DType::kI64:
      return "long";
    case DType::kU8:
      return "unsigned char";
  }
  return "void";
}

// The types of the entry's arguments, in order, without the axes.
std::vector<std::string> BufferTypes(const Task& task, bool widened) {
  std::vector<std::string> types;
  for (const BufferSpec& input : task.inputs) {
    const std::string type = BuiltinType(input.dtype, widened);
    types.push_back(input.scalar ? type : "const " + type + "*");
  }
  for (const BufferSpec& output : task.outputs) {
    types.push_back(std::string(BuiltinType(output.dtype, widened)) + "*");
  }
  return types;
}

}  // namespace

std::string EntryPrelude(const Task& task, bool widened) {
  std::vector<std::string> types = BufferTypes(task, widened);
  types.insert(types.end(), task.axes.size(), "long");
  return fmt::format("extern \"C\" void {}({});\n", task.entry, Join(types, ", "));
}

std::string ShimSource(const Task& task, bool widened) {
  const std::vector<std::string> types = BufferTypes(task, widened);
  std::vector<std::string> arguments;
  for (size_t i = 0; i < types.size(); ++i) {
    const bool scalar = i < task.inputs.size() && task.inputs[i].scalar;
    arguments.push_back(scalar ? fmt::format("*static_cast<const {}*>(buffers[{}])", types[i], i)
                               : fmt::format("static_cast<{}>(buffers[{}])", types[i], i));
  }
  for (size_t i = 0; i < task.axes.size(); ++i) arguments.push_back(fmt::format("axes[{}]", i));
  return fmt::format(
      "{}extern \"C\" __attribute__((visibility(\"default\"))) void ks_call(void* const* buffers, "
      "const long* axes) {{\n  (void)buffers;\n  (void)axes;\n  {}({});\n}}\n",
      EntryPrelude(task, widened), task.entry, Join(arguments, ",\n      "));
}

}  // namespace ks
