// Prints docs/conformance.md: what the table of raw-byte cases requires, by section of the RFCs.
//
//   bazel run //testing:conformance_matrix >docs/conformance.md
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "testing/http_cases.h"

namespace fasthttp::testing {
namespace {

using http1::Framing;

struct Section {
  std::string_view rfc;
  std::string_view requirement;
};

// In the order of the page. Every section that a case names must be here.
constexpr Section kSections[] = {
    {"9112 2.1", "A message is a start-line, fields, an empty line and a body."},
    {"9112 2.2", "Lines end with CR LF; a few empty lines before a request are skipped."},
    {"9112 2.3", "The version is HTTP/1.x, in upper case."},
    {"9110 2.5", "A higher minor version is treated as the highest that is known."},
    {"9113 3.4", "The preface of HTTP/2 is not a request of HTTP/1."},
    {"9112 3", "The request-line has one SP between its three parts."},
    {"9110 9.1", "The method is a token of any name; upper and lower case differ."},
    {"9110 9.3", "Methods."},
    {"9112 3.2", "The target has one of four forms; Host is there once, or is empty on HTTP/1.0."},
    {"9112 3.2, 3986 3.2.2", "Host is a host with an optional port and nothing else."},
    {"9112 3.2.3", "Authority-form is for CONNECT."},
    {"9112 4", "The status-line has a version, three digits and an optional reason."},
    {"9112 5", "A field line is a name, a colon and a value."},
    {"9112 5, 9110 5.5", "White space around a value is no part of it."},
    {"9112 5.1", "No white space stands between a name and its colon."},
    {"9110 5.1", "A name is a token."},
    {"9110 5.5", "A value holds no control byte but HTAB."},
    {"9112 5.2", "A folded line is refused, or replaced by SP with the lenient switch."},
    {"9112 6.1", "Transfer-Encoding stands alone, ends with chunked, and not on HTTP/1.0."},
    {"9112 6.1, 7", "Codings other than chunked are not understood."},
    {"9112 6.2", "Content-Length is one decimal number."},
    {"9110 8.6", "Content-Length is one decimal number."},
    {"9110 8.6, 9112 6.3", "Content-Length that is malformed or there twice is refused."},
    {"9112 6.3", "The length of a body follows from the fields in one way only."},
    {"9112 7.1", "Chunked bodies: sizes in hexadecimal, CR LF, nothing else."},
    {"9112 7.1.2", "Trailers are kept apart from the header."},
    {"9110 6.5.1", "A field that frames, routes or authenticates is no trailer."},
    {"9110 6.6.2", "Trailer lists names."},
    {"9112 9.3, 9110 7.6.1", "Persistence follows from the version and Connection."},
    {"9112 9.6", "close ends the connection."},
    {"9110 7.8", "An upgrade needs Upgrade and the option in Connection, on HTTP/1.1."},
    {"9110 10.1.1", "Expect is 100-continue."},
    {"limit", "Limits of this library (HeadLimits, ChunkedLimits)."},
};

// The sections as links; "limit" as it is.
std::string Title(std::string_view rfc) {
  if (rfc == "limit") return "Limits";
  std::string title;
  std::string number;
  while (!rfc.empty()) {
    const size_t comma = std::min(rfc.find(", "), rfc.size());
    std::string_view part = rfc.substr(0, comma);
    rfc.remove_prefix(std::min(comma + 2, rfc.size()));
    const size_t space = part.find(' ');
    if (space != std::string_view::npos) {
      number = part.substr(0, space);
      part.remove_prefix(space + 1);
    }
    if (!title.empty()) title += ", ";
    title += "RFC " + number + ", " + std::string(part);
  }
  return title;
}

const char* KindText(Framing::Kind kind) {
  switch (kind) {
    case Framing::kNone:
      return "no body";
    case Framing::kLength:
      return "body by length";
    case Framing::kChunked:
      return "chunked body";
    case Framing::kUntilClose:
      return "body until close";
  }
  return "";
}

std::string Refused(Errc errc) {
  if (errc == Errc::kNeedMore) return "waits for more";
  return "`k" + std::string(ErrcName(errc)) + "`";
}

std::string Outcome(const RequestCase& c) {
  std::string lenient = c.leniency == http1::Leniency::kStrict ? "" : " (lenient)";
  if (c.errc == Errc::kNeedMore) return Refused(c.errc) + lenient;
  if (c.errc != Errc::kOk) {
    return Refused(c.errc) + ", " + std::to_string(HttpStatusOf(c.errc)) + ", close" + lenient;
  }
  std::string text = "accepted: " + std::string(KindText(c.framing));
  text += c.keep_alive ? ", keep-alive" : ", close";
  if (c.expect_continue) text += ", 100 Continue";
  if (c.upgrade) text += ", upgrade";
  return text + lenient;
}

std::string Outcome(const ResponseCase& c) {
  const std::string lenient = c.leniency == http1::Leniency::kStrict ? "" : " (lenient)";
  if (c.errc == Errc::kNeedMore) return Refused(c.errc) + lenient;
  if (c.errc != Errc::kOk) return Refused(c.errc) + ", close" + lenient;
  std::string text = "accepted: " + std::string(KindText(c.framing));
  text += c.keep_alive ? ", keep-alive" : ", close";
  if (c.upgrade) text += ", upgrade";
  return text + lenient;
}

struct Row {
  std::string name;
  std::string outcome;
};

using Rows = std::map<std::string_view, std::vector<Row>>;

template <typename Case>
void AddRows(const std::vector<Case>& cases, std::string_view kind, Rows& rows) {
  for (const Case& c : cases) {
    rows[c.rfc].push_back({std::string(kind) + " " + c.name, Outcome(c)});
  }
}

// Cases whose outcome is the same share a line.
void PrintSection(const Section& section, const std::vector<Row>& rows) {
  std::printf("\n## %s\n\n%s\n\n| Outcome | Cases |\n|---|---|\n", Title(section.rfc).c_str(),
              std::string(section.requirement).c_str());
  std::vector<std::string> outcomes;
  std::map<std::string, std::string> names;
  for (const Row& row : rows) {
    std::string& list = names[row.outcome];
    if (list.empty()) {
      outcomes.push_back(row.outcome);
    } else {
      list += ", ";
    }
    list += "`" + row.name + "`";
  }
  for (const std::string& outcome : outcomes) {
    std::printf("| %s | %s |\n", outcome.c_str(), names[outcome].c_str());
  }
}

int Print() {
  Rows rows;
  AddRows(RequestCases(), "request", rows);
  AddRows(ResponseCases(), "response", rows);
  std::printf(
      "# Conformance\n\n"
      "What the parser, the framing rules and the server make of %zu requests and %zu responses,\n"
      "written out as bytes in `testing/http_cases*.cc`. `//fasthttp/http1:http_cases_test` runs\n"
      "each of them whole, split at every byte and followed by another message, with every parser\n"
      "variant. An outcome with an error names the `Errc`, what a server answers, and that the\n"
      "connection is closed.\n\n"
      "This page is generated: `bazel run //testing:conformance_matrix >docs/conformance.md`.\n",
      RequestCases().size(), ResponseCases().size());
  for (const Section& section : kSections) {
    auto found = rows.find(section.rfc);
    if (found == rows.end()) continue;
    PrintSection(section, found->second);
    rows.erase(found);
  }
  for (const auto& [rfc, left] : rows) {
    std::fprintf(stderr, "no requirement for section \"%s\" of %s\n", std::string(rfc).c_str(),
                 left.front().name.c_str());
  }
  return rows.empty() ? 0 : 1;
}

}  // namespace
}  // namespace fasthttp::testing

int main() { return fasthttp::testing::Print(); }
