// Skill specialize_axes: sizes as constants of the compiled kernel.
#include <algorithm>
#include <cctype>
#include <map>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"
#include "propose/device/triton_text.h"

namespace ks {
namespace {

std::string ConstantName(const DeviceContext& context, const std::string& axis) {
  std::string name = axis + "_size";
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return context.FreshName(name);
}

// Axis -> index of the parameter that receives it.
std::map<std::string, size_t> AxisParameters(const DeviceContext& context,
                                             const DeviceKernel& kernel, size_t launch) {
  const std::vector<std::string>& axes = context.task().axes;
  const std::vector<std::string> values = context.ParameterValues(kernel, launch);
  std::map<std::string, size_t> parameters;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), values[i]) != axes.end()) parameters[values[i]] = i;
  }
  return parameters;
}

class SpecializeAxesSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "specialize_axes"; }
  std::string_view summary() const override {
    return "Sizes that are known when a kernel is compiled make strides constant, divisions cheap, "
           "loops unrollable and vector accesses provably aligned. Each size becomes a constant of "
           "the launch plan; every workload is then compiled by itself.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::string source = context.source();
    TextEdits edits(context.source());
    std::map<std::string, std::string> constants;  // axis -> constant
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1) continue;
      std::vector<std::string> declarations;
      for (const auto& [axis, index] : AxisParameters(context, kernel, kernel.launches[0])) {
        const std::string& name = kernel.parameter_names[index];
        if (name.ends_with("_given") || !IsPlain(context, kernel, index)) continue;
        if (constants.count(axis) == 0) constants[axis] = ConstantName(context, axis);
        Shadow(context, kernel, index, constants[axis], edits, declarations);
      }
      if (declarations.empty()) continue;
      if (context.IsTriton()) {
        AddFirstStatement(kernel, Join(declarations, "\n" + Indentation(context, kernel)), edits);
        for (const auto& [axis, constant] : constants) {
          const bool used = std::any_of(
              declarations.begin(), declarations.end(),
              [&, end = " = " + constant](const std::string& text) { return text.ends_with(end); });
          if (used) AddConstexpr(kernel, constant, edits);
        }
      } else {
        edits.Insert(kernel.body.begin() + 1, "\n  " + Join(declarations, "\n  "));
      }
    }
    if (edits.empty()) return {};
    source = edits.Apply();
    for (const auto& [axis, constant] : constants) {
      auto next = WithNewConstant(source, constant, axis);
      if (!next) return {};
      source = *std::move(next);
    }
    return {{std::move(source), "Compile the kernel for each size by itself.", EditKind::kStructure,
             1.3}};
  }

 private:
  // An integer passed by value that the kernel does not change.
  static bool IsPlain(const DeviceContext& context, const DeviceKernel& kernel, size_t index) {
    const Node parameter = kernel.parameters[index];
    if (context.IsTriton()) {
      if (!parameter.Is("identifier")) return false;
    } else if (!parameter.Child("declarator").Is("identifier")) {
      return false;
    }
    const std::string& name = kernel.parameter_names[index];
    for (Node node : kernel.body.Subtree()) {
      Node target;
      if (node.Is("assignment_expression") || node.Is("assignment") ||
          node.Is("augmented_assignment")) {
        target = node.Child("left");
      }
      if (node.Is("update_expression")) target = node.Child("argument");
      if (target && target.text() == name) return false;
    }
    return true;
  }

  static void Shadow(const DeviceContext& context, const DeviceKernel& kernel, size_t index,
                     const std::string& constant, TextEdits& edits,
                     std::vector<std::string>& declarations) {
    const Node parameter = kernel.parameters[index];
    const std::string& name = kernel.parameter_names[index];
    if (context.IsTriton()) {
      edits.Replace(parameter, name + "_given");
      declarations.push_back(name + ": tl.constexpr = " + constant);
      return;
    }
    edits.Replace(parameter.Child("declarator"), name + "_given");
    declarations.push_back((context.IsCuda() ? "constexpr " : "const ") +
                           std::string(parameter.Child("type").text()) + " " + name + " = " +
                           constant + ";");
  }

  static std::string Indentation(const DeviceContext& context, const DeviceKernel& kernel) {
    const std::string& source = context.source();
    const size_t begin = kernel.body.NamedChildren()[0].begin();
    const size_t line = source.rfind('\n', begin) + 1;
    return source.substr(line, begin - line);
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewSpecializeAxesSkill() {
  return std::make_unique<SpecializeAxesSkill>();
}

}  // namespace ks
