// The TOML side of config_file.h; the only file of cli that knows toml++.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "core/config_check.h"
#include "core/config_fields.h"
#include "propose/llm/chat_wire.h"

namespace ks {
namespace {

// Sets `in_flight` and `workers`, which may still be given beside it.
constexpr ConfigField kJobs{"run", "jobs", 1, 256};
constexpr const char* kModels = "model";

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
    SetFrom(document_[field.table][field.name], field, member);
  }
  template <typename T>
  void SetFrom(toml::node_view<const toml::node> node, const ConfigField& field, T& member) {
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
    tables.emplace_back(kModels);
    for (const auto& [key, node] : document_) {
      const std::string table(key.str());
      if (table == kModels) continue;  // SetModels looks at them
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

  // [[model]]: in place of those that `models` has.
  void SetModels(std::vector<ModelConfig>& models) {
    const toml::node* const node = document_.get(kModels);
    if (node == nullptr || !status_.ok()) return;
    const toml::array* const list = node->as_array();
    if (list == nullptr || !list->is_homogeneous(toml::node_type::table)) {
      return Fail(*node, "models are tables of a list: [[model]]");
    }
    models.clear();
    for (const toml::node& one : *list) {
      ModelConfig model = ReadModel(*one.as_table());
      if (std::any_of(models.begin(), models.end(),
                      [&](const ModelConfig& other) { return other.name == model.name; })) {
        Fail(one, fmt::format("there are two models '{}'", model.name));
      }
      models.push_back(std::move(model));
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
  ModelConfig ReadModel(const toml::table& table) {
    ModelConfig model;
    std::vector<std::string> names = {"extra"};
    VisitModelFields<ConfigField>(model, [&](const ConfigField& field, auto& member) {
      names.emplace_back(field.name);
      SetFrom(toml::node_view<const toml::node>(table.get(field.name)), field, member);
    });
    RefuseUnknownIn(table, kModels, names);
    if (const toml::node* const extra = table.get("extra")) {
      if (!extra->is_table()) Fail(*extra, "'extra' must be a table: {name = value}");
      std::ostringstream text;
      if (extra->is_table()) text << toml::json_formatter(*extra->as_table());
      model.extra = text.str();
      const Status usable = CheckExtra(model.extra);
      if (!usable.ok()) Fail(*extra, usable.error().message);
    }
    if (model.name.empty()) Fail(table, "a model needs a 'name'");
    if (model.url.empty()) Fail(table, "a model needs a 'url'");
    if (!model.key_env.empty() && !model.key_file.empty()) {
      Fail(table, "a model has a 'key_env' or a 'key_file', not both");
    }
    return model;
  }

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
  reader.SetModels(config.llm.models);
  reader.RefuseContradictions(config);
  KS_RETURN_IF_ERROR(reader.status());
  return config;
}

Result<RunConfig> ReadConfigFile(const std::string& path, RunConfig config) {
  KS_ASSIGN_OR_RETURN(const std::string text, PosixFileSystem().Read(path, kMaxTextFileBytes));
  return ConfigFromToml(text, path, std::move(config));
}

}  // namespace ks
