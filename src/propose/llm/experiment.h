// What a designer wants tried.
#ifndef KS_PROPOSE_LLM_EXPERIMENT_H_
#define KS_PROPOSE_LLM_EXPERIMENT_H_

#include <string>
#include <vector>

namespace ks {

inline constexpr int kExperimentsPerRound = 3;

struct Experiment {
  std::string description;
  std::vector<std::string> rubric;
  double min_gain = 0;  // per cent
  double max_gain = 0;
  double innovation = 0;  // 0..100
  bool operator==(const Experiment&) const = default;
};

// The experiments in a designer's answer. Empty: none can be read (fields of another type count as
// absent; one without a description is left out).
std::vector<Experiment> ExperimentsIn(const std::string& json);

// The three that are run: the most innovative, then the one of the highest max_gain, then of the
// highest min_gain, each among those not taken yet. Fewer when there are fewer.
std::vector<Experiment> PickThree(std::vector<Experiment> experiments);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_EXPERIMENT_H_
