// The TOML side of config_file.h; the only file of cli that knows toml++.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "core/config_check.h"
#include "core/config_fields.h"

namespace ks {
namespace {

// Sets `in_flight` and `workers`, which may still be given beside it.
constexpr ConfigField kJobs{"run", "jobs", 1, 256};

std::string At(const std::string& path, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", path, source.begin.line, source.begin.column);
}

std::string DidYouMean(const std::string& name, const std::vector<std::string>& names) {
  const std::string near = NearestName(name, names);
  return near.empty() ? "known: " + Join(names, ", ") : fmt::format("did you mean '{}'?", near);
}

// Sets fields from one document; keeps the first error.
class Reader {
 public:
  Reader(const std::string& path, const toml::table& document) : path_(path), document_(document) {}

  template <typename T>
  void Set(const ConfigField& field, T& member) {
    const toml::node_view<const toml::node> node = document_[field.table][field.name];
    if (!node || !status_.ok()) return;
    if constexpr (std::is_same_v<T, std::string>) {
      const auto text = node.value_exact<std::string>();
      if (!text) return Fail(*node.node(), fmt::format("'{}' must be a string", field.name));
      if (!IsChoice(field.choices, *text)) {
        std::vector<std::string> names;
        for (const std::string_view name : Split(field.choices, '|')) names.emplace_back(name);
        return Fail(*node.node(),
                    fmt::format("'{}' is \"{}\"; {}", field.name, *text, DidYouMean(*text, names)));
      }
      member = *text;
    } else {
      SetNumber(field, *node.node(), member);
    }
  }

  bool Has(const ConfigField& field) const { return bool(document_[field.table][field.name]); }

  // Every table and key must be one that `config` has.
  void RefuseUnknown(RunConfig config) {
    std::vector<std::string> tables;
    std::map<std::string, std::vector<std::string>> names;
    VisitConfigFields(config, [&](const ConfigField& field, auto&) {
      if (names[field.table].empty()) tables.emplace_back(field.table);
      names[field.table].emplace_back(field.name);
    });
    names["run"].emplace_back(kJobs.name);
    for (const auto& [key, node] : document_) {
      const std::string table(key.str());
      const auto known = names.find(table);
      if (known == names.end()) {
        FailAt(key.source(),
               fmt::format("unknown table '{}'; {}", table, DidYouMean(table, tables)));
      } else if (!node.is_table()) {
        Fail(node, fmt::format("'{}' must be a table: [{}]", table, table));
      } else {
        RefuseUnknownIn(*node.as_table(), table, known->second);
      }
    }
  }

  // Fields that go together, and none that would do nothing. REQUIRES: all were set.
  void RefuseContradictions(const RunConfig& config) {
    if (!status_.ok()) return;
    if (const std::optional<ConfigFault> fault = FindContradiction(config)) {
      for (const auto& [table, name] : fault->fields) {
        const auto node = document_[table][name];
        if (node) Fail(*node.node(), fault->message);
      }
      if (status_.ok()) status_ = Error{ErrorCode::kInvalidArgument, path_ + ": " + fault->message};
    }
    VisitConfigFields(config, [&](const ConfigField& field, const auto&) {
      const auto node = document_[field.table][field.name];
      const std::string idle = node ? IdleReason(config, field.table, field.name) : "";
      if (!idle.empty()) Fail(*node.node(), idle);
    });
  }

  const Status& status() const { return status_; }

 private:
  void RefuseUnknownIn(const toml::table& table, const std::string& table_name,
                       const std::vector<std::string>& names) {
    for (const auto& [key, node] : table) {
      static_cast<void>(node);
      const std::string name(key.str());
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        FailAt(key.source(), fmt::format("unknown field '{}' in [{}]; {}", name, table_name,
                                         DidYouMean(name, names)));
      }
    }
  }

  template <typename T>
  void SetNumber(const ConfigField& field, const toml::node& node, T& member) {
    const bool fits = std::is_floating_point_v<T> ? node.is_number() : node.is_integer();
    if (!fits) {
      return Fail(node, fmt::format("'{}' must be {}", field.name,
                                    std::is_floating_point_v<T> ? "a number" : "an integer"));
    }
    const double value = *node.value<double>();
    if (!(value >= field.low && value <= field.high)) {
      return Fail(node, fmt::format("'{}' is {}, must be in [{}, {}]", field.name, value, field.low,
                                    field.high));
    }
    if constexpr (std::is_floating_point_v<T>) {
      member = value;
    } else {
      member = static_cast<T>(*node.value<int64_t>());
    }
  }

  void Fail(const toml::node& node, const std::string& what) { FailAt(node.source(), what); }
  void FailAt(const toml::source_region& source, const std::string& what) {
    if (!status_.ok()) return;
    status_ = Error{ErrorCode::kInvalidArgument, fmt::format("{}: {}", At(path_, source), what)};
  }

  const std::string& path_;
  const toml::table& document_;
  Status status_;
};

}  // namespace

Result<RunConfig> ConfigFromToml(const std::string& text, const std::string& path,
                                 RunConfig config) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{}: {}", At(path, parsed.error().source()), parsed.error().description())};
  }
  const toml::table& document = parsed.table();
  Reader reader(path, document);
  reader.RefuseUnknown(config);
  if (int jobs = 0; reader.Has(kJobs)) {
    reader.Set(kJobs, jobs);
    config.in_flight = config.workers = jobs;
  }
  VisitConfigFields(config,
                    [&](const ConfigField& field, auto& member) { reader.Set(field, member); });
  reader.RefuseContradictions(config);
  KS_RETURN_IF_ERROR(reader.status());
  return config;
}

Result<RunConfig> ReadConfigFile(const std::string& path, RunConfig config) {
  KS_ASSIGN_OR_RETURN(const std::string text, PosixFileSystem().Read(path, kMaxTextFileBytes));
  return ConfigFromToml(text, path, std::move(config));
}

}  // namespace ks
