// Prompt templates: text with {{fields}}, from files that one can edit.
//
//   {{name}}                      the field's value
//   {{#name}} ... {{/name}}       kept when the field is not empty; may be nested
//
// A line that holds nothing but a section's mark disappears with its end of line.
#ifndef KS_PROPOSE_LLM_TEMPLATE_H_
#define KS_PROPOSE_LLM_TEMPLATE_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace ks {

using TemplateFields = std::map<std::string, std::string>;

// Immutable.
class PromptTemplate {
 public:
  // `path` is for messages. ERRORS: kInvalidArgument "path:line: what": a field that is not one of
  // `known` (with the nearest known one), marks that do not match.
  static Result<PromptTemplate> Parse(std::string_view text, const std::string& path,
                                      const std::set<std::string>& known);
  // Values are put in as they are: marks inside them mean nothing.
  std::string Fill(const TemplateFields& fields) const;

 private:
  struct Piece {
    enum class Kind { kText, kField, kBegin, kEnd };
    Kind kind;
    std::string text;  // or the field's name
    size_t end = 0;    // kBegin: index of its kEnd
  };
  std::vector<Piece> pieces_;
};

// All templates of a run, by name ("role", "improve", ...: docs/llm.md). Immutable.
class PromptTemplates {
 public:
  // The embedded ones, those of `folder` (empty: none) in their place. ERRORS: kNotFound (the
  // folder), kInvalidArgument (as PromptTemplate::Parse; a file of the folder that is none of the
  // templates).
  static Result<PromptTemplates> Load(const FileSystem& files, const std::string& folder);
  // REQUIRES: a known name; all that the fields hold is known to the template's kind.
  std::string Fill(const std::string& name, const TemplateFields& fields) const;
  bool Has(const std::string& name) const { return templates_.count(name) > 0; }

 private:
  std::map<std::string, PromptTemplate> templates_;
};

// The fields that every template may use.
const std::set<std::string>& PromptFieldNames();

}  // namespace ks

#endif  // KS_PROPOSE_LLM_TEMPLATE_H_
