#include "net/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxParameters = 64;

bool SameLetters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Error Bad(std::string what) { return {ErrorCode::kInvalidArgument, std::move(what)}; }

std::string EncodeBase64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    unsigned value = 0;
    for (size_t k = 0; k < 3; ++k) {
      value = value << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) out += k <= left ? kDigits[value >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Bad("a '%' in the address needs two hexadecimal digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (IsControl(c)) return Bad("a control character in the address");
    out += c;
  }
  return out;
}

Status ParseQuery(std::string_view text, std::map<std::string, std::string>& query) {
  if (text.empty()) return {};
  for (const std::string_view part : Split(text, '&')) {
    if (part.empty()) continue;
    const size_t equal = part.find('=');
    KS_ASSIGN_OR_RETURN(std::string name, Decode(part.substr(0, equal), true));
    std::string value;
    if (equal != part.npos) {
      KS_ASSIGN_OR_RETURN(value, Decode(part.substr(equal + 1), true));
    }
    query[std::move(name)] = std::move(value);
    if (query.size() > kMaxParameters) return Bad("too many parameters in the address");
  }
  return {};
}

}  // namespace

std::string_view FindHeader(const HttpHeaders& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& h) { return SameLetters(h.first, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<HttpTarget> ParseTarget(std::string_view target) {
  if (target.empty() || target.front() != '/') return Bad("an address must begin with '/'");
  target = target.substr(0, target.find('#'));
  const size_t mark = target.find('?');
  HttpTarget parsed;
  KS_ASSIGN_OR_RETURN(parsed.path, Decode(target.substr(0, mark), false));
  if (mark != target.npos) KS_RETURN_IF_ERROR(ParseQuery(target.substr(mark + 1), parsed.query));
  return parsed;
}

Result<HttpUrl> ParseUrl(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    // What stands before an '@' is a secret.
    const size_t at = url.rfind('@');
    const std::string shown =
        at == url.npos ? Shorten(url, 200) : "..." + Shorten(url.substr(at), 200);
    return Bad(
        fmt::format("'{}' is no address of a server ({}); expected http://host:port", shown, why));
  };
  HttpUrl parsed;
  std::string_view rest = url;
  if (std::any_of(rest.begin(), rest.end(), [](char c) { return IsControl(c) || c == ' '; })) {
    return bad("a blank or control character");
  }
  if (rest.substr(0, 7) == "http://") {
    rest.remove_prefix(7);
  } else if (rest.substr(0, 8) == "https://") {
    rest.remove_prefix(8);
    parsed.tls = true;
    parsed.port = 443;
  } else {
    return bad("it must begin with http:// or https://");
  }
  const size_t slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  if (slash != rest.npos) {
    std::string_view base = rest.substr(slash);
    if (base.find_first_of("?#") != base.npos) return bad("it must not have a query");
    while (!base.empty() && base.back() == '/') base.remove_suffix(1);
    parsed.base = base;
  }
  if (authority.find('@') != authority.npos) return bad("give a token or key in a file");
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    if (end == authority.npos) return bad("']' is missing");
    parsed.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    parsed.host = authority.substr(0, authority.find(':'));
    port = authority.substr(parsed.host.size());
  }
  if (parsed.host.empty()) return bad("no host");
  if (port.empty()) return parsed;
  const std::optional<int64_t> number =
      port.front() == ':' ? ParseInt(port.substr(1)) : std::nullopt;
  if (!number || *number < 1 || *number > 65535) return bad("the port must be from 1 to 65535");
  parsed.port = static_cast<uint16_t>(*number);
  return parsed;
}

Result<HttpProxy> ParseProxy(std::string_view url) {
  HttpProxy proxy;
  std::string plain(url);
  if (plain.rfind("http://", 0) == 0) plain.erase(0, 7);
  if (plain.find("://") != plain.npos) return Bad("a proxy's address must begin with http://");
  const size_t at = plain.rfind('@');
  if (at != plain.npos) {
    KS_ASSIGN_OR_RETURN(const std::string user, Decode(plain.substr(0, at), false));
    proxy.authorization = "Basic " + EncodeBase64(user);
    plain.erase(0, at + 1);
  }
  const Result<HttpUrl> parsed = ParseUrl("http://" + plain);
  if (!parsed.ok()) return parsed.error().Under("the proxy");
  if (!parsed->base.empty()) return Bad("a proxy's address has no path");
  proxy.host = parsed->host;
  proxy.port = parsed->port;
  return proxy;
}

bool BypassesProxy(std::string_view no_proxy, std::string_view host) {
  if (IsLoopback(host)) return true;
  for (std::string_view entry : Split(no_proxy, ',')) {
    entry = Trim(entry);
    if (entry == "*") return true;
    if (!entry.empty() && entry.front() == '.') entry.remove_prefix(1);
    if (entry.empty() || entry.size() > host.size()) continue;
    const std::string_view tail = host.substr(host.size() - entry.size());
    const bool whole = tail.size() == host.size() || host[host.size() - tail.size() - 1] == '.';
    if (whole && SameLetters(tail, entry)) return true;
  }
  return false;
}

bool IsLoopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.substr(0, 4) == "127.";
}

bool SameSecret(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = static_cast<unsigned char>(difference | (a[i] ^ other));
  }
  return difference == 0 && a.size() == b.size();
}

}  // namespace ks
