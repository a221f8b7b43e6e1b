// Events and evaluations as JSON, format 1 (docs/store_format.md).
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "core/event.h"
#include "core/event_fields.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, std::variant_size_v<decltype(Event::body)>> kEventKinds = {
    "run_started",     "candidate_proposed", "candidate_evaluated",
    "baseline_chosen", "run_stopped",        "run_resumed"};

// Names of a variant's alternatives, in variant order.
std::vector<std::string> KindNames(const Outcome&) { return OutcomeNames(); }
std::vector<std::string> KindNames(const decltype(Event::body)&) {
  return {kEventKinds.begin(), kEventKinds.end()};
}

template <typename T>
concept Scalar = std::integral<T> || std::same_as<T, std::string>;

// Writes fields into one JSON object.
class Writer {
 public:
  template <typename T>
  using Ref = const T&;

  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = ToJson(value);
  }
  // Left out when empty.
  template <typename T>
  void Optional(const char* name, const std::optional<T>& value) {
    if (value) object_[name] = ToJson(*value);
  }
  // Left out while it has its default value.
  template <typename T>
  void Default(const char* name, const T& value) {
    if (value != T()) object_[name] = ToJson(value);
  }
  template <typename V>
  void Variant(const char* name, const V& value) {
    Writer inner;
    inner("kind", KindNames(value)[value.index()]);
    std::visit([&](const auto& alternative) { Fields(inner, alternative); }, value);
    object_[name] = std::move(inner.object_);
  }
  Json Take() { return std::move(object_); }

 private:
  static Json ToJson(double value) {
    if (std::isfinite(value)) return value;
    if (std::isnan(value)) return "nan";
    return value > 0 ? "inf" : "-inf";
  }
  static Json ToJson(const Scalar auto& value) { return value; }
  template <typename T>
  static Json ToJson(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(ToJson(value));
    return array;
  }
  template <typename T>
  static Json ToJson(const T& value) {
    Writer inner;
    Fields(inner, value);
    return inner.Take();
  }

  Json object_ = Json::object();
};

// Reads fields from one JSON object; keeps the first fault and its path. Fields it does not ask for
// are left alone.
class Reader {
 public:
  template <typename T>
  using Ref = T&;

  Reader(const Json& object, std::string path, std::string& fault)
      : object_(object), path_(std::move(path)), fault_(fault) {
    if (!object_.is_object()) Fail(path_, "must be an object");
  }

  template <typename T>
  void operator()(const char* name, T& value) {
    if (const Json* json = Find(name)) FromJson(*json, Path(name), value);
  }
  template <typename T>
  void Optional(const char* name, std::optional<T>& value) {
    value.reset();
    const auto it = fault_.empty() ? object_.find(name) : object_.end();
    if (it != object_.end()) FromJson(*it, Path(name), value.emplace());
  }
  template <typename T>
  void Default(const char* name, T& value) {
    value = T();
    const auto it = fault_.empty() ? object_.find(name) : object_.end();
    if (it != object_.end()) FromJson(*it, Path(name), value);
  }
  template <typename V>
  void Variant(const char* name, V& value) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    Reader inner(*json, Path(name), fault_);
    std::string kind;
    inner("kind", kind);
    if (fault_.empty()) inner.Alternative<0>(kind, KindNames(value), value);
  }

 private:
  std::string Path(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  }
  void Fail(const std::string& path, std::string_view what) {
    if (fault_.empty()) fault_ = fmt::format("field '{}' {}", path, what);
  }
  // Null after a fault, or when the field is missing (which is one).
  const Json* Find(const char* name) {
    if (!fault_.empty()) return nullptr;
    const auto it = object_.find(name);
    if (it != object_.end()) return &*it;
    Fail(Path(name), "is missing");
    return nullptr;
  }
  template <size_t kIndex, typename V>
  void Alternative(const std::string& kind, const std::vector<std::string>& names, V& value) {
    if constexpr (kIndex == std::variant_size_v<V>) {
      Fail(Path("kind"), fmt::format("has the unknown value '{}'", Shorten(kind, 60)));
    } else if (kind == names[kIndex]) {
      Fields(*this, value.template emplace<kIndex>());
    } else {
      Alternative<kIndex + 1>(kind, names, value);
    }
  }

  void FromJson(const Json& json, const std::string& path, std::string& value) {
    if (!json.is_string()) return Fail(path, "must be a string");
    value = json.get_ref<const std::string&>();
  }
  void FromJson(const Json& json, const std::string& path, bool& value) {
    if (!json.is_boolean()) return Fail(path, "must be true or false");
    value = json.get<bool>();
  }
  void FromJson(const Json& json, const std::string& path, double& value) {
    if (json.is_number()) {
      value = json.get<double>();
    } else if (json == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "inf" || json == "-inf") {
      value = json == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else {
      Fail(path, "must be a number, \"nan\", \"inf\" or \"-inf\"");
    }
  }
  template <std::integral T>
  void FromJson(const Json& json, const std::string& path, T& value) {
    const bool fits = json.is_number_unsigned()
                          ? std::in_range<T>(json.get<uint64_t>())
                          : json.is_number_integer() && std::in_range<T>(json.get<int64_t>());
    if (!fits) {
      return Fail(path, fmt::format("must be a whole number from {} to {}",
                                    std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    }
    value = json.get<T>();
  }
  template <typename T>
  void FromJson(const Json& json, const std::string& path, std::vector<T>& values) {
    if (!json.is_array()) return Fail(path, "must be an array");
    values.clear();
    for (size_t i = 0; i < json.size() && fault_.empty(); ++i) {
      FromJson(json[i], fmt::format("{}[{}]", path, i), values.emplace_back());
    }
  }
  template <typename T>
  void FromJson(const Json& json, const std::string& path, T& value) {
    Reader inner(json, path, fault_);
    Fields(inner, value);
  }

  const Json& object_;
  const std::string path_;
  std::string& fault_;
};

// Bytes that are not UTF-8 (compilers quote sources as they are) become U+FFFD.
template <typename T>
std::string Write(const T& value) {
  Writer writer;
  Fields(writer, value);
  return writer.Take().dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T>
Result<T> Read(const std::string& text, const char* what) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("stored {} is not JSON: {}", what, Shorten(text, 80))};
  }
  T value;
  std::string fault;
  Reader reader(json, "", fault);
  Fields(reader, value);
  if (!fault.empty()) {
    return Error{ErrorCode::kDataLoss, fmt::format("stored {} is not readable: {}", what, fault)};
  }
  return value;
}

}  // namespace

const char* EventKindName(const Event& event) { return kEventKinds[event.body.index()]; }

std::string EventToJson(const Event& event) { return Write(event); }
Result<Event> EventFromJson(const std::string& json) { return Read<Event>(json, "event"); }
std::string EvaluationToJson(const Evaluation& evaluation) { return Write(evaluation); }
Result<Evaluation> EvaluationFromJson(const std::string& json) {
  return Read<Evaluation>(json, "evaluation");
}
std::string MachineToJson(const Machine& machine) { return Write(machine); }
Result<Machine> MachineFromJson(const std::string& json) { return Read<Machine>(json, "machine"); }

}  // namespace ks
