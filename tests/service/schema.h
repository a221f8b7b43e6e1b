// As much of JSON Schema as the served OpenAPI document uses; unknown words are faults.
#ifndef KS_TESTS_SERVICE_SCHEMA_H_
#define KS_TESTS_SERVICE_SCHEMA_H_

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

namespace ks {

class SchemaChecker {
 public:
  using Json = nlohmann::json;
  explicit SchemaChecker(Json document) : document_(std::move(document)) {}

  // The schema of an answer; null when the document does not know it.
  const Json* SchemaOf(const std::string& path, const std::string& method, int status,
                       const std::string& type) const {
    const Json* at = &document_;
    for (const std::string& key :
         {std::string("paths"), path, method, std::string("responses"), std::to_string(status),
          std::string("content"), type, std::string("schema")}) {
      const auto found = at->find(key);
      if (found == at->end()) return nullptr;
      at = &*found;
    }
    return at;
  }
  const Json& document() const { return document_; }

  // Empty: it conforms; else where and why not.
  std::string Fault(const Json& schema, const Json& value, const std::string& at = "$") const {
    for (const auto& [word, rule] : schema.items()) {
      const std::string fault = CheckWord(word, rule, schema, value, at);
      if (!fault.empty()) return fault;
    }
    return "";
  }

 private:
  std::string CheckWord(const std::string& word, const Json& rule, const Json& schema,
                        const Json& value, const std::string& at) const {
    if (value.is_null() && schema.value("nullable", false)) return "";
    if (word == "nullable" || word == "default") return "";
    if (word == "$ref") return Fault(Resolve(rule), value, at);
    if (word == "oneOf") return OneOf(rule, value, at);
    if (word == "type") return HasType(rule, value) ? "" : at + " is no " + rule.get<std::string>();
    if (word == "enum") {
      for (const Json& one : rule) {
        if (one == value) return "";
      }
      return at + " is not in the enum: " + value.dump();
    }
    if (word == "minimum") return value >= rule ? "" : at + " is too small";
    if (word == "maximum") return value <= rule ? "" : at + " is too large";
    if (word == "pattern") {
      return std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()))
                 ? ""
                 : at + " does not match";
    }
    if (word == "items") return Items(rule, value, at);
    if (word == "properties") return Properties(rule, value, at);
    if (word == "required") {
      for (const Json& name : rule) {
        if (!value.contains(name)) return at + " lacks " + name.get<std::string>();
      }
      return "";
    }
    if (word == "additionalProperties") return Additional(rule, schema, value, at);
    return "the schema at " + at + " uses the unknown word " + word;
  }
  const Json& Resolve(const std::string& ref) const {
    return document_.at(Json::json_pointer(ref.substr(1)));
  }
  static bool HasType(const std::string& type, const Json& value) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "number" && value.is_number()) ||
           (type == "integer" && value.is_number_integer());
  }
  std::string OneOf(const Json& rules, const Json& value, const std::string& at) const {
    int fits = 0;
    std::string faults;
    for (const Json& rule : rules) {
      const std::string fault = Fault(rule, value, at);
      fits += fault.empty() ? 1 : 0;
      faults += fault + "; ";
    }
    return fits == 1 ? "" : at + " fits " + std::to_string(fits) + " of oneOf: " + faults;
  }
  std::string Items(const Json& rule, const Json& value, const std::string& at) const {
    for (size_t i = 0; i < value.size(); ++i) {
      const std::string fault = Fault(rule, value[i], at + "[" + std::to_string(i) + "]");
      if (!fault.empty()) return fault;
    }
    return "";
  }
  std::string Properties(const Json& rules, const Json& value, const std::string& at) const {
    for (const auto& [name, rule] : rules.items()) {
      if (!value.contains(name)) continue;
      const std::string fault = Fault(rule, value[name], at + "." + name);
      if (!fault.empty()) return fault;
    }
    return "";
  }
  std::string Additional(const Json& rule, const Json& schema, const Json& value,
                         const std::string& at) const {
    if (rule == true) return "";
    const Json known = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
      if (known.contains(name)) continue;
      if (rule == false) return at + " has the undocumented field " + name;
      const std::string fault = Fault(rule, member, at + "." + name);
      if (!fault.empty()) return fault;
    }
    return "";
  }

  const Json document_;
};

}  // namespace ks

#endif  // KS_TESTS_SERVICE_SCHEMA_H_
