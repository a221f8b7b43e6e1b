#include <gtest/gtest.h>

#include <set>

#include "propose/builtin_proposer.h"
#include "propose/torch/fused_seed.h"
#include "propose/torch/module_skill.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

constexpr const char* kHead = R"(import torch
import triton
import triton.language as tl


@triton.jit
def copy_0(in_ptr0, out_ptr0, XBLOCK: tl.constexpr):
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:]
    x0 = xindex
    tmp0 = tl.load(in_ptr0 + x0)
    tl.store(out_ptr0 + x0, tmp0)


@triton.jit
def relu_1(in_out_ptr0, in_ptr0, XBLOCK: tl.constexpr):
    xnumel = 60
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:]
    xmask = xindex < xnumel
    x2 = xindex
    x0 = xindex % 6
    tmp0 = tl.load(in_out_ptr0 + x2, mask=xmask)
    tmp1 = tl.load(in_ptr0 + x0, mask=xmask)
    tl.store(in_out_ptr0 + x2, tmp0 + tmp1, mask=xmask)


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 6)

    def forward(self, x, y):
)";

// A candidate with these statements in forward.
std::string Candidate(const std::vector<std::string>& statements) {
  std::string source = kHead;
  for (const std::string& statement : statements) source += "        " + statement + "\n";
  return source;
}

std::vector<Edit> EditsBy(const std::string& skill, const std::string& source) {
  const std::unique_ptr<ModuleContext> module = ModuleContext::Make(source);
  EXPECT_NE(module, nullptr) << source;
  for (const auto& known : AllModuleSkills()) {
    if (known->name() == skill && module != nullptr) return known->Edits(*module);
  }
  return {};
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const char* const kBuffer = "a = torch.empty((10, 6), dtype=torch.float32, device=x.device)";
const char* const kProduct = "torch.mm(x, self.linear.weight.t(), out=a)";
const char* const kRelu =
    "relu_1[lambda meta: (triton.cdiv(60, meta[\"XBLOCK\"]),)](a, self.linear.bias, XBLOCK=64, "
    "num_warps=2, num_stages=1)";

TEST(ModuleContext, ReadsWhatForwardDoes) {
  const std::string source = Candidate({kBuffer, kProduct, kRelu, "b = a.view(60)", "return b"});
  const auto module = ModuleContext::Make(source);
  ASSERT_NE(module, nullptr);
  ASSERT_EQ(module->kernels().size(), 2u);
  EXPECT_EQ(module->kernels()[1].pointers, (std::vector<std::string>{"in_out_ptr0", "in_ptr0"}));
  ASSERT_EQ(module->forward().size(), 5u);
  EXPECT_EQ(module->forward()[1].fills, std::vector<std::string>{"a"});
  EXPECT_EQ(module->forward()[1].reads, (std::vector<std::string>{"x", "a"}));
  EXPECT_TRUE(module->forward()[2].launch.has_value());
  EXPECT_EQ(module->forward()[2].fills, std::vector<std::string>{"a"});
  EXPECT_FALSE(module->forward()[4].understood);
  EXPECT_EQ(module->RootOf("b"), "a");
  EXPECT_EQ(module->arguments(), (std::vector<std::string>{"x", "y"}));
}

bool Understood(const std::string& statement) {
  return ModuleContext::Make(Candidate({statement, "return x"}))->forward()[0].understood;
}

TEST(ModuleContext, DoesNotTrustCallsThatMayChangeWhatTheyAreGiven) {
  EXPECT_TRUE(Understood("a = torch.relu(x)"));
  EXPECT_TRUE(Understood("a = x.view(3).t()"));
  EXPECT_TRUE(Understood("torch.mm(x, y.t(), out=a)"));
  EXPECT_FALSE(Understood("a = torch.relu_(x)"));
  EXPECT_FALSE(Understood("a = x.add_(1)"));
  EXPECT_FALSE(Understood("a = torch.relu(x.mul_(2))"));
  EXPECT_FALSE(Understood("a = helper(x)"));
  EXPECT_FALSE(Understood("a = self.linear(x)"));
  EXPECT_FALSE(Understood("a = torch.add(x, y, out=y)"));
  EXPECT_FALSE(Understood("torch.mm(x.add_(1), y, out=a)"));
  EXPECT_FALSE(Understood("x += 1"));
  EXPECT_FALSE(Understood("with torch.no_grad():\n            a = x"));
}

TEST(ModuleContext, FollowsViewsOfAnyKind) {
  const auto root = [](const std::string& value) {
    const std::string helper = "def laid_out(tensor, stride):\n    return tensor\n\n\n";
    const auto module =
        ModuleContext::Make(helper + Candidate({kBuffer, "b = " + value, "return b"}));
    return module->forward()[1].understood ? module->RootOf("b") : "?";
  };
  for (const char* view :
       {"a", "a.t()", "a.view(3, 20).t()", "torch.transpose(a, 0, 1)", "a[1:]", "a.T",
        "torch.narrow(a, 0, 1, 2)", "a.unfold(0, 2, 2)", "(a.expand(2, 10, 6))", "a.detach()",
        "torch.reshape(a.t(), (60,))", "laid_out(a, (1, 10))", "torch.as_strided(a, (2,), (1,))",
        "torch.ops.aten.slice.Tensor(a, 0, 1)"}) {
    EXPECT_EQ(root(view), "a") << view;
  }
  for (const char* fresh : {"torch.relu(a)", "a * 2", "torch.ops.aten.full.default([4], 1)",
                            "torch.add(a.t(), x.t())", "-a"}) {
    EXPECT_EQ(root(fresh), "b") << fresh;
  }
  for (const char* unknown :
       {"a if x.shape[0] else y", "(a, x)", "torch.split(a, 2)", "[a]", "torch.unbind(a)"}) {
    EXPECT_EQ(root(unknown), "?") << unknown;
  }
}

TEST(ModuleContext, SeesEveryNameThatAStatementBinds) {
  const auto binds = [](const std::string& statement) {
    return ModuleContext::Make(Candidate({statement, "return x"}))->forward()[0].binds;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(binds("a, b = f(x)"), (List{"a", "b"}));
  EXPECT_EQ(binds("(a, *b), c = f(x)"), (List{"a", "b", "c"}));
  EXPECT_EQ(binds("a = b = x"), (List{"a", "b"}));
  EXPECT_EQ(binds("a = torch.relu(b := x)"), (List{"a", "b"}));
  EXPECT_EQ(binds("for a, b in x:\n            c = a"), (List{"a", "b", "c"}));
  EXPECT_EQ(binds("self.a = x"), List{});
  EXPECT_EQ(binds("a[0] = x"), List{});
  const auto rebinds = [](const std::vector<std::string>& statements) {
    return ModuleContext::Make(Candidate(statements))->Rebinds();
  };
  EXPECT_FALSE(rebinds({"a = x", "b = a", "return b"}));
  EXPECT_FALSE(rebinds({"x = x.contiguous()", "return x"}));
  EXPECT_TRUE(rebinds({"x = torch.relu(x)", "return x"}));
  EXPECT_TRUE(rebinds({"a = x", "a, b = y", "return a"}));
}

TEST(ModuleContext, DoesNotTrustHiddenArgumentsRandomNumbersAndStates) {
  EXPECT_FALSE(Understood("a = torch.add(*parts)"));
  EXPECT_FALSE(Understood("a = torch.add(x, **options)"));
  EXPECT_FALSE(Understood("torch.mm(*parts, out=a)"));
  EXPECT_FALSE(Understood("a = torch.rand(3)"));
  EXPECT_FALSE(Understood("a = torch.bernoulli(x)"));
  EXPECT_FALSE(Understood("a = torch.nn.functional.dropout(x)"));
  EXPECT_FALSE(Understood("a = torch.ops.aten.add_.Tensor(x, y)"));
  EXPECT_FALSE(Understood("a = torch.ops.aten.rand.default([4])"));
  EXPECT_FALSE(Understood("torch.rand(3, out=a)"));
  EXPECT_FALSE(Understood("relu_1[(1,)](*buffers, XBLOCK=64)"));
  EXPECT_FALSE(Understood("relu_1[(1,)](*buffers, x, XBLOCK=64)"));
  EXPECT_TRUE(Understood("relu_1[(1,)](y, x, XBLOCK=64)"));
  std::string writes = Candidate({"copy_0[(1,)](x, y, XBLOCK=64)", "return x"});
  EXPECT_TRUE(ModuleContext::Make(writes)->forward()[0].understood);
  writes.replace(writes.find("tl.store(out_ptr0"), 17, "tl.store(in_ptr0 ");
  EXPECT_FALSE(ModuleContext::Make(writes)->forward()[0].understood) << "an input is no input";
}

TEST(ModuleContext, IsOnlyForCandidates) {
  EXPECT_EQ(ModuleContext::Make("def f(:\n"), nullptr);
  EXPECT_EQ(ModuleContext::Make("class Model:\n    def forward(self):\n        pass\n"), nullptr);
}

TEST(ModuleSkills, HaveNamesOfTheirOwnAndSummaries) {
  std::set<std::string> names;
  for (const auto& skill : AllModuleSkills()) {
    EXPECT_TRUE(names.insert(skill->name()).second) << skill->name();
    EXPECT_TRUE(skill->name().starts_with("module_")) << skill->name();
    EXPECT_GT(skill->summary().size(), 40u) << skill->name();
  }
}

TEST(ModuleSkills, LeaveACandidateWithoutKernelsAndProductsAlone) {
  const std::string source = Candidate({"return torch.relu(x)"});
  for (const auto& skill : AllModuleSkills()) {
    if (skill->name() == "module_cache") continue;  // of the kernels, launched or not
    EXPECT_TRUE(skill->Edits(*ModuleContext::Make(source)).empty()) << skill->name();
  }
}

TEST(OwnMatmul, ReplacesProductsIntoDenseBuffersOnly) {
  const auto edits = EditsBy("module_matmul", Candidate({kBuffer, kProduct, "return a"}));
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_TRUE(Contains(edits[0].source, "matmul(x, self.linear.weight.t(), out=a)"));
  EXPECT_TRUE(Contains(edits[0].source, "def matmul_kernel("));
  const std::string strided = "a = torch.empty_strided((10, 6), (1, 10), device=x.device)";
  EXPECT_TRUE(EditsBy("module_matmul", Candidate({strided, kProduct, "return a"})).empty());
  EXPECT_TRUE(EditsBy("module_matmul", Candidate({kProduct, "return a"})).empty());
  const std::string scaled = "torch.addmm(self.linear.bias, x, y, alpha=2, out=a)";
  EXPECT_TRUE(EditsBy("module_matmul", Candidate({kBuffer, scaled, "return a"})).empty());
}

TEST(OwnMatmul, OffersEveryProductOnItsOwn) {
  const std::string second = "b = torch.empty((10, 6), dtype=torch.float32, device=x.device)";
  const auto edits =
      EditsBy("module_matmul",
              Candidate({kBuffer, kProduct, second, "torch.mm(x, y, out=b)", "return a, b"}));
  ASSERT_EQ(edits.size(), 3u);
  EXPECT_FALSE(Contains(edits[0].source, "torch.mm"));
  EXPECT_TRUE(Contains(edits[1].source, "torch.mm(x, y, out=b)"));
  EXPECT_TRUE(Contains(edits[2].source, "torch.mm(x, self.linear"));
}

TEST(ModulePrecision, LowersProductsOnlyWhereTheTaskAllowsIt) {
  const std::string own =
      EditsBy("module_matmul", Candidate({kBuffer, kProduct, "return a"})).front().source;
  EXPECT_TRUE(EditsBy("module_precision", own).empty());
  for (const auto& skill : AllModuleSkills()) {
    if (skill->name() != "module_precision") continue;
    const auto edits = skill->Edits(*ModuleContext::Make(own, "tf32"));
    ASSERT_EQ(edits.size(), 1u);
    EXPECT_TRUE(Contains(edits[0].source, "PRECISION=\"tf32\""));
    EXPECT_FALSE(Contains(edits[0].source, "tf32x3"));
  }
}

TEST(FusedSeed, DoesWhatAppliesAndNothingElse) {
  const auto fused = FusedSeed(Candidate({kBuffer, kProduct, kRelu, "return a"}));
  ASSERT_TRUE(fused.has_value());
  EXPECT_TRUE(Contains(*fused, "kernel=matmul_relu_1"));
  EXPECT_FALSE(FusedSeed(Candidate({"return torch.relu(x)"})).has_value());
  EXPECT_FALSE(FusedSeed("no module").has_value());
}

TEST(MatmulEpilogue, TakesTheKernelThatFollowsAndDropsItsLaunch) {
  const auto edits = EditsBy("module_epilogue", Candidate({kBuffer, kProduct, kRelu, "return a"}));
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_FALSE(Contains(edits[0].source, "relu_1["));
  EXPECT_TRUE(Contains(edits[0].source, "kernel=matmul_relu_1, more=(self.linear.bias,)"));
  EXPECT_TRUE(Contains(edits[0].source, "tl.store(out_ptr + x2, tmp0 + tmp1, mask=xmask)"));
}

TEST(MatmulEpilogue, RefusesWhatIsNotReadyOrReadElsewhere) {
  const std::string late = "self.linear.bias";
  const auto with = [&](const std::vector<std::string>& between, std::string launch) {
    std::vector<std::string> all = {kBuffer, kProduct};
    all.insert(all.end(), between.begin(), between.end());
    all.push_back(std::move(launch));
    all.emplace_back("return a");
    return EditsBy("module_epilogue", Candidate(all)).size();
  };
  std::string launch = kRelu;
  EXPECT_EQ(with({}, launch), 1u);
  EXPECT_EQ(with({"c = a.view(60)"}, launch), 1u);
  EXPECT_EQ(with({"y.add_(1)"}, launch), 0u) << "nobody knows what that does";
  const std::string other = "c = torch.empty((10, 6), dtype=torch.float32, device=x.device)";
  EXPECT_EQ(with({other, "torch.mm(a, y, out=c)"}, launch), 0u) << "read before";
  launch.replace(launch.find(late), late.size(), "c");
  EXPECT_EQ(with({"c = torch.relu(y)"}, launch), 0u) << "made after the product";
  EXPECT_EQ(with({"c = a.t()"}, launch), 0u) << "the result in another order";
}

TEST(WeightsOnce, KeepsWhatDependsOnWeightsAlone) {
  const std::string buffer = "w = torch.empty((6, 4), dtype=torch.float32, device=x.device)";
  const std::string copy =
      "copy_0[lambda meta: (triton.cdiv(24, meta[\"XBLOCK\"]),)](self.linear.weight, w, XBLOCK=8)";
  const std::string product = "torch.mm(x, w.t(), out=a)";
  const auto edits = EditsBy("module_weights_once",
                             Candidate({kBuffer, buffer, copy, product, "del w", "return a"}));
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_TRUE(Contains(edits[0].source, "ksmith: once"));
  EXPECT_TRUE(Contains(edits[0].source, "self.once = (w,)\n        (w,) = self.once\n"));
  EXPECT_FALSE(Contains(edits[0].source, "del w"));
  EXPECT_TRUE(EditsBy("module_weights_once", edits[0].source).empty()) << "only once";
  const auto refuses = [&](const std::vector<std::string>& statements) {
    return EditsBy("module_weights_once", Candidate(statements)).empty();
  };
  EXPECT_TRUE(refuses({buffer, copy, "return w"})) << "it belongs to the caller";
  EXPECT_TRUE(refuses({buffer, copy, "return w.view(24)"}));
  EXPECT_TRUE(refuses({kBuffer, buffer, copy, "torch.mm(x, y, out=w)", product, "return a"}));
  EXPECT_TRUE(refuses({kBuffer, buffer, copy, product, copy, product, "return a"}))
      << "filled again after it was read";
  EXPECT_TRUE(refuses({kBuffer, buffer, copy, "b = w.add_(x)", product, "return a"}));
  EXPECT_TRUE(refuses({kBuffer, buffer, copy, "w.add_(x)", product, "return a"}));
  EXPECT_TRUE(refuses({kBuffer, buffer, copy, "v = w.view(24)", "v.zero_()", product, "return a"}));
  std::string of_input = copy;
  of_input.replace(of_input.find("self.linear.weight"), 18, "y");
  EXPECT_TRUE(refuses({kBuffer, buffer, of_input, product, "return a"}));
}

TEST(WeightsOnce, RefusesWhatIsNotTheSameInEveryCall) {
  const auto refuses = [&](const std::vector<std::string>& before, const std::string& weight,
                           const std::vector<std::string>& after = {}) {
    std::vector<std::string> all = before;
    all.push_back("w = " + weight);
    all.insert(all.end(), after.begin(), after.end());
    for (const char* line : {kBuffer, "torch.mm(x, w, out=a)", "return a"}) all.emplace_back(line);
    return EditsBy("module_weights_once", Candidate(all)).empty();
  };
  const std::string weight = "torch.relu(self.linear.weight)";
  EXPECT_FALSE(refuses({}, weight));
  EXPECT_TRUE(refuses({"self.count = 3"}, weight)) << "an attribute changes";
  EXPECT_TRUE(refuses({"self.count += 1"}, weight));
  EXPECT_TRUE(refuses({"self.norm.running_mean.mul_(2)"}, weight));
  EXPECT_TRUE(refuses({"z = self.norm(x)"}, weight)) << "a module may keep something";
  EXPECT_TRUE(refuses({"v = self.linear.weight.t()", "torch.mm(x, y, out=v)"}, weight))
      << "the weight is filled under another name";
  EXPECT_TRUE(refuses({}, "torch.rand(4, 6)"));
  EXPECT_TRUE(refuses({}, "torch.dropout(self.linear.weight, 0.5, True)"));
  EXPECT_TRUE(refuses({}, "torch.mul(self.linear.weight, self.training)"));
  EXPECT_TRUE(refuses({}, "torch.ones(x.shape[1], 6)")) << "another size in another call";
  EXPECT_TRUE(refuses({}, "torch.ones(4, 6, dtype=x.dtype)"));
  EXPECT_TRUE(refuses({}, "torch.transpose(self.linear.weight, 0, 1)")) << "nothing is computed";
  EXPECT_TRUE(refuses({}, weight, {"v = torch.transpose(w, 0, 1)", "torch.mm(x, y, out=v)"}))
      << "filled in every call through a view";
  EXPECT_TRUE(refuses({}, weight, {"w, v = x, y"}));
}

TEST(MatmulEpilogue, SeesTheResultUnderOtherNames) {
  const auto count = [](const std::vector<std::string>& before,
                        const std::vector<std::string>& between) {
    std::vector<std::string> all = {kBuffer};
    all.insert(all.end(), before.begin(), before.end());
    all.emplace_back(kProduct);
    all.insert(all.end(), between.begin(), between.end());
    all.emplace_back(kRelu);
    all.emplace_back("return a");
    return EditsBy("module_epilogue", Candidate(all)).size();
  };
  const std::string other = "c = torch.empty((10, 6), dtype=torch.float32, device=x.device)";
  const std::string reads = "torch.mm(v, y, out=c)";
  EXPECT_EQ(count({"v = torch.relu(x)", other}, {reads}), 1u);
  EXPECT_EQ(count({"v = a[1:]", other}, {reads}), 0u) << "a view from before the product";
  EXPECT_EQ(count({"v = torch.transpose(a, 0, 1)", other}, {reads}), 0u);
  EXPECT_EQ(count({"v = helper(a)", other}, {reads}), 0u) << "who knows what that kept";
  EXPECT_EQ(count({"v = x"}, {"a, v = x, y"}), 0u) << "another buffer of that name";
}

TEST(OwnMatmul, RefusesABufferThatATupleReplaces) {
  EXPECT_TRUE(
      EditsBy("module_matmul", Candidate({kBuffer, "a, b = f(x)", kProduct, "return a"})).empty());
  EXPECT_TRUE(
      EditsBy("module_matmul", Candidate({kBuffer, "torch.mm(*x, out=a)", "return a"})).empty());
}

TEST(ModuleSkills, LeaveFunctionsOfTheirNamesAlone) {
  const std::string source = Candidate({kBuffer, kProduct, kRelu, "return a"});
  const std::string conv = Candidate(
      {"a = torch.convolution(x, self.linear.weight, None, (1,), (1,), (1,), False, (0,), 1)",
       "b = torch.convolution(x, self.linear.weight, None, (1,), (1,), (1,), False, (0,), 4)",
       "return a, b"});
  const auto with = [](const std::string& function, const std::string& text) {
    return "def " + function + "(a, b):\n    return a\n\n\n" + text;
  };
  EXPECT_FALSE(EditsBy("module_matmul", source).empty());
  EXPECT_TRUE(EditsBy("module_matmul", with("matmul", source)).empty());
  EXPECT_TRUE(EditsBy("module_matmul", with("matmul_kernel", source)).empty());
  EXPECT_TRUE(EditsBy("module_epilogue", with("matmul", source)).empty());
  EXPECT_FALSE(EditsBy("module_conv", conv).empty());
  EXPECT_TRUE(EditsBy("module_conv", with("own_conv", conv)).empty());
  EXPECT_FALSE(EditsBy("module_depthwise_conv", conv).empty());
  EXPECT_TRUE(EditsBy("module_depthwise_conv", with("depthwise_conv", conv)).empty());
  const auto changes = ModuleContext::Make(
      with("own_conv", Candidate({"a = own_conv(x, y)", "matmul(x, y, out=a)", "return a"})));
  EXPECT_FALSE(changes->forward()[0].understood) << "somebody else's";
  EXPECT_FALSE(changes->forward()[1].understood);
}

TEST(ModuleBlocks, KnowsBlocksOfReductionsByTheirWholeName) {
  const auto count = [](const std::string& block, const std::string& body,
                        const std::string& store = "") {
    const std::string axis = block == "RBLOCK" ? "r" : block == "R0_BLOCK" ? "r0_" : "rows_";
    const std::string kernel =
        "@triton.jit\ndef reduce_2(in_ptr0, out_ptr0, XBLOCK: tl.constexpr, " + block +
        ": tl.constexpr):\n" + body + "    " + axis + "mask = index < 60\n" +
        (store.empty() ? "    tl.store(out_ptr0 + index, 0.0)\n" : store) + "\n\n";
    std::string source = Candidate(
        {kBuffer, "reduce_2[(10,)](x, a, XBLOCK=1, " + block + "=16, num_warps=1)", "return a"});
    source.insert(source.find("class ModelNew"), kernel);
    return EditsBy("module_blocks", source).size();
  };
  const std::string whole = "    index = tl.arange(0, RBLOCK)\n";
  const auto walk = [](const std::string& block) {
    return "    for offset in range(0, 60, " + block +
           "):\n        index = offset + tl.arange(0, " + block + ")\n";
  };
  EXPECT_EQ(count("RBLOCK", walk("RBLOCK")), 4u);
  EXPECT_EQ(count("R0_BLOCK", walk("R0_BLOCK")), 4u);
  EXPECT_EQ(count("RBLOCK", whole), 0u) << "the block has to hold the row";
  EXPECT_EQ(count("ROWS_BLOCK", walk("ROWS_BLOCK")), 0u) << "the grid would not follow";
  std::string unmasked = Candidate({kBuffer, kProduct, kRelu, "return a"});
  const std::string masked = "tmp0 + tmp1, mask=xmask";
  EXPECT_EQ(EditsBy("module_blocks", unmasked).size(), 4u);
  unmasked.replace(unmasked.find(masked), masked.size(), "tmp0 + tmp1");
  EXPECT_EQ(EditsBy("module_blocks", unmasked).size(), 0u) << "64 does not divide 60";
}

TEST(DepthwiseConv, IsForGroupedConvolutionsOfOneOrTwoAxes) {
  const auto count = [](const std::string& call) {
    return EditsBy("module_depthwise_conv", Candidate({"a = " + call, "return a"})).size();
  };
  const std::string head = "torch.convolution(x, self.linear.weight, None, ";
  EXPECT_EQ(count(head + "(1, 1), (1, 1), (1, 1), False, (0, 0), 4)"), 1u);
  EXPECT_EQ(count(head + "(1, 1), (1, 1), (1, 1), False, (0, 0), 1)"), 0u);
  EXPECT_EQ(count(head + "(1, 1), (1, 1), (1, 1), True, (0, 0), 4)"), 0u);
  EXPECT_EQ(count(head + "(1, 1, 1), (1, 1, 1), (1, 1, 1), False, (0, 0, 0), 4)"), 0u);
}

TEST(OwnConv, IsForConvolutionsWithoutGroups) {
  const auto count = [](const std::string& call) {
    return EditsBy("module_conv", Candidate({"a = " + call, "return a"})).size();
  };
  const std::string head = "torch.convolution(x, self.linear.weight, None, (1,), (1,), (1,), ";
  EXPECT_EQ(count(head + "False, (0,), 1)"), 1u);
  EXPECT_EQ(count(head + "True, (0,), 1)"), 0u);
  EXPECT_EQ(count(head + "False, (0,), 2)"), 0u);
}

TEST(ModuleBlocks, KeepsBlocksThatDivideWhatIsNotMasked) {
  const std::string launch =
      "copy_0[lambda meta: (triton.cdiv(48, meta[\"XBLOCK\"]),)](x, a, XBLOCK=8, num_warps=1)";
  const auto edits = EditsBy("module_blocks", Candidate({kBuffer, launch, "return a"}));
  std::set<std::string> blocks;
  for (const Edit& edit : edits) {
    const size_t at = edit.source.find("XBLOCK=");
    blocks.insert(edit.source.substr(at + 7, edit.source.find(',', at) - at - 7));
  }
  EXPECT_EQ(blocks, (std::set<std::string>{"16", "4", "2"})) << "32 does not divide 48";
  EXPECT_EQ(EditsBy("module_blocks", Candidate({kBuffer, kProduct, kRelu, "return a"})).size(), 4u);
  const std::string fixed = "copy_0[(6,)](x, a, XBLOCK=8, num_warps=1)";
  EXPECT_TRUE(EditsBy("module_blocks", Candidate({kBuffer, fixed, "return a"})).empty())
      << "the grid would not follow";
}

TEST(BuiltinProposer, AsksTheSkillsForModulesOnTheTorchBackend) {
  const Task task = MatmulTask();
  const Machine machine = TestMachine();
  ProposalContext context;
  context.task = &task;
  context.machine = &machine;
  context.backend = "torch";
  auto member = std::make_shared<Member>();
  member->source = Candidate({kBuffer, kProduct, kRelu, "return a"});
  member->evaluation.outcome = Measured{};
  context.selection.parent = member;
  BuiltinProposer proposer({}, {}, BuiltinProposer::Choice::kScored, AllModuleSkills());
  const auto proposal = proposer.Propose(context, {});
  ASSERT_TRUE(proposal.ok() && proposal->has_value());
  EXPECT_TRUE((*proposal)->skill.starts_with("module_"));
  EXPECT_FALSE(Contains((*proposal)->source, "ksmith: flags")) << "no flags of a C++ compiler";
  context.selection.repair = true;
  const auto repair = proposer.Propose(context, {});
  ASSERT_TRUE(repair.ok());
  EXPECT_FALSE(repair->has_value());
}

}  // namespace
}  // namespace ks
