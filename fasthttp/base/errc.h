// Errc: what can go wrong, as one small enum.
//
// Inside the library every failure is an Errc: two bytes, no allocation, compared by value. An
// absl::Status is made from it only at the edge of the public API (fasthttp/error.h), where
// ErrcOf() reads it back; text is never compared.
//
// Thread class: values, thread-compatible.
#ifndef FASTHTTP_BASE_ERRC_H_
#define FASTHTTP_BASE_ERRC_H_

#include <cstdint>
#include <string_view>

namespace fasthttp {

// Version 14 takes an attributed enum for a function.
// clang-format off
enum class [[nodiscard]] Errc : uint16_t {
  kOk = 0,

  // --- Flow control, never shown to users ---------------------------------------------------
  kAgain,           // A non-blocking call would have to wait.
  kNeedMore,        // The parser wants more bytes.
  kNeedFieldSpace,  // The parser wants a larger array of fields.

  // --- Waiting ------------------------------------------------------------------------------
  kTimeout,         // The caller's deadline has passed.
  kCancelled,       // The current Context was cancelled by its owner.
  kClientGone,      // The peer of the request being served has gone away.
  kHandlerTimeout,  // The handler's own deadline has passed (TimeoutHandler).
  kDraining,        // The server is shutting down.
  kOverloaded,      // A bounded queue (Offload, blocked handlers, pool waiters) is full.
  kChannelClosed,   // Send on a closed Channel, or receive from one that is empty as well.

  // --- Transport ----------------------------------------------------------------------------
  kConnectionClosed,  // Use of a connection that this side has closed, or a clean early end.
  kConnectionReset,   // RST, EPIPE and their like.
  kConnectionRefused, // Nobody listens at the address.
  kUnreachable,       // No route to the host, or no address of that family on this machine.
  kUnexpectedEof,     // The peer ended in the middle of a message.
  kIo,                // Any other error of the operating system.
  kListenerClosed,    // Accept or dial on a listener that has been closed.
  kAddressInUse,
  kBadAddress,    // An address that does not parse.
  kTooManyFiles,  // EMFILE, ENFILE, ENOBUFS, ENOMEM at accept or dial.
  kPermission,    // EACCES, EPERM.
  kSlowPeer,      // Fewer bytes per second than the configured minimum.
  kIdleTimeout,   // No byte moved for the configured time.
  kProgramming,   // The API was used in a way its header forbids.
  kAlreadyExists,
  kUnsupported,  // A feature that this build or target does not contain.

  // --- Messages: grammar (RFC 9112) ---------------------------------------------------------
  kBadRequestLine,       // Section 3: malformed request-line.
  kMissingMethod,        // Empty method.
  kBadMethod,            // A byte in the method that is not a tchar.
  kExtraWhitespace,      // More than one SP in the request-line.
  kEmptyTarget,          // Empty request-target.
  kBadTarget,            // Section 3.2: a request-target in none of the four forms.
  kTargetTooLong,        // Request-line over the limit: 414.
  kBadVersion,           // Not HTTP/DIGIT.DIGIT.
  kVersionNotSupported,  // Major version other than 1: 505.
  kBadStatusLine,        // Section 4.
  kBadFieldName,         // Section 5: a name that is not a token.
  kSpaceBeforeColon,     // Section 5.1.
  kMissingColon,         // A field line without ":".
  kBadFieldValue,        // A control byte other than HTAB in a value, or a bare CR.
  kObsFold,              // Section 5.2: a folded line.
  kBareLf,               // Section 2.2: LF without CR as line end.
  kHeadTooLarge,         // The head is over its limit in bytes: 431.
  kTooManyFields,        // The head is over its limit in fields: 431.
  kMissingHost,          // Section 3.2: HTTP/1.1 without Host.
  kDuplicateHost,        // Section 3.2.
  kBadHost,              // Host that is not uri-host [":" port].
  kBadContentLength,     // Not 1*DIGIT, or out of range.
  kDuplicateContentLength,
  kBadTransferEncoding,          // Malformed, duplicate, or chunked not final.
  kUnsupportedTransferEncoding,  // A coding other than chunked: 501.
  kTransferEncodingOnHttp10,
  kLengthAndTransferEncoding,  // Section 6.3: both are present.
  kUnexpectedContent,          // RFC 9110, 9.3.6: CONNECT with content. Ours, 9.3.8: TRACE too.
  kBadExpectation,             // Expect other than 100-continue: 417.
  kBadTrailer,                 // A trailer field that is malformed or forbidden.
  kBadChunk,                   // Section 7.1: malformed chunk.
  kChunkExtensionTooLong,
  kTrailerTooLarge,

  // --- Messages: limits and policy ----------------------------------------------------------
  kBodyTooLarge,      // 413.
  kGetOnly,           // 405.
  kConcurrencyLimit,  // 503.
  kPerIpLimit,        // 429.
  kHeadTimeout,       // 408.
  kBodyTimeout,       // 408.
  kWriteTimeout,      // The peer does not take the response.
  kHandlerException,  // 500.

  // --- Values -------------------------------------------------------------------------------
  kNoArgValue,  // GetUint and its kin on a missing or empty argument.
  kBadNumber,
  kNumberOverflow,
  kBadUri,
  kBadDate,
  kBadRange,
  kNoCookies,
  kBadCookieValue,
  kMissingFile,
  kNoMultipartForm,
  kBadMultipart,
  kUnsupportedContentEncoding,
  kBadContentEncoding,

  // --- Client -------------------------------------------------------------------------------
  kDialTimeout,
  kHostNotFound,  // The name has no address; asking again gives the same answer for a while.
  kLookupFailed,  // The name could not be looked up now: no name server answered, or it failed.
  kTlsHandshakeTimeout,
  kTlsHandshakeFailed,  // The two sides agree on nothing, or the peer broke the protocol.
  kTlsAlert,            // The peer ended TLS with an alert: it refused us.
  kTlsProtocol,         // A record that was tampered with or is not allowed, after the handshake.
  kBadCertificate,      // The peer's certificate is not to be trusted for the host.
  kNoFreeConns,
  kMissingLocation,
  kTooManyRedirects,
  kRedirectToDifferentScheme,  // Neither http nor https, or not what the HostClient speaks.
  kRedirectToDifferentHost,    // A HostClient was sent to a host that is not its own.
  kPipelineOverflow,
  kNoAvailableClients,
  kTooManyInterimResponses,

  kCount,  // Not an error: the number of enumerators.
};
// clang-format on

// A short, constant English sentence fragment, for instance "request head too large". It holds no
// byte of any message, so it may be shown to a client.
std::string_view ErrcText(Errc errc);

// The enumerator's name as written above without its "k", for instance "HeadTooLarge".
std::string_view ErrcName(Errc errc);

// The status code that a server answers when reading or serving a request failed with `errc`;
// 0 if there is nobody left to answer (the peer has gone, or the connection is broken).
int HttpStatusOf(Errc errc);

}  // namespace fasthttp

#endif  // FASTHTTP_BASE_ERRC_H_
