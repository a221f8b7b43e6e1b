// The document that /openapi.json serves. Tests compare every answer with it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/config_fields.h"
#include "service/api.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

Json Ref(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }
Json Type(const char* type) { return {{"type", type}}; }
Json Nullable(Json schema) {
  schema["nullable"] = true;
  return schema;
}
Json ArrayOf(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

// All properties are required and there are no others, unless told otherwise.
Json Closed(Json properties, const std::vector<std::string>& optional = {}) {
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) {
    if (std::find(optional.begin(), optional.end(), name) == optional.end()) {
      required.push_back(name);
    }
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}
Json Open(Json properties) {
  Json schema = Closed(std::move(properties));
  schema["additionalProperties"] = true;
  return schema;
}

Json ConfigSchema() {
  Json properties = Json::object();
  std::vector<std::string> names;
  RunConfig defaults;
  VisitConfigFields(defaults, [&](const ConfigField& field, const auto& member) {
    using T = std::decay_t<decltype(member)>;
    if constexpr (std::is_arithmetic_v<T>) {
      if (std::string_view(field.table) != "evaluation") return;
      Json schema = Type(std::is_floating_point_v<T> ? "number" : "integer");
      schema["minimum"] = field.low;
      schema["maximum"] = field.high;
      schema["default"] = member;
      properties[field.name] = std::move(schema);
      names.emplace_back(field.name);
    }
  });
  return Closed(std::move(properties), names);
}

Json BufferSchema() {
  return Closed(
      {{"name", Type("string")},
       {"dtype", Type("string")},
       {"shape", ArrayOf(Type("string"))},
       {"scalar", Type("boolean")},
       {"fill",
        Closed({{"kind", Type("string")},
                {"parameters", {{"type", "object"}, {"additionalProperties", Type("string")}}}},
               {"parameters"})}},
      {"shape", "scalar", "fill"});
}

Json TaskSchema() {
  Json workload = Closed({{"name", Type("string")},
                          {"role", {{"type", "string"}, {"enum", {"time", "check", "held_out"}}}},
                          {"axes", {{"type", "object"}, {"additionalProperties", Type("integer")}}},
                          {"on", {{"type", "string"}, {"enum", {"", "cpu", "gpu"}}}}},
                         {"on"});
  Json tolerance = Closed({{"relative", Type("number")},
                           {"absolute", Type("number")},
                           {"scale", Type("number")},
                           {"norm_relative", Type("number")}},
                          {"relative", "absolute", "scale", "norm_relative"});
  Json seed =
      Closed({{"backend", Type("string")}, {"file", Type("string")}, {"source", Type("string")}},
             {"file"});
  return Closed({{"name", Type("string")},
                 {"summary", Type("string")},
                 {"precision", Type("string")},
                 {"entry", Type("string")},
                 {"max_threads", Type("integer")},
                 {"allow_reassociation", Type("boolean")},
                 {"axes", ArrayOf(Type("string"))},
                 {"inputs", ArrayOf(BufferSchema())},
                 {"outputs", ArrayOf(BufferSchema())},
                 {"workloads", ArrayOf(std::move(workload))},
                 {"flops", Type("string")},
                 {"bytes", Type("string")},
                 {"reference_file", Type("string")},
                 {"reference_source", Type("string")},
                 {"tolerance", std::move(tolerance)},
                 {"seeds", ArrayOf(std::move(seed))},
                 {"hash", Type("string")}},
                {"summary", "precision", "max_threads", "allow_reassociation", "flops", "bytes",
                 "reference_file", "tolerance", "seeds", "hash", "axes"});
}

Json SubmissionSchema() {
  const Json rival = Closed(
      {{"source", Type("string")}, {"speedup", Ref("Interval")}, {"confirmed", Type("boolean")}},
      {"speedup", "confirmed"});
  Json task = {{"oneOf", {Type("string"), Ref("Task")}}};
  Json stages = ArrayOf({{"type", "string"}, {"enum", {"compile", "check", "time", "profile"}}});
  return Closed(
      {{"task", std::move(task)},
       {"backend", Type("string")},
       {"device", Type("string")},
       {"source", Type("string")},
       {"stages", std::move(stages)},
       {"config", Ref("Config")},
       {"parent", rival},
       {"champion", rival},
       {"baseline_source", Type("string")},
       {"seed", Type("integer")},
       {"held_out", Type("boolean")},
       {"priority", {{"type", "integer"}, {"minimum", -kMaxPriority}, {"maximum", kMaxPriority}}},
       {"timeout_s", Type("number")},
       {"repeat", Type("string")}},
      {"backend", "device", "stages", "config", "parent", "champion", "baseline_source", "seed",
       "held_out", "priority", "timeout_s", "repeat"});
}

Json StatusSchema() {
  Json state = {{"type", "string"},
                {"enum", {"queued", "running", "finished", "failed", "cancelled", "expired"}}};
  return Closed({{"id", {{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}},
                 {"state", std::move(state)},
                 {"stage", Nullable({{"type", "string"}, {"enum", {"compile", "lease", "time"}}})},
                 {"task", Type("string")},
                 {"task_hash", Type("string")},
                 {"backend", Type("string")},
                 {"device", Nullable(Type("string"))},
                 {"priority", Type("integer")},
                 {"position", Nullable(Type("integer"))},
                 {"accepted_unix_ms", Type("integer")},
                 {"finished_unix_ms", Nullable(Type("integer"))},
                 {"tries", Type("integer")},
                 {"reused", Type("boolean")},
                 {"error", Nullable(Ref("Fault"))},
                 {"evaluation", Nullable(Ref("Evaluation"))}});
}

Json Schemas() {
  Json outcome = Open({{"kind", Type("string")}});
  Json evaluation = Open({{"outcome", std::move(outcome)},
                          {"features", Type("object")},
                          {"binary_hash", Type("string")},
                          {"compiler", Type("string")},
                          {"flags", Type("string")},
                          {"warnings", ArrayOf(Type("object"))},
                          {"seconds", Type("object")},
                          {"held_out", ArrayOf(Type("object"))}});
  Json health = Closed({{"status", {{"type", "string"}, {"enum", {"ok", "draining"}}}},
                        {"api", Type("integer")},
                        {"version", Type("string")},
                        {"uptime_s", Type("number")},
                        {"queued", Type("integer")},
                        {"running", Type("integer")}});
  Json device = Closed({{"id", Type("string")},
                        {"backend", Type("string")},
                        {"busy", Type("boolean")},
                        {"waiting", Type("integer")},
                        {"machine", Open({{"id", Type("string")}, {"cpu", Type("string")}})}});
  Json library_task = Open({{"name", Type("string")},
                            {"summary", Type("string")},
                            {"backends", ArrayOf(Type("string"))},
                            {"hash", Type("string")}});
  return {{"Interval",
           Closed({{"low", Type("number")}, {"mid", Type("number")}, {"high", Type("number")}})},
          {"Config", ConfigSchema()},
          {"Task", TaskSchema()},
          {"Submission", SubmissionSchema()},
          {"Batch", Closed({{"evaluations", ArrayOf(Ref("Submission"))}})},
          {"Fault", Closed({{"code", Type("string")}, {"message", Type("string")}})},
          {"Error", Closed({{"error", Ref("Fault")}})},
          {"Evaluation", std::move(evaluation)},
          {"Status", StatusSchema()},
          {"Statuses", Closed({{"evaluations", ArrayOf(Ref("Status"))}})},
          {"Health", std::move(health)},
          {"Devices", Closed({{"devices", ArrayOf(std::move(device))}})},
          {"Tasks", Open({{"format", Type("integer")}, {"tasks", ArrayOf(library_task)}})}};
}

Json Content(Json schema, const char* type = "application/json") {
  return {{"content", {{type, {{"schema", std::move(schema)}}}}}};
}

Json Answer(const char* description, Json schema, const char* type = "application/json") {
  Json answer = Content(std::move(schema), type);
  answer["description"] = description;
  return answer;
}

// The answers of an operation: its own, and the faults that any may have.
Json Answers(Json own, const std::vector<const char*>& faults) {
  for (const char* status : faults) own[status] = Answer("what is wrong", Ref("Error"));
  for (const char* status : {"400", "401", "405", "429", "500", "503"}) {
    own[status] = Answer("what is wrong", Ref("Error"));
  }
  return own;
}

Json Operation(const char* summary, Json answers, Json parameters = Json::array()) {
  return {{"summary", summary},
          {"parameters", std::move(parameters)},
          {"responses", std::move(answers)}};
}

Json Paths() {
  const Json id = {{"name", "id"},
                   {"in", "path"},
                   {"required", true},
                   {"schema", {{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}}};
  const Json wait = {
      {"name", "wait"},
      {"in", "query"},
      {"required", false},
      {"schema", {{"type", "number"}, {"minimum", 0}, {"maximum", kMaxWaitSeconds}}}};
  const Json one_or_many = {{"oneOf", {Ref("Status"), Ref("Statuses")}}};
  Json submit = Operation("submit one evaluation or a batch",
                          Answers({{"200", Answer("all are finished already", one_or_many)},
                                   {"202", Answer("accepted durably", one_or_many)}},
                                  {"404", "413", "415", "422"}));
  submit["requestBody"] = Content({{"oneOf", {Ref("Submission"), Ref("Batch")}}});
  submit["requestBody"]["required"] = true;
  const Json status = {{"200", Answer("its state", Ref("Status"))}};
  const auto get = [](const char* summary, Json schema, const char* type = "application/json") {
    return Json{
        {"get",
         Operation(summary, Answers({{"200", Answer("fine", std::move(schema), type)}}, {}))}};
  };
  return {{"/health", get("is it up, and which version (needs no token)", Ref("Health"))},
          {"/devices", get("what evaluations run on", Ref("Devices"))},
          {"/metrics", get("figures for Prometheus", Type("string"), "text/plain")},
          {"/openapi.json", get("this document", Type("object"))},
          {"/v1/tasks", get("the library of tasks of this server", Ref("Tasks"))},
          {"/v1/evaluations", {{"post", std::move(submit)}}},
          {"/v1/evaluations/{id}",
           {{"get", Operation("its state; waits for the final one when asked to",
                              Answers(status, {"404"}), {id, wait})},
            {"delete", Operation("cancel it", Answers(status, {"404"}), {id})}}},
          {"/v1/evaluations/{id}/events",
           {{"get",
             Operation("server-sent events: state, ..., result",
                       Answers({{"200", Answer("the stream", Type("string"), "text/event-stream")}},
                               {"404"}),
                       {id})}}}};
}

}  // namespace

std::string OpenApiJson(const std::string& version) {
  const Json document = {
      {"openapi", "3.0.3"},
      {"info", {{"title", "kernelsmith evaluation service"}, {"version", version}}},
      {"security", {{{"token", Json::array()}}}},
      {"paths", Paths()},
      {"components",
       {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
        {"schemas", Schemas()}}}};
  return document.dump();
}

}  // namespace ks
