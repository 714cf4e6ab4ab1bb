#include "fasthttp/base/errc.h"

#include <cstddef>

namespace fasthttp {
namespace {

struct Row {
  Errc errc;
  const char* name;
  int status;
  const char* text;
};

constexpr Row kRows[] = {
    {Errc::kOk, "Ok", 200, "ok"},
    {Errc::kAgain, "Again", 500, "operation would block"},
    {Errc::kNeedMore, "NeedMore", 400, "message incomplete"},
    {Errc::kNeedFieldSpace, "NeedFieldSpace", 500, "more room for fields needed"},
    {Errc::kTimeout, "Timeout", 504, "timeout"},
    {Errc::kCancelled, "Cancelled", 503, "cancelled"},
    {Errc::kClientGone, "ClientGone", 0, "client has gone away"},
    {Errc::kHandlerTimeout, "HandlerTimeout", 408, "handler timeout"},
    {Errc::kDraining, "Draining", 503, "server is shutting down"},
    {Errc::kOverloaded, "Overloaded", 503, "overloaded"},
    {Errc::kChannelClosed, "ChannelClosed", 500, "channel closed"},
    {Errc::kConnectionClosed, "ConnectionClosed", 0, "connection closed"},
    {Errc::kConnectionReset, "ConnectionReset", 0, "connection reset by peer"},
    {Errc::kConnectionRefused, "ConnectionRefused", 502, "connection refused"},
    {Errc::kUnreachable, "Unreachable", 502, "host unreachable"},
    {Errc::kUnexpectedEof, "UnexpectedEof", 400, "unexpected end of message"},
    {Errc::kIo, "Io", 500, "input/output error"},
    {Errc::kListenerClosed, "ListenerClosed", 0, "listener closed"},
    {Errc::kAddressInUse, "AddressInUse", 500, "address already in use"},
    {Errc::kBadAddress, "BadAddress", 500, "bad network address"},
    {Errc::kTooManyFiles, "TooManyFiles", 503, "out of file descriptors or socket memory"},
    {Errc::kPermission, "Permission", 500, "permission denied"},
    {Errc::kSlowPeer, "SlowPeer", 408, "peer is too slow"},
    {Errc::kIdleTimeout, "IdleTimeout", 408, "idle timeout"},
    {Errc::kProgramming, "Programming", 500, "programming error"},
    {Errc::kAlreadyExists, "AlreadyExists", 500, "already exists"},
    {Errc::kUnsupported, "Unsupported", 501, "not supported"},
    {Errc::kBadRequestLine, "BadRequestLine", 400, "malformed request line"},
    {Errc::kMissingMethod, "MissingMethod", 400, "missing request method"},
    {Errc::kBadMethod, "BadMethod", 400, "invalid request method"},
    {Errc::kExtraWhitespace, "ExtraWhitespace", 400, "extra whitespace in request line"},
    {Errc::kEmptyTarget, "EmptyTarget", 400, "empty request target"},
    {Errc::kBadTarget, "BadTarget", 400, "invalid request target"},
    {Errc::kTargetTooLong, "TargetTooLong", 414, "request target too long"},
    {Errc::kBadVersion, "BadVersion", 400, "malformed HTTP version"},
    {Errc::kVersionNotSupported, "VersionNotSupported", 505, "HTTP version not supported"},
    {Errc::kBadStatusLine, "BadStatusLine", 502, "malformed status line"},
    {Errc::kBadFieldName, "BadFieldName", 400, "invalid header field name"},
    {Errc::kSpaceBeforeColon, "SpaceBeforeColon", 400, "whitespace before colon in header field"},
    {Errc::kMissingColon, "MissingColon", 400, "header field without colon"},
    {Errc::kBadFieldValue, "BadFieldValue", 400, "invalid header field value"},
    {Errc::kObsFold, "ObsFold", 400, "folded header field"},
    {Errc::kBareLf, "BareLf", 400, "line ended by LF without CR"},
    {Errc::kHeadTooLarge, "HeadTooLarge", 431, "message head too large"},
    {Errc::kTooManyFields, "TooManyFields", 431, "too many header fields"},
    {Errc::kMissingHost, "MissingHost", 400, "missing Host header field"},
    {Errc::kDuplicateHost, "DuplicateHost", 400, "duplicate Host header field"},
    {Errc::kBadHost, "BadHost", 400, "invalid Host header field"},
    {Errc::kBadContentLength, "BadContentLength", 400, "invalid Content-Length"},
    {Errc::kDuplicateContentLength, "DuplicateContentLength", 400, "duplicate Content-Length"},
    {Errc::kBadTransferEncoding, "BadTransferEncoding", 400, "invalid Transfer-Encoding"},
    {Errc::kUnsupportedTransferEncoding, "UnsupportedTransferEncoding", 501,
     "unsupported transfer coding"},
    {Errc::kTransferEncodingOnHttp10, "TransferEncodingOnHttp10", 400,
     "Transfer-Encoding in an HTTP/1.0 message"},
    {Errc::kLengthAndTransferEncoding, "LengthAndTransferEncoding", 400,
     "both Content-Length and Transfer-Encoding"},
    {Errc::kUnexpectedContent, "UnexpectedContent", 400, "content in a request that has none"},
    {Errc::kBadExpectation, "BadExpectation", 417, "expectation failed"},
    {Errc::kBadTrailer, "BadTrailer", 400, "invalid trailer field"},
    {Errc::kBadChunk, "BadChunk", 400, "malformed chunk"},
    {Errc::kChunkExtensionTooLong, "ChunkExtensionTooLong", 400, "chunk extension too long"},
    {Errc::kTrailerTooLarge, "TrailerTooLarge", 431, "trailer section too large"},
    {Errc::kBodyTooLarge, "BodyTooLarge", 413, "message body too large"},
    {Errc::kGetOnly, "GetOnly", 405, "only GET and HEAD are allowed"},
    {Errc::kConcurrencyLimit, "ConcurrencyLimit", 503, "too many connections"},
    {Errc::kPerIpLimit, "PerIpLimit", 429, "too many connections from this address"},
    {Errc::kHeadTimeout, "HeadTimeout", 408, "request timeout"},
    {Errc::kBodyTimeout, "BodyTimeout", 408, "request body timeout"},
    {Errc::kWriteTimeout, "WriteTimeout", 0, "response write timeout"},
    {Errc::kHandlerException, "HandlerException", 500, "internal server error"},
    {Errc::kNoArgValue, "NoArgValue", 400, "argument is missing or empty"},
    {Errc::kBadNumber, "BadNumber", 400, "malformed number"},
    {Errc::kNumberOverflow, "NumberOverflow", 400, "number out of range"},
    {Errc::kBadUri, "BadUri", 400, "invalid URI"},
    {Errc::kBadDate, "BadDate", 400, "invalid date"},
    {Errc::kBadRange, "BadRange", 416, "invalid byte range"},
    {Errc::kNoCookies, "NoCookies", 400, "no cookie found"},
    {Errc::kBadCookieValue, "BadCookieValue", 400, "invalid cookie value"},
    {Errc::kMissingFile, "MissingFile", 400, "no such file in the form"},
    {Errc::kNoMultipartForm, "NoMultipartForm", 400, "request has no multipart form"},
    {Errc::kBadMultipart, "BadMultipart", 400, "malformed multipart form"},
    {Errc::kUnsupportedContentEncoding, "UnsupportedContentEncoding", 415,
     "unsupported Content-Encoding"},
    {Errc::kBadContentEncoding, "BadContentEncoding", 400, "malformed compressed body"},
    {Errc::kDialTimeout, "DialTimeout", 504, "dial timeout"},
    {Errc::kHostNotFound, "HostNotFound", 502, "no such host"},
    {Errc::kLookupFailed, "LookupFailed", 502, "host name lookup failed"},
    {Errc::kTlsHandshakeTimeout, "TlsHandshakeTimeout", 504, "TLS handshake timeout"},
    {Errc::kTlsHandshakeFailed, "TlsHandshakeFailed", 502, "TLS handshake failed"},
    {Errc::kTlsAlert, "TlsAlert", 502, "TLS was refused by the peer"},
    {Errc::kTlsProtocol, "TlsProtocol", 0, "TLS protocol error"},
    {Errc::kBadCertificate, "BadCertificate", 502, "certificate is not trusted"},
    {Errc::kNoFreeConns, "NoFreeConns", 503, "no free connections to the host"},
    {Errc::kMissingLocation, "MissingLocation", 502, "redirect without Location"},
    {Errc::kTooManyRedirects, "TooManyRedirects", 502, "too many redirects"},
    {Errc::kRedirectToDifferentScheme, "RedirectToDifferentScheme", 502,
     "redirect to a different scheme"},
    {Errc::kRedirectToDifferentHost, "RedirectToDifferentHost", 502,
     "redirect to a different host"},
    {Errc::kPipelineOverflow, "PipelineOverflow", 503, "pipeline queue overflow"},
    {Errc::kNoAvailableClients, "NoAvailableClients", 503, "no available clients"},
    {Errc::kTooManyInterimResponses, "TooManyInterimResponses", 502, "too many interim responses"},
};

constexpr bool RowsInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].errc != static_cast<Errc>(i)) return false;
  }
  return std::size(kRows) == static_cast<size_t>(Errc::kCount);
}
static_assert(RowsInOrder(), "kRows must list every Errc in the order of the enum");

constexpr Row kUnknown = {Errc::kCount, "Unknown", 500, "unknown error"};

const Row& RowOf(Errc errc) {
  size_t i = static_cast<size_t>(errc);
  return i < std::size(kRows) ? kRows[i] : kUnknown;
}

}  // namespace

std::string_view ErrcText(Errc errc) { return RowOf(errc).text; }
std::string_view ErrcName(Errc errc) { return RowOf(errc).name; }
int HttpStatusOf(Errc errc) { return RowOf(errc).status; }

}  // namespace fasthttp
