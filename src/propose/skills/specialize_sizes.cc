// Skill specialize_sizes: compiles the kernel once more for each known size.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class SpecializeSizesSkill final : public Skill {
 public:
  std::string name() const override { return "specialize_sizes"; }
  std::string_view summary() const override {
    return "Move the body into an inlined function and call it with literal sizes where the sizes "
           "are those of a timed workload, with the general call as fall-back. The compiler sees "
           "trip counts; costs code size.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    const AnalysedFunction& entry = kernel.entry();
    if (entry.nest->roots().empty() || HasJumps(entry.function->body())) return {};
    std::vector<std::string> names;
    for (Node parameter : entry.function->parameters().NamedChildren()) {
      const Decl* decl = entry.function->DeclaredBy(parameter);
      if (decl == nullptr || decl->writes > 0) return {};
      names.push_back(decl->name);
    }
    const size_t axes = kernel.task().axes.size();
    const std::vector<const Workload*> workloads = TimedWorkloads(kernel.task());
    if (axes > names.size() || workloads.empty()) return {};
    return {{Write(kernel, names, workloads),
             fmt::format("Compile separately for {} known size{}.", workloads.size(),
                         workloads.size() == 1 ? "" : "s"),
             EditKind::kStructure, 1.12}};
  }

 private:
  static constexpr size_t kMaxWorkloads = 4;

  static std::vector<const Workload*> TimedWorkloads(const Task& task) {
    std::vector<const Workload*> timed;
    for (const Workload& workload : task.workloads) {
      if (workload.role == WorkloadRole::kTime && timed.size() < kMaxWorkloads) {
        timed.push_back(&workload);
      }
    }
    return timed;
  }

  static std::string Write(const KernelContext& kernel, const std::vector<std::string>& names,
                           const std::vector<const Workload*>& workloads) {
    const Function& function = *kernel.entry().function;
    const Task& task = kernel.task();
    const size_t first_axis = names.size() - task.axes.size();
    Rewriter rewriter(kernel.tree());
    const std::string body_name = rewriter.FreshName(function.name() + "_body");
    std::vector<std::pair<Node, std::string>> restricted;
    for (Node parameter : function.parameters().NamedChildren()) {
      const Decl* decl = function.DeclaredBy(parameter);
      if (decl->kind != DeclKind::kPointer) continue;
      if (parameter.text().find("__restrict") != std::string_view::npos) continue;
      for (Node node : parameter.Subtree()) {
        if (node.Is("identifier")) restricted.emplace_back(node, "__restrict__ " + decl->name);
      }
    }
    const std::string header = TextWithNodes(function.parameters(), restricted);
    std::string body;
    for (const Workload* workload : workloads) {
      std::string condition, arguments;
      for (size_t i = 0; i < names.size(); ++i) {
        arguments += i == 0 ? "" : ", ";
        if (i < first_axis) {
          arguments += names[i];
          continue;
        }
        const std::string value = std::to_string(workload->axes.at(task.axes[i - first_axis]));
        condition += (condition.empty() ? "" : " && ") + names[i] + " == " + value;
        arguments += value;
      }
      body += fmt::format("  if ({}) {{\n    {}({});\n    return;\n  }}\n", condition, body_name,
                          arguments);
    }
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    body += fmt::format("  {}({});\n", body_name, all);
    Node definition = function.definition();
    if (definition.parent().Is("linkage_specification")) definition = definition.parent();
    rewriter.Insert(definition.begin(),
                    fmt::format("__attribute__((always_inline)) static inline void {}{} {}\n\n",
                                body_name, header, function.body().text()));
    rewriter.Replace(function.body(), "{\n" + body + "}");
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewSpecializeSizesSkill() {
  return std::make_unique<SpecializeSizesSkill>();
}

}  // namespace ks
