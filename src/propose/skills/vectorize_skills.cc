// Skills elementwise_vectorize, vector_reduction and register_block: one engine (propose/vector),
// three kinds of nests.
#include <algorithm>

#include "base/text.h"
#include "propose/skills/skills.h"
#include "propose/vector/vectorize.h"

namespace ks {
namespace {

bool HasInnerLoop(const IrStmt& loop) {
  bool found = false;
  ForEachStmt(loop.body, [&](const IrStmt& s) { found = found || s.kind == IrStmt::Kind::kFor; });
  return found;
}

// Every planned loop is innermost and independent.
bool IsElementwise(const VectorPlan& plan) {
  return std::all_of(plan.loops.begin(), plan.loops.end(), [](const auto& entry) {
    return entry.second.parallel() && !HasInnerLoop(*entry.first);
  });
}

bool Allowed(const KernelContext& kernel, const VectorPlan& plan) {
  return kernel.MayReassociate() ||
         std::all_of(plan.loops.begin(), plan.loops.end(),
                     [](const auto& entry) { return entry.second.parallel(); });
}

class VectorizeSkill final : public Skill {
 public:
  explicit VectorizeSkill(bool elementwise) : elementwise_(elementwise) {}

  std::string name() const override {
    return elementwise_ ? "elementwise_vectorize" : "vector_reduction";
  }
  std::string_view summary() const override {
    return elementwise_
               ? "Element-by-element loops in explicit vectors, several at a time, with inline "
                 "polynomial exp, log, tanh and erf and a masked tail. Costs code size only."
               : "Row reductions in several vector accumulators, and reductions over another axis "
                 "with the contiguous axis in lanes; whole rows of softmax and normalisation kinds "
                 "too. Sums are reordered.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    VectorizeOptions options;
    bool any_kind = false, streams = false;
    options.accept = [&](const KernelIr&, const std::vector<IrStmt>&, const VectorPlan& plan) {
      if (!Allowed(kernel, plan)) return false;
      any_kind = any_kind || IsElementwise(plan) == elementwise_;
      for (const auto& [loop, v] : plan.loops) streams = streams || HasInnerLoop(*loop);
      return true;
    };
    const auto result =
        VectorizeKernel(kernel.source(), kernel.task().entry, kernel.machine(), options);
    // One edit rewrites every nest; it belongs to the skill of the harder kind.
    if (!result || !any_kind || (elementwise_ && MixedKinds(kernel))) return {};
    const auto edit = [&](const VectorizeResult& r, int vectors, double gain) {
      return Edit{r.source,
                  "Put " + std::to_string(r.loops) + " loop(s) of " + std::to_string(r.nests) +
                      " nest(s) into lanes, " + std::to_string(vectors) + " vectors at a time.",
                  EditKind::kStrategy, gain};
    };
    std::vector<Edit> edits = {edit(*result, options.vectors, 3.0)};
    // Loops that stream over another axis like longer runs of neighbours.
    options.vectors = 8;
    const auto wide =
        VectorizeKernel(kernel.source(), kernel.task().entry, kernel.machine(), options);
    if (!elementwise_ && wide && streams) edits.push_back(edit(*wide, 8, 2.9));
    return edits;
  }

 private:
  static bool MixedKinds(const KernelContext& kernel) {
    bool reduction = false;
    VectorizeOptions options;
    options.accept = [&](const KernelIr&, const std::vector<IrStmt>&, const VectorPlan& plan) {
      reduction = reduction || (Allowed(kernel, plan) && !IsElementwise(plan));
      return false;
    };
    VectorizeKernel(kernel.source(), kernel.task().entry, kernel.machine(), options);
    return reduction;
  }

  bool elementwise_;
};

class RegisterBlockSkill final : public Skill {
 public:
  std::string name() const override { return "register_block"; }
  std::string_view summary() const override {
    return "A block of outer iterations x vectors of the contiguous axis in registers: "
           "convolutions, unpacked matrix products, several rows of a matrix-vector product. Loads "
           "shared by the block happen once.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (int choice = 0; choice < 3; ++choice) {
      for (const auto& [rows, vectors] : {std::pair{4, 2}, std::pair{2, 4}}) {
        VectorizeOptions options;
        options.jam = true;
        options.jam_choice = choice;
        options.rows = rows;
        options.vectors = vectors;
        options.accept = [&](const KernelIr&, const std::vector<IrStmt>&, const VectorPlan& plan) {
          return Allowed(kernel, plan);
        };
        auto result =
            VectorizeKernel(kernel.source(), kernel.task().entry, kernel.machine(), options);
        if (!result) return edits;
        edits.push_back({std::move(result->source),
                         "Keep " + std::to_string(rows) + " rows x " + std::to_string(vectors) +
                             " vectors in registers.",
                         EditKind::kStrategy, choice == 0 && rows == 4 ? 4.0 : 2.0});
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<Skill> NewElementwiseVectorizeSkill() {
  return std::make_unique<VectorizeSkill>(true);
}
std::unique_ptr<Skill> NewVectorReductionSkill() { return std::make_unique<VectorizeSkill>(false); }
std::unique_ptr<Skill> NewRegisterBlockSkill() { return std::make_unique<RegisterBlockSkill>(); }

}  // namespace ks
