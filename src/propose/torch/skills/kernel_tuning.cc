// Blocks, warps and cache hints of the launches and kernels of a module.
#include <algorithm>
#include <charconv>

#include "propose/device/triton_parts.h"
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

std::optional<int> IntegerOf(Node node) {
  const std::string_view text = node.text();
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// What the grid divides by a block: triton.cdiv(4096, meta["XBLOCK"]) says 4096.
std::optional<int> ExtentInGrid(const ModuleLaunch& launch, const std::string& block) {
  for (Node call : CallsOf(launch.grid, "triton.cdiv")) {
    const std::vector<Node> arguments = PositionalArguments(call);
    if (arguments.size() == 2 && arguments[1].text() == "meta[\"" + block + "\"]") {
      return IntegerOf(arguments[0]);
    }
  }
  return std::nullopt;
}

// Whether the kernel masks this axis, so that a block may reach over its end: "xmask = ... < ...".
bool MasksAxis(const ModuleKernel& kernel, const std::string& axis) {
  for (Node node : kernel.body.Subtree()) {
    if (node.Is("assignment") && node.Child("left").text() == axis + "mask" &&
        node.Child("right").text().find('<') != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// RBLOCK, R0_BLOCK, R1_BLOCK: blocks of an axis that is reduced. ROWS_BLOCK is none.
bool IsReduced(std::string_view block) {
  if (!block.starts_with('R') || !block.ends_with("BLOCK")) return false;
  const std::string_view between = block.substr(1, block.size() - 6);
  if (between.empty()) return true;
  return between.size() > 1 && between.back() == '_' &&
         between.find_first_not_of("0123456789") == between.size() - 1;
}

// Whether the kernel walks the axis in steps of the block; else the block must hold all of it.
bool WalksBy(const ModuleKernel& kernel, const std::string& block) {
  const std::vector<PythonLoop> loops = RangeLoops(kernel.body);
  return std::any_of(loops.begin(), loops.end(),
                     [&](const PythonLoop& loop) { return loop.step == block; });
}

// Whether every store says that it stays inside of the axis.
bool StoresWithMask(const ModuleKernel& kernel, const std::string& axis) {
  for (Node call : CallsOf(kernel.body, "tl.store")) {
    const std::vector<Node> arguments = PositionalArguments(call);
    const Node mask = arguments.size() > 2 ? arguments[2] : KeywordArgument(call, "mask");
    if (!mask || UsesOf(mask, axis + "mask") == 0) return false;
  }
  return true;
}

bool HasLoop(const ModuleKernel& kernel) { return !RangeLoops(kernel.body).empty(); }

class ModuleBlocksSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_blocks"; }
  std::string_view summary() const override {
    return "Another number of elements a program: fewer give more programs, more give longer "
           "loads. "
           "An axis that the kernel does not mask only takes blocks that divide it.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    std::vector<Edit> edits;
    for (const ModuleLaunch& launch : module.launches()) {
      const ModuleKernel& kernel = module.kernels()[launch.kernel];
      for (Node argument : launch.call.Child("arguments").NamedChildren()) {
        if (!argument.Is("keyword_argument")) continue;
        const std::string block(argument.Child("name").text());
        const std::optional<int> value = IntegerOf(argument.Child("value"));
        if (!block.ends_with("BLOCK") || block == "BLOCK" || !value) continue;
        for (int next : {*value * 2, *value / 2, *value * 4, *value / 4}) {
          if (next < 1 || next > 8192 || !Fits(launch, kernel, block, next)) continue;
          TextEdits text(module.source());
          text.Replace(argument.Child("value"), std::to_string(next));
          edits.push_back({text.Apply(),
                           block + " of " + kernel.name + " is " + std::to_string(next) + ".",
                           EditKind::kTuning, 1.06});
        }
      }
    }
    return edits;
  }

 private:
  static bool Fits(const ModuleLaunch& launch, const ModuleKernel& kernel, const std::string& block,
                   int next) {
    const std::string axis = Lower(block.substr(0, block.size() - 5));
    const bool reduces = IsReduced(block);
    const std::optional<int> extent = ExtentInGrid(launch, block);
    if (!reduces && !extent) return false;  // the grid would not follow
    if (reduces && !WalksBy(kernel, block)) return false;
    if (MasksAxis(kernel, axis) && (reduces || StoresWithMask(kernel, axis))) return true;
    return extent && *extent % next == 0;
  }
};

class ModuleWarpsSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_warps"; }
  std::string_view summary() const override {
    return "More warps a program hide more of the memory's latency and leave fewer registers each; "
           "in kernels with a loop, stages say how many loads are in flight.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    std::vector<Edit> edits;
    for (const ModuleLaunch& launch : module.launches()) {
      const ModuleKernel& kernel = module.kernels()[launch.kernel];
      const Node warps = KeywordArgument(launch.call, "num_warps");
      const std::optional<int> value = warps ? IntegerOf(warps) : std::nullopt;
      for (int next : {value.value_or(4) * 2, value.value_or(4) / 2}) {
        if (warps && !value) break;
        if (next >= 1 && next <= 16) Add(module, launch, "num_warps", next, edits);
      }
      if (!HasLoop(kernel)) continue;
      const Node stages = KeywordArgument(launch.call, "num_stages");
      const std::optional<int> now = stages ? IntegerOf(stages) : std::nullopt;
      for (int next : {2, 3, 4, 1}) {
        if (now && next != *now) Add(module, launch, "num_stages", next, edits);
      }
    }
    return edits;
  }

 private:
  static void Add(const ModuleContext& module, const ModuleLaunch& launch, const char* option,
                  int value, std::vector<Edit>& edits) {
    TextEdits text(module.source());
    SetKeyword(launch.call, option, std::to_string(value), text);
    edits.push_back({text.Apply(),
                     module.kernels()[launch.kernel].name + " with " + option + "=" +
                         std::to_string(value) + ".",
                     EditKind::kTuning, 1.05});
  }
};

class ModuleCacheSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_cache"; }
  std::string_view summary() const override {
    return "Stores that nobody reads again soon stream past the cache; loads say what to keep. "
           "Pays "
           "off where a small tensor is read again and again beside a large one.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    std::vector<Edit> edits;
    for (const ModuleKernel& kernel : module.kernels()) {
      Hint(module, kernel, "tl.store", "cache_modifier", "\".cs\"",
           "stores of " + kernel.name + " stream", edits);
      Hint(module, kernel, "tl.load", "eviction_policy", "\"evict_first\"",
           "loads of " + kernel.name + " without a hint are not kept", edits);
    }
    return edits;
  }

 private:
  static void Hint(const ModuleContext& module, const ModuleKernel& kernel, const char* function,
                   const char* option, const char* value, const std::string& what,
                   std::vector<Edit>& edits) {
    TextEdits text(module.source());
    for (Node call : CallsOf(kernel.body, function)) {
      if (!KeywordArgument(call, option)) SetKeyword(call, option, value, text);
    }
    if (text.empty()) return;
    edits.push_back({text.Apply(), "The " + what + ".", EditKind::kMicro, 1.02});
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewModuleBlocksSkill() {
  return std::make_unique<ModuleBlocksSkill>();
}

std::unique_ptr<ModuleSkill> NewModuleWarpsSkill() { return std::make_unique<ModuleWarpsSkill>(); }

std::unique_ptr<ModuleSkill> NewModuleCacheSkill() { return std::make_unique<ModuleCacheSkill>(); }

}  // namespace ks
