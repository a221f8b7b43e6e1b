// Convolutions of the library as a product over channels in Triton, on the tensor cores.
#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

constexpr size_t kConvArguments = 9;
constexpr size_t kMostConvolutions = 16;

// torch.convolution(x, weight, bias, stride, padding, dilation, False, output_padding, 1)
std::vector<Node> PlainConvolutions(const ModuleContext& module) {
  std::vector<Node> calls;
  for (const ForwardStatement& statement : module.forward()) {
    for (Node call : CallsOf(statement.node, "torch.convolution")) {
      const std::vector<Node> arguments = PositionalArguments(call);
      if (HasSplat(call) || call.Child("arguments").NamedChildren().size() != arguments.size()) {
        continue;
      }
      if (arguments.size() != kConvArguments || arguments[6].text() != "False") continue;
      if (arguments[8].text() == "1" && arguments[3].Is("tuple")) calls.push_back(call);
    }
  }
  return calls;
}

class OwnConvSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_conv"; }
  std::string_view summary() const override {
    return "A convolution of fp32 as a product over channels for each tap, three tf32 products "
           "each, on the tensor cores. Best with many channels, channels last; whether it is "
           "faster than the library is measured for all and for each.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    const std::vector<Node> calls = PlainConvolutions(module);
    std::vector<Edit> edits;
    if (calls.empty() || calls.size() > kMostConvolutions) return edits;
    if (FindBrought(module, "own_conv", ConvolutionText()) == Brought::kTaken) return edits;
    edits.push_back({WithOwn(module, calls), "Convolutions in Triton on the tensor cores.",
                     EditKind::kStrategy, 1.4});
    for (Node call : calls) {
      if (calls.size() == 1) break;
      edits.push_back({WithOwn(module, {call}), "A convolution in Triton on the tensor cores.",
                       EditKind::kStrategy, 1.15});
    }
    return edits;
  }

 private:
  static std::string WithOwn(const ModuleContext& module, const std::vector<Node>& calls) {
    TextEdits edits(module.source());
    if (FindBrought(module, "own_conv", ConvolutionText()) == Brought::kMissing) {
      AddFunctions(module, ConvolutionText(), edits);
    }
    for (Node call : calls) {
      const std::vector<Node> arguments = PositionalArguments(call);
      std::string text = "own_conv(";
      for (size_t i = 0; i < 6; ++i) {
        text += std::string(arguments[i].text()) + (i == 5 ? ")" : ", ");
      }
      edits.Replace(call, text);
    }
    return edits.Apply();
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewOwnConvSkill() { return std::make_unique<OwnConvSkill>(); }

}  // namespace ks
