// The files of prompts/, compiled in (embed_prompts.cmake writes the table).
#ifndef KS_PROPOSE_LLM_EMBEDDED_PROMPTS_H_
#define KS_PROPOSE_LLM_EMBEDDED_PROMPTS_H_

#include <span>
#include <string_view>

namespace ks {

struct EmbeddedPrompt {
  std::string_view name;  // "role": the file's name without ".md"
  std::string_view text;
};
std::span<const EmbeddedPrompt> EmbeddedPrompts();

}  // namespace ks

#endif  // KS_PROPOSE_LLM_EMBEDDED_PROMPTS_H_
