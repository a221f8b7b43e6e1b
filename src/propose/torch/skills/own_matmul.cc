// Products of the library as a Triton kernel on the tensor cores, and the shapes of its tiles.
#include <algorithm>
#include <array>
#include <charconv>

#include "propose/torch/module_skill.h"
#include "propose/torch/module_text.h"

namespace ks {
namespace {

constexpr size_t kMostSites = 32;
constexpr int kFewestRows = 5;

// A product whose result goes to a dense buffer that forward has just made.
struct LibraryProduct {
  const ForwardStatement* statement = nullptr;
  std::string a, b, bias, out;
};

bool IsDenseBuffer(const ModuleContext& module, std::string_view name) {
  size_t bound = 0;
  for (const ForwardStatement& statement : module.forward()) {
    bound += static_cast<size_t>(std::count(statement.binds.begin(), statement.binds.end(), name));
  }
  if (bound != 1) return false;  // another one by the time of the product
  for (const ForwardStatement& statement : module.forward()) {
    if (statement.target != name) continue;
    if (!statement.value.Is("call")) return false;
    const Node function = statement.value.Child("function");
    if (function.text() == "torch.empty") return true;
    const std::string_view method = function.Child("attribute").text();
    return function.Is("attribute") && method == "view" &&
           IsDenseBuffer(module, function.Child("object").text());
  }
  return false;
}

// Rows of every product as the buffer's maker says: torch.empty((batches, rows, columns), ...).
// 0: a view, or not a number.
int RowsOf(const ModuleContext& module, std::string_view name) {
  for (const ForwardStatement& statement : module.forward()) {
    if (statement.target != name || !statement.value.Is("call")) continue;
    const std::vector<Node> arguments = PositionalArguments(statement.value);
    if (arguments.empty() || !arguments[0].Is("tuple")) return 0;
    const std::vector<Node> extents = arguments[0].NamedChildren();
    const std::string_view text =
        extents.size() < 2 ? std::string_view() : extents[extents.size() - 2].text();
    int rows = 0;
    std::from_chars(text.data(), text.data() + text.size(), rows);
    return rows;
  }
  return 0;
}

std::vector<LibraryProduct> ProductsOf(const ModuleContext& module) {
  std::vector<LibraryProduct> products;
  for (const ForwardStatement& statement : module.forward()) {
    if (!statement.understood || statement.fills.size() != 1 || statement.launch) continue;
    const std::string_view function = statement.value.Child("function").text();
    const bool adds = function == "torch.addmm" || function == "torch.baddbmm";
    if (!adds && function != "torch.mm" && function != "torch.bmm") continue;
    const std::vector<Node> arguments = PositionalArguments(statement.value);
    const size_t named = statement.value.Child("arguments").NamedChildren().size();
    if (HasSplat(statement.value) || arguments.size() != (adds ? 3u : 2u) ||
        named != arguments.size() + 1)
      continue;
    LibraryProduct product;
    product.statement = &statement;
    product.out = statement.fills[0];
    if (!IsDenseBuffer(module, product.out)) continue;
    const int rows = RowsOf(module, product.out);
    if (rows > 0 && rows < kFewestRows) continue;  // most of a tile would be padding
    if (adds) product.bias = std::string(arguments[0].text());
    product.a = std::string(arguments[adds ? 1 : 0].text());
    product.b = std::string(arguments[adds ? 2 : 1].text());
    products.push_back(std::move(product));
  }
  return products;
}

class OwnMatmulSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_matmul"; }
  std::string_view summary() const override {
    return "torch.mm, addmm and bmm of fp32 run on the ordinary units; a Triton kernel that adds "
           "three tf32 products keeps fp32's precision and runs on the tensor cores. Whether it is "
           "faster is measured for all products together and for each.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    const std::vector<LibraryProduct> products = ProductsOf(module);
    std::vector<Edit> edits;
    if (products.empty() || products.size() > kMostSites) return edits;
    if (FindBrought(module, "matmul", MatmulText()) == Brought::kTaken) return edits;
    edits.push_back({Replaced(module, products),
                     products.size() == 1 ? "The product in Triton on the tensor cores."
                                          : "All products in Triton on the tensor cores.",
                     EditKind::kStrategy, 1.7});
    for (const LibraryProduct& product : products) {
      if (products.size() == 1) break;
      edits.push_back({Replaced(module, {product}),
                       "The product into " + product.out + " in Triton on the tensor cores.",
                       EditKind::kStrategy, 1.2});
    }
    return edits;
  }

 private:
  static std::string Replaced(const ModuleContext& module,
                              const std::vector<LibraryProduct>& products) {
    TextEdits edits(module.source());
    if (FindBrought(module, "matmul", MatmulText()) == Brought::kMissing) {
      AddFunctions(module, MatmulText(), edits);
    }
    for (const LibraryProduct& product : products) {
      const std::string bias = product.bias.empty() ? "" : ", bias=" + product.bias;
      edits.Replace(product.statement->value,
                    "matmul(" + product.a + ", " + product.b + ", out=" + product.out + bias + ")");
    }
    return edits.Apply();
  }
};

class MatmulTilesSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_matmul_tiles"; }
  std::string_view summary() const override {
    return "The tile of a product in Triton, the warps that share it and the loads in flight only "
           "work together: whole known-good combinations, for all products and for each.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    static constexpr std::array<const char*, 9> kTiles = {
        "(64, 128, 32, 4, 3)", "(64, 64, 32, 4, 4)",   "(128, 64, 32, 4, 4)",
        "(128, 64, 16, 4, 5)", "(128, 128, 32, 8, 3)", "(256, 64, 32, 8, 3)",
        "(128, 64, 32, 8, 3)", "(128, 128, 16, 8, 4)", "(32, 64, 64, 4, 4)"};
    std::vector<Edit> edits;
    for (const char* function : {"matmul", "own_conv"}) {
      const bool product = function == std::string_view("matmul");
      const std::string_view brought = product ? MatmulText() : ConvolutionText();
      if (FindBrought(module, function, brought) != Brought::kThere) continue;
      std::vector<Node> calls;
      for (const ForwardStatement& statement : module.forward()) {
        for (Node call : CallsOf(statement.node, function)) calls.push_back(call);
      }
      if (calls.empty()) continue;
      for (const char* tiles : kTiles) Add(module, calls, tiles, edits);
      for (size_t i = 0; calls.size() > 1 && i < calls.size(); ++i) {
        for (size_t t = 0; t < 5; ++t) Add(module, {calls[i]}, kTiles[t], edits);
      }
    }
    return edits;
  }

 private:
  static void Add(const ModuleContext& module, const std::vector<Node>& calls, const char* tiles,
                  std::vector<Edit>& out) {
    TextEdits edits(module.source());
    for (Node call : calls) SetKeyword(call, "tiles", tiles, edits);
    std::string source = edits.Apply();
    if (source == module.source()) return;
    out.push_back({std::move(source),
                   std::string("Tiles, warps and stages ") + tiles +
                       (calls.size() == 1 ? " for one product." : " for all products."),
                   EditKind::kTuning, 1.15});
  }
};

class ModulePrecisionSkill final : public ModuleSkill {
 public:
  std::string name() const override { return "module_precision"; }
  std::string_view summary() const override {
    return "Where the contract of the module allows less than fp32, one tf32 product does the work "
           "of three in products and convolutions that Triton computes.";
  }

  std::vector<Edit> Edits(const ModuleContext& module) const override {
    if (module.precision() == "f32" || module.precision() == "f64") return {};
    static constexpr std::string_view kThree = "PRECISION=\"tf32x3\"";
    std::string source = module.source();
    for (size_t at = source.find(kThree); at != std::string::npos; at = source.find(kThree, at)) {
      source.replace(at, kThree.size(), "PRECISION=\"tf32\"");
    }
    if (source == module.source()) return {};
    return {{std::move(source), "Products in tf32, as the contract allows.", EditKind::kStructure,
             1.5}};
  }
};

}  // namespace

std::unique_ptr<ModuleSkill> NewModulePrecisionSkill() {
  return std::make_unique<ModulePrecisionSkill>();
}

std::unique_ptr<ModuleSkill> NewOwnMatmulSkill() { return std::make_unique<OwnMatmulSkill>(); }

std::unique_ptr<ModuleSkill> NewMatmulTilesSkill() { return std::make_unique<MatmulTilesSkill>(); }

}  // namespace ks
