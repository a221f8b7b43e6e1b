// Proposers with language models: their configuration, keys and proxy to a port.
#ifndef KS_CLI_LLM_WIRING_H_
#define KS_CLI_LLM_WIRING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/environment.h"
#include "core/config.h"
#include "core/event.h"
#include "core/novelty.h"
#include "core/proposer.h"
#include "core/store.h"
#include "propose/llm/budget.h"

namespace ks {

// "llm", "scientist", "best_of_n", "replay".
bool IsLlmProposer(const std::string& name);
const std::vector<std::string>& LlmProposerNames();

// The key that a model's configuration names. ERRORS: kInvalidArgument (the variable is not set,
// the file holds no key), kNotFound (the file); none repeats the key.
Result<std::string> ReadModelKey(const ModelConfig& model, const FileSystem& files,
                                 const Environment& environment);
// HTTPS_PROXY (https addresses), http_proxy (http), ALL_PROXY, in either case, unless NO_PROXY
// names the host; empty: none. As curl does, HTTP_PROXY in capitals does not count.
std::string ProxyFor(const std::string& url, const Environment& environment);

// What a run has spent on models so far. ERRORS: those of the store.
Result<Spending> SpentIn(const std::vector<Event>& record, const Store& store);

struct LlmSetup {
  Store* store = nullptr;     // where exchanges are recorded; null: nowhere
  std::vector<Event> record;  // of a resumed run
  int64_t first_step = 0;     // that will be proposed
};
// `config.proposer` is one of LlmProposerNames(). `setup.store` outlives it. ERRORS:
// kInvalidArgument (no model, templates, keys, addresses), those of reading keys, templates and the
// run whose answers are replayed.
Result<std::unique_ptr<Proposer>> MakeLlmProposer(const RunConfig& config, const LlmSetup& setup);

struct NoveltySetup {
  const Store* store = nullptr;   // of the run that goes on or is replayed; null: a new one
  std::span<const Event> record;  // its events
  bool asks = true;               // whether a server of embeddings is asked; else the record alone
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  std::stop_token stop;
};
// Null when the configuration asks for none. ERRORS: kInvalidArgument (keys, addresses), those of
// reading the key and the record.
Result<std::unique_ptr<Novelty>> MakeNovelty(const RunConfig& config, const NoveltySetup& setup);

}  // namespace ks

#endif  // KS_CLI_LLM_WIRING_H_
