// Depthwise convolutions as a kernel that reads every pixel for all taps of its channel.
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

// torch.convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups)
constexpr size_t kArguments = 9;
constexpr size_t kKept[] = {0, 1, 2, 3, 4, 5, 8};

std::vector<Node> GroupedConvolutions(const ModuleContext& module) {
  std::vector<Node> calls;
  for (const ForwardStatement& statement : module.forward()) {
    for (Node call : CallsOf(statement.node, "torch.convolution")) {
      const std::vector<Node> arguments = PositionalArguments(call);
      if (HasSplat(call) || call.Child("arguments").NamedChildren().size() != arguments.size()) {
        continue;
      }
      if (arguments.size() != kArguments || arguments[6].text() != "False") continue;
      if (arguments[8].text() == "1" || !arguments[3].Is("tuple")) continue;
      if (arguments[3].NamedChildren().size() <= 2) calls.push_back(call);
    }
  }
  return calls;
}

class DepthwiseConvSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_depthwise_conv"; }
  std::string_view summary() const override {
    return "A convolution with one filter a channel moves little data a flop; the library's path "
           "is "
           "far from the memory's speed. A Triton kernel reads neighbours from the cache, once "
           "from "
           "memory. Only for as many groups as channels: other groups fail when it runs.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    const std::vector<Node> calls = GroupedConvolutions(module);
    std::vector<Edit> found;
    if (calls.empty()) return found;
    const Brought brought = FindBrought(module, "depthwise_conv", DepthwiseConvText());
    if (brought == Brought::kTaken) return found;
    TextEdits edits(module.source());
    if (brought == Brought::kMissing) AddFunctions(module, DepthwiseConvText(), edits);
    for (Node call : calls) {
      const std::vector<Node> arguments = PositionalArguments(call);
      std::string text = "depthwise_conv(";
      for (const size_t i : kKept) {
        text += std::string(arguments[i].text()) + (i == 8 ? ")" : ", ");
      }
      edits.Replace(call, text);
    }
    found.push_back({edits.Apply(), "Depthwise convolutions as a kernel of their own.",
                     EditKind::kStrategy, 2.0});
    return found;
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewDepthwiseConvSkill() {
  return std::make_unique<DepthwiseConvSkill>();
}

}  // namespace ks
