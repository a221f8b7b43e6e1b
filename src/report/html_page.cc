#include "report/html_page.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "report/html_sections.h"
#include "report/svg.h"

namespace ks {
namespace {

// SHA-256 in base64, as a content security policy names a script.
std::string Sha256Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = Sha256Hex(bytes);
  const auto nibble = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string out;
  unsigned bits = 0;
  unsigned value = 0;
  for (char c : hex) {
    value = (value << 4) | nibble(c);
    bits += 4;
    if (bits < 6) continue;
    bits -= 6;
    out += kDigits[(value >> bits) & 63];
  }
  if (bits > 0) out += kDigits[(value << (6 - bits)) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

}  // namespace

std::string Section(std::string_view id, std::string_view title, std::string_view lead,
                    std::string_view body) {
  std::string out = fmt::format("<section id=\"{}\"><h2>{}</h2>", id, title);
  if (!lead.empty()) out += fmt::format("<p class=\"lead\">{}</p>", lead);
  out += body;
  return out + "</section>\n";
}

std::string Legend(const std::vector<std::pair<std::string_view, std::string_view>>& keys) {
  std::string out = "<p class=\"legend\">";
  for (const auto& [mark, meaning] : keys) {
    out += fmt::format("<span><i class=\"k {}\"></i>{}</span> ", mark, meaning);
  }
  return out + "</p>";
}

std::string RenderPage(const HtmlPage& page) {
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; "
      "form-action 'none'",
      Sha256Base64(kReportJs));
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", policy);
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  out += fmt::format("<title>{}</title>\n", Html(page.title));
  out += fmt::format("<style>{}</style></head>\n<body>\n", kReportCss);
  out += fmt::format("<header><p class=\"brand\">{}</p><h1>{}</h1>", page.brand, page.heading);
  if (!page.summary.empty()) out += fmt::format("<p class=\"summary\">{}</p>", page.summary);
  out += fmt::format("<p class=\"sub\">{}</p></header>", page.sub);
  out += "<nav aria-label=\"Sections\">";
  for (const auto& [id, title] : page.links) {
    out += fmt::format("<a href=\"#{}\">{}</a>", id, title);
  }
  out += "</nav><main>\n" + page.body + "</main>\n";
  out += fmt::format("<footer>{}</footer>\n", page.footer);
  out += "<div id=\"tip\" role=\"status\" hidden></div>\n";
  out += fmt::format("<script type=\"application/json\" id=\"tips\">{}</script>\n", page.tips);
  out += fmt::format("<script>{}</script>\n</body></html>\n", kReportJs);
  return out;
}

}  // namespace ks
