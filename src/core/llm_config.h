// The part of a run's protocol that is about language models. Recorded with the run: it holds where
// a key is found, never a key.
#ifndef KS_CORE_LLM_CONFIG_H_
#define KS_CORE_LLM_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ks {

// One model behind an OpenAI-compatible server. TOML: [[model]].
struct ModelConfig {
  std::string name;         // as the server knows it
  std::string url;          // "https://host/v1"
  std::string key_env;      // environment variable that holds the key; empty: none
  std::string key_file;     // or the file that does
  double price_in = 0;      // USD for a million prompt tokens
  double price_out = 0;     // USD for a million answer tokens, reasoning included
  double temperature = -1;  // below 0: that of [llm]
  double top_p = -1;        // below 0: that of [llm]
  int64_t max_tokens = 0;   // of an answer; 0: [llm] max_answer_tokens
  std::string extra;        // a JSON object whose fields are added to every request; or empty
  double weight = 1;        // how much it is liked from the start
  bool operator==(const ModelConfig&) const = default;
};

// TOML: [llm].
struct LlmConfig {
  double temperature = 0.6;
  double top_p = 0.95;
  int max_prompt_tokens = 32768;
  int max_answer_tokens = 32768;
  std::string edit = "rewrite";  // or "diff": SEARCH/REPLACE blocks
  std::string templates;         // folder of prompt templates in place of the embedded ones
  int repair_steps = 2;          // fix-it steps that one failed candidate gets
  double cost_exponent = 0.5;    // how much a model's price counts when one is drawn: 0 not at all
  std::string answers;           // run folder whose recorded answers are played: proposer "replay"
  std::string ca_file;           // certificates to trust beside the system's
  std::string selector;          // models of the scientist's roles; empty: drawn like any
  std::string designer;
  std::string writer;
  // How a server is spoken to.
  int retries = 6;              // after the first try of a request
  double retry_wait_s = 1;      // before the first of them; doubles each time
  double longest_wait_s = 120;  // and the longest that a server may ask for
  double connect_timeout_s = 10;
  double first_byte_timeout_s = 300;
  double idle_timeout_s = 60;      // between two pieces of an answer
  double answer_timeout_s = 1800;  // a whole answer
  // Limits of a run. 0: none.
  double budget_usd = 0;
  int64_t budget_tokens = 0;
  int64_t budget_calls = 0;
  std::vector<ModelConfig> models;
};

// As VisitConfigFields (core/config_fields.h), for the fields of [llm].
template <typename Field, typename Llm, typename Visit>
void VisitLlmFields(Llm& llm, Visit visit) {
  visit(Field{"llm", "temperature", 0, 2}, llm.temperature);
  visit(Field{"llm", "top_p", 0.001, 1}, llm.top_p);
  visit(Field{"llm", "max_prompt_tokens", 256, 1e7}, llm.max_prompt_tokens);
  visit(Field{"llm", "max_answer_tokens", 16, 1e7}, llm.max_answer_tokens);
  visit(Field{.table = "llm", .name = "edit", .choices = "rewrite|diff"}, llm.edit);
  visit(Field{"llm", "templates"}, llm.templates);
  visit(Field{"llm", "repair_steps", 0, 100}, llm.repair_steps);
  visit(Field{"llm", "cost_exponent", 0, 4}, llm.cost_exponent);
  visit(Field{"llm", "answers"}, llm.answers);
  visit(Field{"llm", "ca_file", 0, 0, true}, llm.ca_file);
  visit(Field{"llm", "selector"}, llm.selector);
  visit(Field{"llm", "designer"}, llm.designer);
  visit(Field{"llm", "writer"}, llm.writer);
  visit(Field{"llm", "retries", 0, 100, true}, llm.retries);
  visit(Field{"llm", "retry_wait_s", 0, 3600, true}, llm.retry_wait_s);
  visit(Field{"llm", "longest_wait_s", 0, 86400, true}, llm.longest_wait_s);
  visit(Field{"llm", "connect_timeout_s", 0.01, 3600, true}, llm.connect_timeout_s);
  visit(Field{"llm", "first_byte_timeout_s", 0.01, 86400, true}, llm.first_byte_timeout_s);
  visit(Field{"llm", "idle_timeout_s", 0.01, 86400, true}, llm.idle_timeout_s);
  visit(Field{"llm", "answer_timeout_s", 0.01, 86400, true}, llm.answer_timeout_s);
  visit(Field{"llm", "budget_usd", 0, 1e9, true}, llm.budget_usd);
  visit(Field{"llm", "budget_tokens", 0, 1e15, true}, llm.budget_tokens);
  visit(Field{"llm", "budget_calls", 0, 1e12, true}, llm.budget_calls);
}

// The same for one [[model]]; `extra` is left to the caller: a table in TOML, an object in JSON.
template <typename Field, typename Model, typename Visit>
void VisitModelFields(Model& model, Visit visit) {
  visit(Field{"model", "name"}, model.name);
  visit(Field{"model", "url", 0, 0, true}, model.url);
  visit(Field{"model", "key_env", 0, 0, true}, model.key_env);
  visit(Field{"model", "key_file", 0, 0, true}, model.key_file);
  visit(Field{"model", "price_in", 0, 1e6}, model.price_in);
  visit(Field{"model", "price_out", 0, 1e6}, model.price_out);
  visit(Field{"model", "temperature", 0, 2}, model.temperature);
  visit(Field{"model", "top_p", 0, 1}, model.top_p);
  visit(Field{"model", "max_tokens", 0, 1e7}, model.max_tokens);
  visit(Field{"model", "weight", 1e-6, 1e6}, model.weight);
}

}  // namespace ks

#endif  // KS_CORE_LLM_CONFIG_H_
