#include "propose/llm/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "propose/llm/embedded_prompts.h"

namespace ks {
namespace {

constexpr size_t kMaxTemplateBytes = 1u << 20;
constexpr std::string_view kEnding = ".md";

Error At(const std::string& path, std::string_view text, size_t offset, const std::string& what) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  return {ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", path, line, what)};
}

// The mark [begin, end) of `text` widened to its whole line when it is alone there.
std::pair<size_t, size_t> WholeLine(std::string_view text, size_t begin, size_t end) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  size_t left = begin, right = end;
  while (left > 0 && blank(text[left - 1])) --left;
  while (right < text.size() && blank(text[right])) ++right;
  const bool alone =
      (left == 0 || text[left - 1] == '\n') && (right == text.size() || text[right] == '\n');
  if (!alone) return {begin, end};
  return {left, std::min(right + 1, text.size())};
}

}  // namespace

Result<PromptTemplate> PromptTemplate::Parse(std::string_view text, const std::string& path,
                                             const std::set<std::string>& known) {
  PromptTemplate parsed;
  std::vector<std::pair<size_t, size_t>> open;  // piece, offset
  size_t done = 0;
  const auto add_text = [&](size_t end) {
    if (end > done) {
      parsed.pieces_.push_back({Piece::Kind::kText, std::string(text.substr(done, end - done))});
    }
  };
  for (size_t at = text.find("{{"); at != text.npos; at = text.find("{{", done)) {
    const size_t close = text.find("}}", at);
    if (close == text.npos) return At(path, text, at, "'{{' without '}}'");
    std::string_view name = Trim(text.substr(at + 2, close - at - 2));
    const char mark = name.empty() ? ' ' : name.front();
    const bool section = mark == '#' || mark == '/';
    if (section) name = Trim(name.substr(1));
    const std::string field(name);
    if (known.count(field) == 0) {
      const std::string near = NearestName(field, {known.begin(), known.end()});
      return At(path, text, at,
                fmt::format("unknown field '{}'{}", Shorten(field, 60),
                            near.empty() ? "; docs/llm.md lists the fields"
                                         : fmt::format(" (did you mean '{}'?)", near)));
    }
    size_t begin = at, end = close + 2;
    if (section) std::tie(begin, end) = WholeLine(text, begin, end);
    add_text(std::max(begin, done));
    done = end;
    if (mark == '#') {
      open.emplace_back(parsed.pieces_.size(), at);
      parsed.pieces_.push_back({Piece::Kind::kBegin, field});
    } else if (mark == '/') {
      if (open.empty() || parsed.pieces_[open.back().first].text != field) {
        return At(path, text, at, fmt::format("'{{{{/{0}}}}}' ends no open '{{{{#{0}}}}}'", field));
      }
      parsed.pieces_[open.back().first].end = parsed.pieces_.size();
      open.pop_back();
      parsed.pieces_.push_back({Piece::Kind::kEnd, field});
    } else {
      parsed.pieces_.push_back({Piece::Kind::kField, field});
    }
  }
  if (!open.empty()) {
    return At(path, text, open.back().second,
              fmt::format("'{{{{#{}}}}}' has no end", parsed.pieces_[open.back().first].text));
  }
  add_text(text.size());
  return parsed;
}

std::string PromptTemplate::Fill(const TemplateFields& fields) const {
  const auto value = [&](const std::string& name) {
    const auto it = fields.find(name);
    return it == fields.end() ? std::string_view() : std::string_view(it->second);
  };
  std::string out;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.kind == Piece::Kind::kText) out += piece.text;
    if (piece.kind == Piece::Kind::kField) out += value(piece.text);
    if (piece.kind == Piece::Kind::kBegin && value(piece.text).empty()) i = piece.end;
  }
  return out;
}

Result<PromptTemplates> PromptTemplates::Load(const FileSystem& files, const std::string& folder) {
  PromptTemplates all;
  std::vector<std::string> names;
  for (const EmbeddedPrompt& prompt : EmbeddedPrompts()) {
    const std::string name(prompt.name);
    KS_ASSIGN_OR_RETURN(
        PromptTemplate parsed,
        PromptTemplate::Parse(prompt.text, "prompts/" + name + ".md", PromptFieldNames()));
    all.templates_.emplace(name, std::move(parsed));
    names.push_back(name + std::string(kEnding));
  }
  if (folder.empty()) return all;
  const Result<std::vector<std::string>> found = files.List(folder);
  if (!found.ok()) return found.error().Under("[llm] templates");
  for (const std::string& file : *found) {
    if (file.size() <= kEnding.size() ||
        file.compare(file.size() - kEnding.size(), kEnding.size(), kEnding) != 0) {
      continue;
    }
    const std::string path = folder + "/" + file;
    const std::string name = file.substr(0, file.size() - kEnding.size());
    if (all.templates_.count(name) == 0) {
      const std::string near = NearestName(file, names);
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: there is no template of this name{}", path,
                               near.empty() ? "; known: " + Join(names, ", ")
                                            : fmt::format(" (did you mean '{}'?)", near))};
    }
    KS_ASSIGN_OR_RETURN(const std::string text, files.Read(path, kMaxTemplateBytes));
    KS_ASSIGN_OR_RETURN(PromptTemplate parsed,
                        PromptTemplate::Parse(text, path, PromptFieldNames()));
    all.templates_.insert_or_assign(name, std::move(parsed));
  }
  return all;
}

std::string PromptTemplates::Fill(const std::string& name, const TemplateFields& fields) const {
  const auto it = templates_.find(name);
  KS_CHECK(it != templates_.end());
  return it->second.Fill(fields);
}

const std::set<std::string>& PromptFieldNames() {
  static const std::set<std::string> kNames = {
      "answer_format", "backend",  "backend_tips", "bottleneck", "bottleneck_tips",
      "constraints",   "current",  "diverse",      "entry",      "experiment",
      "failures",      "feedback", "history",      "kernels",    "language",
      "machine",       "problem",  "reason",       "reference",  "rivals",
      "role",          "skills",   "task",         "top"};
  return kNames;
}

}  // namespace ks
