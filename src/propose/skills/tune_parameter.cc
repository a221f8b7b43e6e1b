// Skill tune_parameter: another value for an integer parameter that an earlier edit introduced.
#include <algorithm>
#include <set>

#include "propose/skills/skills.h"

namespace ks {
namespace {

class TuneParameterSkill final : public Skill {
 public:
  std::string name() const override { return "tune_parameter"; }
  std::string_view summary() const override {
    return "Every `constexpr` marked `// ksmith: tune ...` is a parameter: try the neighbours of "
           "its value in the list, then values beyond the ends. One parameter at a time.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> near, far;
    for (const Tunable& tunable : TunablesOf(kernel.tree())) {
      const std::vector<int64_t> candidates = Candidates(tunable);
      for (size_t i = 0; i < candidates.size(); ++i) {
        Rewriter rewriter(kernel.tree());
        rewriter.Replace(tunable.begin, tunable.end, std::to_string(candidates[i]));
        Edit edit{rewriter.Apply(),
                  "Set " + tunable.name + " from " + std::to_string(tunable.value) + " to " +
                      std::to_string(candidates[i]) + ".",
                  EditKind::kTuning, i < 2 ? 1.06 : 1.03};
        (i < 2 ? near : far).push_back(std::move(edit));
      }
    }
    near.insert(near.end(), far.begin(), far.end());
    return near;
  }

 private:
  // Values to try, nearest first: list neighbours, then the rest of the list; only beyond an end of
  // the list, double or half of it.
  static std::vector<int64_t> Candidates(const Tunable& tunable) {
    std::set<int64_t> values(tunable.choices.begin(), tunable.choices.end());
    if (values.empty() || tunable.value >= *values.rbegin()) values.insert(tunable.value * 2);
    if (tunable.value <= *values.begin() && tunable.value / 2 >= 1) {
      values.insert(tunable.value / 2);
    }
    values.insert(tunable.value);
    const std::vector<int64_t> sorted(values.begin(), values.end());
    const auto at = std::find(sorted.begin(), sorted.end(), tunable.value) - sorted.begin();
    std::vector<int64_t> candidates;
    const auto size = static_cast<std::ptrdiff_t>(sorted.size());
    for (std::ptrdiff_t distance = 1; distance < size; ++distance) {
      for (std::ptrdiff_t side : {at + distance, at - distance}) {
        if (side >= 0 && side < size) candidates.push_back(sorted[static_cast<size_t>(side)]);
      }
    }
    return candidates;
  }
};

}  // namespace

std::unique_ptr<Skill> NewTuneParameterSkill() { return std::make_unique<TuneParameterSkill>(); }

}  // namespace ks
