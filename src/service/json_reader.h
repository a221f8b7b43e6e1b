// Reads one JSON object that someone else wrote: types, ranges, no unknown fields, the first fault
// kept with its path.
#ifndef KS_SERVICE_JSON_READER_H_
#define KS_SERVICE_JSON_READER_H_

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace ks {

// Single thread; `object` outlives it. Getters fill the value when the field is there and right;
// after the first fault they do nothing. A field that is null counts as missing.
class JsonReader {
 public:
  using Json = nlohmann::json;

  JsonReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object_.is_object()) Fail(path_.empty() ? "the body" : path_, "must be an object");
  }

  const Json* Find(const char* name, bool required = false) {
    seen_.insert(name);
    if (failed()) return nullptr;
    const auto it = object_.find(name);
    if (it != object_.end() && !it->is_null()) return &*it;
    if (required) Fail(Path(name), "is missing");
    return nullptr;
  }
  void Text(const char* name, std::string& value, size_t max_bytes, bool required = false) {
    const Json* json = Find(name, required);
    if (json == nullptr) return;
    if (!json->is_string()) return Fail(Path(name), "must be text");
    value = json->get_ref<const std::string&>();
    if (value.size() > max_bytes) {
      Fail(Path(name), fmt::format("has {} bytes; the limit is {}", value.size(), max_bytes));
    } else if (value.find('\0') != std::string::npos) {
      Fail(Path(name), "holds a zero byte");
    }
  }
  void Flag(const char* name, bool& value) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    if (!json->is_boolean()) return Fail(Path(name), "must be true or false");
    value = json->get<bool>();
  }
  // Integers and doubles within [low, high].
  template <typename T>
  void Number(const char* name, T& value, double low, double high, bool required = false) {
    if (const Json* json = Find(name, required)) NumberFrom(*json, Path(name), value, low, high);
  }
  template <typename T>
  void NumberFrom(const Json& json, const std::string& path, T& value, double low, double high) {
    const bool whole = json.is_number_integer();
    if (!(std::is_floating_point_v<T> ? json.is_number() : whole)) {
      return Fail(path,
                  std::is_floating_point_v<T> ? "must be a number" : "must be a whole number");
    }
    const double number = json.get<double>();
    if (!(number >= low && number <= high)) {
      return Fail(path, fmt::format("must be from {} to {}", low, high));
    }
    value = json.get<T>();
  }
  void Texts(const char* name, std::vector<std::string>& values, size_t max_count,
             size_t max_bytes) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    if (!json->is_array() || json->size() > max_count) {
      return Fail(Path(name), fmt::format("must be an array of at most {} texts", max_count));
    }
    values.clear();
    for (const Json& one : *json) {
      if (!one.is_string() || one.get_ref<const std::string&>().size() > max_bytes) {
        return Fail(Path(name), fmt::format("must hold texts of at most {} bytes", max_bytes));
      }
      values.push_back(one.get<std::string>());
    }
  }
  // Reads the object of field `name` with `read(JsonReader&)`; true when it was there.
  template <typename F>
  bool Object(const char* name, F read, bool required = false) {
    const Json* json = Find(name, required);
    if (json == nullptr) return false;
    Inner(*json, Path(name), read);
    return true;
  }
  template <typename F>
  void Objects(const char* name, size_t max_count, F read) {
    const Json* json = Find(name);
    if (json == nullptr) return;
    if (!json->is_array() || json->size() > max_count) {
      return Fail(Path(name), fmt::format("must be an array of at most {} objects", max_count));
    }
    for (size_t i = 0; i < json->size() && !failed(); ++i) {
      Inner((*json)[i], fmt::format("{}[{}]", Path(name), i), read);
    }
  }

  void Fail(const std::string& path, const std::string& what) { FailWith(path + " " + what); }
  void FailWith(std::string fault) {
    if (!failed()) fault_ = std::move(fault);
  }
  std::string Path(const std::string& name) const {
    return path_.empty() ? name : path_ + "." + name;
  }
  bool failed() const { return !fault_.empty(); }
  // ERRORS: kInvalidArgument with the first fault, or the first field that nobody asked for.
  Status Finish() {
    RefuseUnknown();
    if (!failed()) return {};
    return Error{ErrorCode::kInvalidArgument, fault_};
  }

 private:
  template <typename F>
  void Inner(const Json& json, const std::string& path, F& read) {
    JsonReader inner(json, path);
    if (!inner.failed()) read(inner);
    inner.RefuseUnknown();
    if (inner.failed() && !failed()) fault_ = inner.fault_;
  }
  void RefuseUnknown() {
    if (failed()) return;
    for (auto it = object_.begin(); it != object_.end(); ++it) {
      if (seen_.count(it.key()) != 0) continue;
      const std::string near = NearestName(it.key(), {seen_.begin(), seen_.end()});
      return Fail(Path(Shorten(it.key(), 60)),
                  near.empty() ? "is no known field"
                               : fmt::format("is no known field (did you mean '{}'?)", near));
    }
  }

  const Json& object_;
  const std::string path_;
  std::set<std::string> seen_;
  std::string fault_;
};

}  // namespace ks

#endif  // KS_SERVICE_JSON_READER_H_
