// The protocol of a run: every knob that can change its result, with defaults. Hashed into reports.
#ifndef KS_CORE_CONFIG_H_
#define KS_CORE_CONFIG_H_

#include <cstdint>
#include <string>

#include "core/llm_config.h"

namespace ks {

struct SearchConfig {
  int islands = 3;
  int migration_interval = 25;        // steps between migrations on the ring
  std::string policy = "mix";         // of the parent: docs/search.md
  double elite_probability = 0.70;    // mix: the island's best or a draw among elites by rank
  double uniform_probability = 0.20;  // mix: uniform over the elites; the rest: crowding
  double power_alpha = 1.0;           // power_law: chance of rank r is proportional to r^-alpha
  double exploration = 1.0;           // uct, puct: weight of what was tried seldom
  double repair_probability = 0.05;   // parent = a recent failed candidate
  int inspirations = 3;
  int takeover_limit = 12;  // steps after which a lineage that holds every island is broken up
  int restart_after = 0;    // steps of an island without a new best until it starts again; 0: never
  std::string restart_from = "best";  // what joins the seed there: best, island, seed (nothing)
};

// Where the population lives: docs/search.md.
struct ArchiveConfig {
  std::string kind = "grid";  // "grid", "cvt", "flat"
  int cvt_cells = 128;        // cvt: centroids of the descriptor vector
  int population = 1000;      // flat: most members of one island
};

// Near copies of failed or worse programs, refused before they are evaluated.
struct NoveltyConfig {
  double threshold = 0;  // similarity from which a program is a near copy; 0: off
  // A server of embeddings in place of shingles; empty: none.
  std::string embedding_url;          // "https://host/v1"
  std::string embedding_model;        // as the server knows it
  double embedding_threshold = 0.98;  // cosine from which a program is a near copy
  std::string embedding_key_env;      // environment variable with the key; or
  std::string embedding_key_file;     // the file that holds it
  double embedding_timeout_s = 10;    // of one question
};

struct EvaluationConfig {
  int check_trials = 5;        // trials over the check workloads, with the distribution mix
  double confidence = 0.995;   // two-sided level of every interval
  double gain_margin = 0.01;   // a gain counts when its interval lies above 1 + margin
  double target_width = 0.01;  // stop when the relative half width of the ratio is below
  int min_pairs = 6;
  int max_pairs = 480;         // a bound for short kernels; long ones end at the budget
  double time_budget_s = 1.0;  // measuring budget of one evaluation, all workloads
  double compile_timeout_s = 20;
  double call_timeout_s = 10;  // one call of a candidate
  int64_t memory_limit_bytes = int64_t{4} << 30;
  int cuda_graphs = 1;          // modules: 1, both sides as graphs where both can be; 0, never
  int timed_output_checks = 2;  // timed calls per workload whose outputs are checked, at random
};

struct RunConfig {
  SearchConfig search;
  ArchiveConfig archive;
  NoveltyConfig novelty;
  LlmConfig llm;
  EvaluationConfig evaluation;
  uint64_t seed = 1;
  // Steps in flight: step s may look at what is known up to step s - in_flight, so that compiling
  // the next overlaps timing, and many questions to a server overlap.
  int in_flight = 2;
  int workers = 2;           // threads that evaluate; they do not change what is found
  int64_t max_steps = 0;     // 0: no limit
  double max_minutes = 0;    // 0: no limit
  double until_speedup = 0;  // 0: no limit
  std::string backend = "cpu";
  int device = 0;  // which of the backend's devices
  std::string proposer = "builtin";
};

}  // namespace ks

#endif  // KS_CORE_CONFIG_H_
