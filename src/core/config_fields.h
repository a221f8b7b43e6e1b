// The one list of the fields of RunConfig: their table and name in files, and their valid range.
#ifndef KS_CORE_CONFIG_FIELDS_H_
#define KS_CORE_CONFIG_FIELDS_H_

#include "core/config.h"

namespace ks {

// A field's place in a configuration file. Numbers outside [low, high] are refused, and names that
// are not among the choices.
struct ConfigField {
  const char* table;
  const char* name;
  double low = 0;
  double high = 0;
  bool is_limit = false;     // decides when a run ends, not what it finds: left out of the hash
  const char* choices = "";  // of a text, separated by '|'; empty: any
};

// Calls visit(ConfigField, member&) for every field, in the order of docs/operations.md.
template <typename Config, typename Visit>
void VisitConfigFields(Config& config, Visit visit) {
  auto& search = config.search;
  visit(ConfigField{"search", "islands", 1, 64}, search.islands);
  visit(ConfigField{"search", "migration_interval", 0, 1e6}, search.migration_interval);
  visit(
      ConfigField{
          .table = "search", .name = "policy", .choices = "mix|power_law|uct|puct|crowding|random"},
      search.policy);
  visit(ConfigField{"search", "elite_probability", 0, 1}, search.elite_probability);
  visit(ConfigField{"search", "uniform_probability", 0, 1}, search.uniform_probability);
  visit(ConfigField{"search", "power_alpha", 0, 10}, search.power_alpha);
  visit(ConfigField{"search", "exploration", 0, 100}, search.exploration);
  visit(ConfigField{"search", "repair_probability", 0, 1}, search.repair_probability);
  visit(ConfigField{"search", "inspirations", 0, 64}, search.inspirations);
  visit(ConfigField{"search", "takeover_limit", 0, 1e6}, search.takeover_limit);
  visit(ConfigField{"search", "restart_after", 0, 1e9}, search.restart_after);
  visit(ConfigField{.table = "search", .name = "restart_from", .choices = "best|island|seed"},
        search.restart_from);
  auto& archive = config.archive;
  visit(ConfigField{.table = "archive", .name = "kind", .choices = "grid|cvt|flat"}, archive.kind);
  visit(ConfigField{"archive", "cvt_cells", 2, 1024}, archive.cvt_cells);
  visit(ConfigField{"archive", "population", 2, 1e7}, archive.population);
  auto& novelty = config.novelty;
  visit(ConfigField{"novelty", "threshold", 0, 1}, novelty.threshold);
  visit(ConfigField{"novelty", "embedding_url", 0, 0, true}, novelty.embedding_url);
  visit(ConfigField{"novelty", "embedding_model"}, novelty.embedding_model);
  visit(ConfigField{"novelty", "embedding_threshold", 0.5, 1}, novelty.embedding_threshold);
  visit(ConfigField{"novelty", "embedding_key_env", 0, 0, true}, novelty.embedding_key_env);
  visit(ConfigField{"novelty", "embedding_key_file", 0, 0, true}, novelty.embedding_key_file);
  visit(ConfigField{"novelty", "embedding_timeout_s", 0.01, 3600, true},
        novelty.embedding_timeout_s);
  VisitLlmFields<ConfigField>(config.llm, visit);
  auto& evaluation = config.evaluation;
  visit(ConfigField{"evaluation", "check_trials", 1, 1000}, evaluation.check_trials);
  visit(ConfigField{"evaluation", "confidence", 0.5, 0.999999}, evaluation.confidence);
  visit(ConfigField{"evaluation", "gain_margin", 0, 1}, evaluation.gain_margin);
  visit(ConfigField{"evaluation", "target_width", 1e-4, 1}, evaluation.target_width);
  visit(ConfigField{"evaluation", "min_pairs", 3, 1e5}, evaluation.min_pairs);
  visit(ConfigField{"evaluation", "max_pairs", 3, 1e5}, evaluation.max_pairs);
  visit(ConfigField{"evaluation", "time_budget_s", 0.01, 3600}, evaluation.time_budget_s);
  visit(ConfigField{"evaluation", "compile_timeout_s", 1, 3600}, evaluation.compile_timeout_s);
  visit(ConfigField{"evaluation", "call_timeout_s", 0.01, 3600}, evaluation.call_timeout_s);
  visit(ConfigField{"evaluation", "memory_limit_bytes", 16 << 20, 1e15},
        evaluation.memory_limit_bytes);
  visit(ConfigField{"evaluation", "cuda_graphs", 0, 1}, evaluation.cuda_graphs);
  visit(ConfigField{"evaluation", "timed_output_checks", 0, 1000}, evaluation.timed_output_checks);
  visit(ConfigField{"run", "seed", 0, 9.2e18}, config.seed);
  visit(ConfigField{"run", "in_flight", 1, 4096}, config.in_flight);
  visit(ConfigField{"run", "workers", 1, 256, true}, config.workers);
  visit(ConfigField{"run", "max_steps", 0, 1e12, true}, config.max_steps);
  visit(ConfigField{"run", "max_minutes", 0, 1e7, true}, config.max_minutes);
  visit(ConfigField{"run", "until_speedup", 0, 1e9, true}, config.until_speedup);
  visit(ConfigField{"run", "backend"}, config.backend);
  visit(ConfigField{"run", "device", 0, 255}, config.device);
  visit(ConfigField{"run", "proposer"}, config.proposer);
}

}  // namespace ks

#endif  // KS_CORE_CONFIG_FIELDS_H_
