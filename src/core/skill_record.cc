#include "core/skill_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.h"

namespace ks {

void CountUse(const Outcome& outcome, SkillRecord& record) {
  ++record.tried;
  const Measured* const measured = AsMeasured(outcome);
  if (measured == nullptr) return;
  ++record.measured;
  if (!measured->gain_significant || !(measured->gain.mid > 0)) return;
  ++record.held;
  record.log_gain += std::log(measured->gain.mid);
}

void AddRecords(const SkillRecords& more, SkillRecords& records) {
  for (const auto& [name, one] : more) {
    SkillRecord& record = records[name];
    record.tried += one.tried;
    record.measured += one.measured;
    record.held += one.held;
    record.log_gain += one.log_gain;
    record.paid += one.paid;
    record.cost_usd += one.cost_usd;
    record.prompt_tokens += one.prompt_tokens;
    record.answer_tokens += one.answer_tokens;
  }
}

SkillRecords AsPrior(const SkillRecords& records, int most_tries) {
  SkillRecords prior;
  for (const auto& [name, record] : records) {
    if (record.tried <= 0) continue;
    const double share = std::min(1.0, static_cast<double>(most_tries) / record.tried);
    const auto scaled = [share](int count) { return static_cast<int>(std::lround(share * count)); };
    SkillRecord& one = prior[name];
    one.tried = scaled(record.tried);
    one.measured = scaled(record.measured);
    one.held = scaled(record.held);
    if (record.held > 0) one.log_gain = record.log_gain / record.held * one.held;
  }
  return prior;
}

std::string SkillRecordsToText(const SkillRecords& records) {
  std::string out;
  for (const auto& [name, record] : records) {
    out += fmt::format("{} {} {} {:a} {}\n", record.tried, record.measured, record.held,
                       record.log_gain, name);
  }
  return out;
}

Result<SkillRecords> SkillRecordsFromText(std::string_view text) {
  SkillRecords records;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string_view> words = SplitWords(line);
    const Error broken{ErrorCode::kDataLoss,
                       fmt::format("'{}' is no record of a skill", Shorten(line, 80))};
    if (words.size() < 5) return broken;
    int counts[3] = {};
    for (size_t i = 0; i < 3; ++i) {
      const std::optional<int64_t> count = ParseInt(words[i]);
      if (!count || *count < 0 || *count > 1'000'000'000) return broken;
      counts[i] = static_cast<int>(*count);
    }
    const std::string number(words[3]);
    char* end = nullptr;
    const double log_gain = std::strtod(number.c_str(), &end);
    if (*end != '\0' || !std::isfinite(log_gain)) return broken;
    if (counts[1] > counts[0] || counts[2] > counts[1]) return broken;
    SkillRecord& record =
        records[std::string(line.substr(static_cast<size_t>(words[4].data() - line.data())))];
    record.tried = counts[0];
    record.measured = counts[1];
    record.held = counts[2];
    record.log_gain = log_gain;
  }
  return records;
}

}  // namespace ks
