#include "core/config_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace ks {
namespace {

constexpr double kRounding = 1e-9;

}  // namespace

std::optional<ConfigFault> FindContradiction(const RunConfig& config) {
  const SearchConfig& search = config.search;
  const EvaluationConfig& evaluation = config.evaluation;
  const double shares = search.elite_probability + search.uniform_probability;
  if (search.policy == "mix" && shares > 1 + kRounding) {
    return ConfigFault{
        {{"search", "elite_probability"}, {"search", "uniform_probability"}},
        fmt::format("elite_probability ({}) and uniform_probability ({}) add up to {}, must be at "
                    "most 1",
                    search.elite_probability, search.uniform_probability, shares)};
  }
  if (search.restart_after > 0 && search.restart_from == "island" && search.islands < 2) {
    return ConfigFault{{{"search", "restart_from"}, {"search", "islands"}},
                       "restart_from = \"island\" takes the best of another island, but islands "
                       "is 1"};
  }
  if (evaluation.min_pairs > evaluation.max_pairs) {
    return ConfigFault{{{"evaluation", "min_pairs"}, {"evaluation", "max_pairs"}},
                       fmt::format("min_pairs ({}) is above max_pairs ({})", evaluation.min_pairs,
                                   evaluation.max_pairs)};
  }
  const NoveltyConfig& novelty = config.novelty;
  if (novelty.embedding_url.empty() != novelty.embedding_model.empty()) {
    return ConfigFault{{{"novelty", "embedding_url"}, {"novelty", "embedding_model"}},
                       "embedding_url and embedding_model go together"};
  }
  if (!novelty.embedding_key_env.empty() && !novelty.embedding_key_file.empty()) {
    return ConfigFault{{{"novelty", "embedding_key_env"}, {"novelty", "embedding_key_file"}},
                       "the key comes from embedding_key_env or from embedding_key_file"};
  }
  const LlmConfig& llm = config.llm;
  const std::pair<const char*, const std::string&> roles[] = {
      {"selector", llm.selector}, {"designer", llm.designer}, {"writer", llm.writer}};
  for (const auto& [role, name] : roles) {
    const bool known =
        name.empty() || llm.models.empty() ||
        std::any_of(llm.models.begin(), llm.models.end(),
                    [&wanted = name](const ModelConfig& m) { return m.name == wanted; });
    if (!known) {
      return ConfigFault{{{"llm", role}},
                         fmt::format("'{}' is '{}', which is no [[model]]", role, name)};
    }
  }
  return std::nullopt;
}

std::string IdleReason(const RunConfig& config, std::string_view table, std::string_view name) {
  const std::string field = fmt::format("{}.{}", table, name);
  const auto needs = [&](bool met, std::string_view what, const std::string& now) {
    return met ? "" : fmt::format("'{}' does nothing without {} (it is {})", name, what, now);
  };
  const auto quoted = [](const std::string& text) { return fmt::format("\"{}\"", text); };
  const std::string& policy = config.search.policy;
  const std::string& kind = config.archive.kind;
  if (field == "archive.cvt_cells") return needs(kind == "cvt", "kind = \"cvt\"", quoted(kind));
  if (field == "archive.population") return needs(kind == "flat", "kind = \"flat\"", quoted(kind));
  if (field == "novelty.embedding_threshold" || field == "novelty.embedding_key_env" ||
      field == "novelty.embedding_key_file" || field == "novelty.embedding_timeout_s") {
    return needs(!config.novelty.embedding_url.empty(), "embedding_url", "empty");
  }
  if (field == "search.elite_probability" || field == "search.uniform_probability") {
    return needs(policy == "mix", "policy = \"mix\"", quoted(policy));
  }
  if (field == "search.power_alpha") {
    return needs(policy == "power_law", "policy = \"power_law\"", quoted(policy));
  }
  if (field == "search.exploration") {
    return needs(policy == "uct" || policy == "puct", "policy = \"uct\" or \"puct\"",
                 quoted(policy));
  }
  if (field == "search.restart_from") {
    return needs(config.search.restart_after > 0, "restart_after above 0",
                 std::to_string(config.search.restart_after));
  }
  return "";
}

bool IsChoice(std::string_view choices, std::string_view value) {
  const std::vector<std::string_view> known = Split(choices, '|');
  return choices.empty() || std::find(known.begin(), known.end(), value) != known.end();
}

}  // namespace ks
