#include "task/toml_tree.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>

#include "base/text.h"

namespace ks {
namespace {

TomlPosition PositionIn(const toml::source_region& region) {
  return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

// Copies `node`; false for a kind of value that is not supported.
bool Copy(const toml::node& node, TomlValue* to) {
  to->position = PositionIn(node.source());
  if (const auto* text = node.as_string()) {
    to->value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    to->value = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    to->value = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    to->value = flag->get();
  } else if (const auto* array = node.as_array()) {
    TomlArray copied(array->size());
    for (size_t i = 0; i < array->size(); ++i) {
      if (!Copy(*array->get(i), &copied[i])) {
        to->position = copied[i].position;
        return false;
      }
    }
    to->value = std::move(copied);
  } else if (const auto* table = node.as_table()) {
    TomlTable copied;
    for (const auto& [key, child] : *table) {
      if (!Copy(child, &copied[std::string(key.str())])) {
        to->position = copied[std::string(key.str())].position;
        return false;
      }
    }
    to->value = std::move(copied);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string FormatPosition(const std::string& file, TomlPosition position) {
  return fmt::format("{}:{}:{}", file, position.line, position.column);
}

Result<TomlTable> ParseToml(std::string_view text, const std::string& file) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: {}", FormatPosition(file, PositionIn(parsed.error().source())),
                             parsed.error().description())};
  }
  TomlValue root;
  if (!Copy(parsed.table(), &root)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: dates and times have no meaning here",
                             FormatPosition(file, root.position))};
  }
  return std::get<TomlTable>(std::move(root.value));
}

TomlReader::TomlReader(const TomlTable& table, TomlPosition position, std::string file,
                       std::string what)
    : table_(table), position_(position), file_(std::move(file)), what_(std::move(what)) {}

const TomlValue* TomlReader::Find(const std::string& key) {
  known_.push_back(key);
  const auto found = table_.find(key);
  return found == table_.end() ? nullptr : &found->second;
}

TomlPosition TomlReader::PositionOf(const std::string& key) const {
  const auto found = table_.find(key);
  return found == table_.end() ? position_ : found->second.position;
}

Error TomlReader::ErrorAt(const std::string& key, std::string_view what) const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: {}: {}", FormatPosition(file_, PositionOf(key)), what_, what)};
}

void TomlReader::Fail(Error error) {
  if (first_error_.ok()) first_error_ = std::move(error);
}

void TomlReader::Expected(const std::string& key, const char* what) {
  Fail(ErrorAt(key, Has(key) ? fmt::format("'{}' must be {}", key, what)
                             : fmt::format("'{}' is missing; expected {}", key, what)));
}

std::string TomlReader::String(const std::string& key) {
  const TomlValue* found = Find(key);
  if (found != nullptr) {
    if (const auto* text = std::get_if<std::string>(&found->value)) return *text;
  }
  Expected(key, "a string");
  return "";
}

std::string TomlReader::String(const std::string& key, const std::string& fallback) {
  return Has(key) ? String(key) : (known_.push_back(key), fallback);
}

std::vector<std::string> TomlReader::Strings(const std::string& key) {
  const TomlValue* found = Find(key);
  const auto* array = found == nullptr ? nullptr : std::get_if<TomlArray>(&found->value);
  std::vector<std::string> texts;
  if (array == nullptr) {
    Expected(key, "an array of strings");
    return texts;
  }
  for (const TomlValue& item : *array) {
    if (const auto* text = std::get_if<std::string>(&item.value)) {
      texts.push_back(*text);
    } else if (const auto* integer = std::get_if<int64_t>(&item.value)) {
      texts.push_back(fmt::format("{}", *integer));  // a fixed extent in a shape
    } else {
      Expected(key, "an array of strings");
    }
  }
  return texts;
}

const TomlTable* TomlReader::Table(const std::string& key) {
  const TomlValue* found = Find(key);
  if (found != nullptr) {
    if (const auto* table = std::get_if<TomlTable>(&found->value)) return table;
  }
  Expected(key, "a table");
  return nullptr;
}

const TomlTable* TomlReader::OptionalTable(const std::string& key) {
  return Has(key) ? Table(key) : (known_.push_back(key), nullptr);
}

int64_t TomlReader::Integer(const std::string& key, int64_t fallback) {
  const TomlValue* found = Find(key);
  if (found == nullptr) return fallback;
  if (const auto* integer = std::get_if<int64_t>(&found->value)) return *integer;
  Expected(key, "an integer");
  return fallback;
}

double TomlReader::Number(const std::string& key, double fallback) {
  const TomlValue* found = Find(key);
  if (found == nullptr) return fallback;
  if (const auto* integer = std::get_if<int64_t>(&found->value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<double>(&found->value)) return *number;
  Expected(key, "a number");
  return fallback;
}

bool TomlReader::Bool(const std::string& key, bool fallback) {
  const TomlValue* found = Find(key);
  if (found == nullptr) return fallback;
  if (const auto* flag = std::get_if<bool>(&found->value)) return *flag;
  Expected(key, "true or false");
  return fallback;
}

std::vector<const TomlValue*> TomlReader::Tables(const std::string& key) {
  const TomlValue* found = Find(key);
  std::vector<const TomlValue*> tables;
  if (found == nullptr) return tables;
  const auto* array = std::get_if<TomlArray>(&found->value);
  if (array == nullptr) {
    Fail(ErrorAt(key, fmt::format("write [[{}]], with two brackets, once for each", key)));
    return tables;
  }
  for (const TomlValue& item : *array) {
    if (std::holds_alternative<TomlTable>(item.value)) {
      tables.push_back(&item);
    } else {
      Fail(ErrorAt(key, fmt::format("'{}' must be an array of tables", key)));
    }
  }
  return tables;
}

Status TomlReader::Finish() {
  if (!first_error_.ok()) return first_error_;
  for (const auto& [key, value] : table_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string near = NearestName(key, known_);
    return ErrorAt(key, fmt::format("unknown key '{}'; {}", key,
                                    near.empty() ? "known here: " + Join(known_, ", ")
                                                 : "did you mean '" + near + "'?"));
  }
  return {};
}

}  // namespace ks
