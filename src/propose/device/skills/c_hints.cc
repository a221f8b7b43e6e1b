// Small skills for CUDA C++ and OpenCL C: relaxed arithmetic, launch bounds, unrolling, cache
// hints.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "propose/cpp/function.h"
#include "propose/device/skills.h"
#include "propose/device/triton_text.h"
#include "propose/device/virtual_nest.h"

namespace ks {
namespace {

class FastMathSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "fast_math"; }
  std::string_view summary() const override {
    return "Approximate exponentials, divisions and square roots, denormals as zero: a compiler "
           "flag, where the tolerance admits it. Helps where arithmetic bounds a kernel.";
  }
  std::vector<Edit> Edits(const DeviceContext& context) const override {
    if (context.IsTriton() || !context.task().allow_reassociation) return {};
    const std::string flag = context.IsCuda() ? "--use_fast_math" : "-cl-fast-relaxed-math";
    std::vector<std::string> flags = context.flags();
    if (std::find(flags.begin(), flags.end(), flag) != flags.end()) return {};
    flags.push_back(flag);
    const bool compute =
        context.measured() != nullptr && context.measured()->bottleneck == "compute";
    return {{context.WithFlags(flags), "Compile with " + flag + ".", EditKind::kFlags,
             compute ? 1.25 : 1.06}};
  }
};

class LaunchBoundsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "launch_bounds"; }
  std::string_view summary() const override {
    return "__launch_bounds__ tells the compiler how many threads a block has and how many blocks "
           "should share a multiprocessor: it spends registers accordingly.";
  }
  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsCuda()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1) continue;
      const PlanLaunch& launch = *context.launches()[kernel.launches[0]];
      std::vector<std::string> extents;
      bool constant = true;
      for (const PlanText& extent : launch.block) {
        extents.push_back("(" + extent.text + ")");
        constant = constant &&
                   extent.text.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
      }
      // In front of the declarator: `void __launch_bounds__(256) name(...)`.
      const Node declarator = kernel.definition.Child("declarator");
      const size_t begin = kernel.definition.begin();
      const std::string head = context.source().substr(begin, declarator.begin() - begin);
      if (!constant || extents.empty() || head.find("__launch_bounds__") != std::string::npos ||
          HasBounds(context, kernel)) {
        continue;
      }
      for (const char* blocks : {"", ", 2", ", 4", ", 1"}) {
        TextEdits text(context.source());
        text.Insert(declarator.begin(),
                    "__launch_bounds__(" + Join(extents, " * ") + blocks + ") ");
        edits.push_back(
            {text.Apply(), "Bound the launch of " + kernel.name + ".", EditKind::kMicro, 1.04});
      }
    }
    return edits;
  }

 private:
  static bool HasBounds(const DeviceContext& context, const DeviceKernel& kernel) {
    const size_t at = context.source().rfind("__launch_bounds__", kernel.body.begin());
    return at != std::string::npos &&
           context.source().find_first_of("{}", at) == kernel.body.begin();
  }
};

bool HasLoop(Node node) {
  for (Node inner : node.Subtree()) {
    if (inner.Is("for_statement") || inner.Is("while_statement")) return true;
  }
  return false;
}

class UnrollLoopsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "unroll_loops"; }
  std::string_view summary() const override {
    return "An unrolled innermost loop has several loads in flight and less overhead. Costs "
           "registers and instruction cache.";
  }
  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      for (Node loop : kernel.body.Subtree()) {
        if (!loop.Is("for_statement") || HasLoop(loop.Child("body"))) continue;
        if (!context.tree().PragmasBefore(loop).empty()) continue;
        for (const char* factor : {"4", "8", "2", "1"}) {
          TextEdits text(context.source());
          const size_t line = context.source().rfind('\n', loop.begin()) + 1;
          const std::string indent = context.source().substr(line, loop.begin() - line);
          if (indent.find_first_not_of(' ') != std::string::npos) continue;
          text.Insert(loop.begin(), std::string("#pragma unroll ") + factor + "\n" + indent);
          edits.push_back(
              {text.Apply(),
               std::string("Unroll an innermost loop of ") + kernel.name + " by " + factor + ".",
               EditKind::kMicro, 1.05});
        }
      }
    }
    return edits;
  }
};

class CacheHintsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "cache_hints"; }
  std::string_view summary() const override {
    return "Inputs that no thread writes may be read through the read-only path when pointers are "
           "const and restrict; outputs that nobody reads again are stored past the caches "
           "(__stcs).";
  }
  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (context.IsTriton()) return edits;
    AddRestrict(context, edits);
    if (context.IsCuda()) AddStreamingStores(context, edits);
    return edits;
  }

 private:
  static void AddRestrict(const DeviceContext& context, std::vector<Edit>& edits) {
    TextEdits text(context.source());
    for (const DeviceKernel& kernel : context.kernels()) {
      for (Node parameter : kernel.parameters) {
        Node declarator = parameter.Child("declarator");
        if (!declarator.Is("pointer_declarator")) continue;
        const std::string_view written =
            std::string_view(context.source())
                .substr(parameter.begin(), parameter.end() - parameter.begin());
        if (written.find("restrict") != std::string_view::npos) continue;
        text.Insert(declarator.Child("declarator").begin(),
                    context.IsCuda() ? " __restrict__ " : " restrict ");
      }
    }
    if (text.empty()) return;
    edits.push_back(
        {text.Apply(), "Promise that the buffers do not overlap.", EditKind::kMicro, 1.06});
  }

  // p[i] = v;  ->  __stcs(&p[i], v); for pointer parameters that the kernel does not read.
  static void AddStreamingStores(const DeviceContext& context, std::vector<Edit>& edits) {
    for (const DeviceKernel& kernel : context.kernels()) {
      std::set<std::string> stored, read;
      std::vector<Node> stores;
      for (Node node : kernel.body.Subtree()) {
        if (!node.Is("subscript_expression")) continue;
        const std::string base(node.Child("argument").text());
        const Node parent = node.parent();
        const bool store = parent.Is("assignment_expression") && parent.Child("left") == node &&
                           parent.Child("operator").text() == "=" &&
                           parent.parent().Is("expression_statement");
        const bool parameter =
            std::find(kernel.parameter_names.begin(), kernel.parameter_names.end(), base) !=
            kernel.parameter_names.end();
        if (store && parameter) {
          stored.insert(base);
          stores.push_back(parent);
        } else {
          read.insert(base);
        }
      }
      TextEdits text(context.source());
      for (Node store : stores) {
        const Node target = store.Child("left");
        if (read.count(std::string(target.Child("argument").text())) > 0) continue;
        text.Replace(store, "__stcs(&" + std::string(target.text()) + ", " +
                                std::string(store.Child("right").text()) + ")");
      }
      if (text.empty()) continue;
      edits.push_back({text.Apply(), "Store the results of " + kernel.name + " past the caches.",
                       EditKind::kMicro, 1.03});
    }
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewFastMathSkill() { return std::make_unique<FastMathSkill>(); }
std::unique_ptr<DeviceSkill> NewLaunchBoundsSkill() {
  return std::make_unique<LaunchBoundsSkill>();
}
std::unique_ptr<DeviceSkill> NewUnrollLoopsSkill() { return std::make_unique<UnrollLoopsSkill>(); }
std::unique_ptr<DeviceSkill> NewCacheHintsSkill() { return std::make_unique<CacheHintsSkill>(); }

}  // namespace ks
