// The append-only record of a run. A run's state is a fold over its events (core/run_view.h).
#ifndef KS_CORE_EVENT_H_
#define KS_CORE_EVENT_H_

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/evaluation.h"
#include "core/machine.h"

namespace ks {

struct RunStarted {
  std::string run_id;
  std::string task;
  std::string task_hash;
  std::string backend;
  std::string proposer;
  uint64_t seed = 0;
  int jobs = 1;             // RunConfig::in_flight
  std::string config_json;  // the RunConfig as used
  std::string config_hash;
  std::string version;  // of kernelsmith
  Machine machine;
  std::string
      prior_skills;  // records of skills from other runs (core/skill_record.h); may be empty
};
// What a model was paid for a proposal.
struct ModelUse {
  std::string model;
  double cost_usd = 0;
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  std::string exchange;  // keys the store's sources: the request and the answer; may be empty
  bool operator==(const ModelUse&) const = default;
};
// Ids come in order. `source_hash` keys the store's sources.
struct CandidateProposed {
  CandidateId id = kNoCandidate;
  int64_t step = 0;
  CandidateId parent = kNoCandidate;
  std::vector<CandidateId> inspirations;
  int island = 0;
  int generation = 0;
  std::string skill;
  std::string rationale;
  std::string source_hash;
  double propose_seconds = 0;
  // Not in records of 0.1; left out of the JSON while they have these values.
  std::optional<ModelUse> use;
  bool refused = false;         // not evaluated: its outcome comes from the proposer
  std::string normalized_hash;  // SHA-256 of the normalised source; empty: not recorded
  // Keys the store's sources: what the novelty learnt from a server for this step; empty: nothing.
  std::string novelty_record;
};
struct CandidateEvaluated {
  CandidateId id = kNoCandidate;
  Evaluation evaluation;
};
// The kernel all speed-ups are relative to from here on: the seed with the best flags found.
struct BaselineChosen {
  CandidateId id = kNoCandidate;
};
struct RunStopped {
  std::string reason;  // "steps", "minutes", "until", "interrupted", "exhausted", "budget",
                       // "error: ..."
};
struct RunResumed {
  std::string version;
};

struct Event {
  int64_t sequence = 0;  // 1, 2, 3, ... set by the store
  int64_t unix_ms = 0;   // informative
  double elapsed_s = 0;  // run time so far, pauses between resumes left out
  std::variant<RunStarted, CandidateProposed, CandidateEvaluated, BaselineChosen, RunStopped,
               RunResumed>
      body;
};

// "run_started", "candidate_proposed", ...: the stable name used in JSON and the store.
const char* EventKindName(const Event& event);
// The JSON form, version 1: docs/store_format.md.
std::string EventToJson(const Event& event);
// ERRORS: kDataLoss with the field that does not fit.
Result<Event> EventFromJson(const std::string& json);
// What happened, without its number and time, in binary: docs/store_format.md.
std::string EventBodyToBinary(const Event& event);
// Sets event.body. ERRORS: kDataLoss; the body is then anything.
Status EventBodyFromBinary(std::string_view bytes, Event& event);
std::string EvaluationToJson(const Evaluation& evaluation);
Result<Evaluation> EvaluationFromJson(const std::string& json);
std::string MachineToJson(const Machine& machine);
Result<Machine> MachineFromJson(const std::string& json);

}  // namespace ks

#endif  // KS_CORE_EVENT_H_
