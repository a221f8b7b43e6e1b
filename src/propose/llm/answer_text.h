// Reads what a model wrote: the program or the edits in it, and one sentence on why.
#ifndef KS_PROPOSE_LLM_ANSWER_TEXT_H_
#define KS_PROPOSE_LLM_ANSWER_TEXT_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "propose/llm/chat.h"
#include "propose/llm/edit.h"

namespace ks {

// ```info
// text
// ```
struct CodeFence {
  std::string info;  // the first word after the opening fence, lower case
  std::string text;
  bool closed = true;
  bool operator==(const CodeFence&) const = default;
};

// Fences of three or more ` or ~, closed by a line of at least as many of the same.
std::vector<CodeFence> FindFences(std::string_view text);

// Without what models say to themselves: <think>, <thinking>, <reasoning>, <thought> and what is
// inside; all before a closing tag that has no opening one; all after an opening one without end.
std::string WithoutReasoning(std::string_view text);

// What decides whether a fence is the program.
struct AnswerRules {
  std::string backend;       // "cpu", "cuda", ...
  std::string must_contain;  // a program has this word (the entry's name); empty: none needed
};

// The name of the backend's language in prompts: "C++", "CUDA C++", "OpenCL C", "Triton (Python)".
std::string LanguageName(std::string_view backend);
// And after an opening fence: "cpp", "cuda", "c", "python".
std::string FenceName(std::string_view backend);

inline constexpr char kNoCode[] = "answer_without_code";
inline constexpr char kWrongLanguage[] = "answer_in_wrong_language";
inline constexpr char kCutOff[] = "answer_cut_off";
inline constexpr char kTooLargeAnswer[] = "answer_too_large";
inline constexpr char kNotText[] = "answer_not_text";

// The program in an answer: of the fences in the backend's language, or in none, those with the
// word that a program must contain or with evolve markers count; the last of these wins. An answer
// that is nothing but a program needs no fence.
std::variant<std::string, EditFailure> ProgramIn(const ChatAnswer& answer,
                                                 const AnswerRules& rules);
// The edits in an answer. ERRORS as data: kNoCode when there are none.
std::variant<std::vector<SearchReplace>, EditFailure> EditsIn(const ChatAnswer& answer);

// The line that begins with "Rationale:", or the first sentence outside the fences; one line of
// printable text, at most 300 bytes; may be empty.
std::string RationaleIn(const ChatAnswer& answer);

// The first JSON object or array in a text that parses, in a fence or not; empty when there is
// none.
std::string JsonIn(const ChatAnswer& answer);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_ANSWER_TEXT_H_
