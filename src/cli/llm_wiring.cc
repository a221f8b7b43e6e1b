#include "cli/llm_wiring.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "archive/embedding_novelty.h"
#include "archive/novelty.h"
#include "base/text.h"
#include "cli/run_reader.h"
#include "net/http.h"
#include "propose/llm/http_chat_model.h"
#include "propose/llm/http_embedder.h"
#include "propose/llm/llm_proposer.h"
#include "propose/llm/replay_proposer.h"
#include "propose/llm/scientist.h"
#include "propose/skills/registry.h"

namespace ks {
namespace {

constexpr size_t kMaxKeyBytes = 4096;

std::string FirstOf(const Environment& environment, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return "";
}

// Models with the budget that they share; the models go first.
struct PaidModels {
  PaidModels(const Spending& limit, const Spending& spent) : budget(limit, spent) {}
  Budget budget;
  std::unique_ptr<const ModelPool> pool;
};

Result<std::shared_ptr<const ModelPool>> RealModels(const LlmConfig& llm, const Spending& spent) {
  const PosixFileSystem files;
  auto paid = std::make_shared<PaidModels>(
      Spending{llm.budget_usd, llm.budget_tokens, llm.budget_calls}, spent);
  std::vector<std::unique_ptr<ChatModel>> models;
  for (const ModelConfig& model : llm.models) {
    ChatAccess access;
    KS_ASSIGN_OR_RETURN(access.key, ReadModelKey(model, files, ProcessEnvironment));
    access.proxy = ProxyFor(model.url, ProcessEnvironment);
    access.ca_file = llm.ca_file;
    KS_ASSIGN_OR_RETURN(std::unique_ptr<ChatModel> made,
                        NewHttpChatModel(model, llm, access, paid->budget));
    models.push_back(std::move(made));
  }
  paid->pool = std::make_unique<const ModelPool>(std::move(models), llm.models, llm.cost_exponent);
  const ModelPool* pool = paid->pool.get();
  return std::shared_ptr<const ModelPool>(std::move(paid), pool);
}

// The exchanges of a record, by step.
Result<ReplayChatModel::Record> ExchangesIn(const std::vector<Event>& events, const Store& store) {
  ReplayChatModel::Record record;
  for (const Event& event : events) {
    const auto* proposed = std::get_if<CandidateProposed>(&event.body);
    if (proposed == nullptr || !proposed->use || proposed->use->exchange.empty()) continue;
    KS_ASSIGN_OR_RETURN(const std::string json, store.GetSource(proposed->use->exchange));
    Result<Exchange> exchange = ExchangeFromJson(json);
    if (!exchange.ok()) return exchange.error().Under(CandidateName(proposed->id));
    record[proposed->step] = *std::move(exchange);
  }
  return record;
}

Result<LlmParts> PartsFor(const LlmConfig& llm, const LlmSetup& setup,
                          std::shared_ptr<const ModelPool> models) {
  const PosixFileSystem files;
  LlmParts parts;
  parts.config = llm;
  parts.models = std::move(models);
  Result<PromptTemplates> templates = PromptTemplates::Load(files, llm.templates);
  if (!templates.ok()) return templates.error();
  parts.prompts = std::make_shared<const PromptWriter>(
      std::make_shared<const PromptTemplates>(*std::move(templates)), llm.max_prompt_tokens);
  parts.skills = NotesOfSkills(AllSkills(), AllDeviceSkills());
  if (setup.store != nullptr) {
    parts.sink = [store = setup.store](const std::string& json) { return store->PutSource(json); };
  }
  return parts;
}

std::unique_ptr<Proposer> ProposerNamed(const std::string& name, LlmParts parts,
                                        std::function<bool(int64_t)> begins_round) {
  if (name == "scientist") {
    return std::make_unique<ScientistProposer>(std::move(parts), std::move(begins_round));
  }
  const auto kind = name == "best_of_n" ? LlmParts::Kind::kBestOfN : LlmParts::Kind::kLlm;
  return std::make_unique<LlmProposer>(std::move(parts), kind);
}

Result<std::unique_ptr<Proposer>> ReplayOf(const LlmConfig& llm, const LlmSetup& setup) {
  if (llm.answers.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "the proposer 'replay' needs the run whose answers it plays: --answers RUN"};
  }
  KS_ASSIGN_OR_RETURN(const RecordedRun run, ReadRun(llm.answers));
  KS_ASSIGN_OR_RETURN(ReplayChatModel::Record exchanges, ExchangesIn(run.events, *run.store));
  if (exchanges.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' has no answers of models: its proposer is '{}'", llm.answers,
                             run.config.proposer)};
  }
  auto record = std::make_shared<const ReplayChatModel::Record>(std::move(exchanges));
  const LlmConfig& recorded = run.config.llm;
  std::vector<std::unique_ptr<ChatModel>> models;
  for (const ModelConfig& model : recorded.models) {
    models.push_back(std::make_unique<ReplayChatModel>(model.name, record, false));
  }
  if (models.empty()) return Error{ErrorCode::kDataLoss, llm.answers + ": it names no model"};
  KS_ASSIGN_OR_RETURN(LlmParts parts,
                      PartsFor(recorded, setup,
                               std::make_shared<const ModelPool>(std::move(models), recorded.models,
                                                                 recorded.cost_exponent)));
  const auto begins_round = [record](int64_t step) {
    const auto found = record->find(step);
    return found != record->end() && !found->second.calls.empty() &&
           (found->second.calls.front().purpose == "select" ||
            found->second.calls.front().purpose == "design");
  };
  return std::unique_ptr<Proposer>(std::make_unique<ReplayProposer>(
      ProposerNamed(record->begin()->second.proposer, std::move(parts), begins_round), record));
}

}  // namespace

Result<std::unique_ptr<Novelty>> MakeNovelty(const RunConfig& config, const NoveltySetup& setup) {
  const NoveltyConfig& wanted = config.novelty;
  std::unique_ptr<Novelty> shingles;
  if (wanted.threshold > 0) shingles = std::make_unique<NoveltyIndex>(wanted.threshold);
  if (wanted.embedding_url.empty()) return shingles;
  std::unique_ptr<Embedder> embedder;
  if (setup.asks) {
    ModelConfig model;
    model.name = wanted.embedding_model;
    model.key_env = wanted.embedding_key_env;
    model.key_file = wanted.embedding_key_file;
    ChatAccess access;
    KS_ASSIGN_OR_RETURN(access.key, ReadModelKey(model, PosixFileSystem(), ProcessEnvironment));
    access.proxy = ProxyFor(wanted.embedding_url, ProcessEnvironment);
    access.ca_file = config.llm.ca_file;
    KS_ASSIGN_OR_RETURN(embedder, NewHttpEmbedder(wanted, access, setup.warn, setup.stop));
  }
  auto novelty = std::make_unique<EmbeddingNovelty>(std::move(embedder), wanted.embedding_threshold,
                                                    std::move(shingles));
  for (const Event& event : setup.record) {
    const auto* proposed = std::get_if<CandidateProposed>(&event.body);
    if (proposed == nullptr || proposed->novelty_record.empty()) continue;
    KS_ASSIGN_OR_RETURN(const std::string record, setup.store->GetSource(proposed->novelty_record));
    const Status taken = novelty->TakeOver(record);
    if (!taken.ok()) return taken.error().Under(CandidateName(proposed->id));
  }
  return std::unique_ptr<Novelty>(std::move(novelty));
}

const std::vector<std::string>& LlmProposerNames() {
  static const std::vector<std::string> kNames = {"llm", "scientist", "best_of_n", "replay"};
  return kNames;
}

bool IsLlmProposer(const std::string& name) {
  const std::vector<std::string>& names = LlmProposerNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::string> ReadModelKey(const ModelConfig& model, const FileSystem& files,
                                 const Environment& environment) {
  std::string key;
  std::string place;
  if (!model.key_env.empty()) {
    place = "the environment variable " + model.key_env;
    key = Trim(environment(model.key_env));
    if (key.empty()) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("model '{}': {} is not set; it must hold the key", model.name, place)};
    }
  } else if (!model.key_file.empty()) {
    place = model.key_file;
    const Result<std::string> text = files.Read(model.key_file, kMaxKeyBytes);
    if (!text.ok()) return text.error().Under(fmt::format("the key of model '{}'", model.name));
    key = Trim(*text);
  } else {
    return key;
  }
  if (key.empty() || std::any_of(key.begin(), key.end(), [](char c) {
        return c <= ' ' || static_cast<unsigned char>(c) >= 0x7F;
      })) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("model '{}': {} holds no key (one word of printable ASCII characters)",
                             model.name, place)};
  }
  return key;
}

std::string ProxyFor(const std::string& url, const Environment& environment) {
  const Result<HttpUrl> parsed = ParseUrl(url);
  if (!parsed.ok()) return "";
  if (BypassesProxy(FirstOf(environment, {"no_proxy", "NO_PROXY"}), parsed->host)) return "";
  return parsed->tls
             ? FirstOf(environment, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
             : FirstOf(environment, {"http_proxy", "all_proxy", "ALL_PROXY"});
}

Result<Spending> SpentIn(const std::vector<Event>& record, const Store& store) {
  Spending spent;
  for (const Event& event : record) {
    const auto* proposed = std::get_if<CandidateProposed>(&event.body);
    if (proposed == nullptr || !proposed->use) continue;
    spent.usd += proposed->use->cost_usd;
    spent.tokens += proposed->use->prompt_tokens + proposed->use->answer_tokens;
  }
  KS_ASSIGN_OR_RETURN(const ReplayChatModel::Record exchanges, ExchangesIn(record, store));
  for (const auto& [step, exchange] : exchanges) {
    static_cast<void>(step);
    for (const ExchangeCall& call : exchange.calls) spent.calls += std::max(1, call.answer.tries);
  }
  return spent;
}

Result<std::unique_ptr<Proposer>> MakeLlmProposer(const RunConfig& config, const LlmSetup& setup) {
  const LlmConfig& llm = config.llm;
  if (config.proposer == "replay") return ReplayOf(llm, setup);
  if (llm.models.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the proposer '{}' needs a model: --server URL --model NAME, or "
                             "[[model]] in the configuration (docs/llm.md)",
                             config.proposer)};
  }
  Spending spent;
  if (setup.store != nullptr) {
    KS_ASSIGN_OR_RETURN(spent, SpentIn(setup.record, *setup.store));
  }
  KS_ASSIGN_OR_RETURN(std::shared_ptr<const ModelPool> models, RealModels(llm, spent));
  KS_ASSIGN_OR_RETURN(LlmParts parts, PartsFor(llm, setup, std::move(models)));
  const int64_t first = setup.first_step;
  return ProposerNamed(config.proposer, std::move(parts), [first](int64_t step) {
    return step >= first && (step - first) % kExperimentsPerRound == 0;
  });
}

}  // namespace ks
