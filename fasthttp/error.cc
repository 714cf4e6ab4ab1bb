#include "fasthttp/error.h"

#include <optional>

#include "absl/strings/cord.h"
#include "fasthttp/status.h"

namespace fasthttp {
namespace {

constexpr std::string_view kErrcUrl = "fasthttp/errc";
constexpr std::string_view kRawUrl = "fasthttp/raw";
constexpr size_t kRawEnds = 200;

absl::StatusCode CodeOf(Errc errc) {
  switch (errc) {
    case Errc::kOk:
      return absl::StatusCode::kOk;
    case Errc::kTimeout:
    case Errc::kHandlerTimeout:
    case Errc::kSlowPeer:
    case Errc::kIdleTimeout:
    case Errc::kHeadTimeout:
    case Errc::kBodyTimeout:
    case Errc::kWriteTimeout:
    case Errc::kDialTimeout:
    case Errc::kTlsHandshakeTimeout:
      return absl::StatusCode::kDeadlineExceeded;
    case Errc::kCancelled:
    case Errc::kClientGone:
      return absl::StatusCode::kCancelled;
    case Errc::kAgain:
    case Errc::kNeedMore:
    case Errc::kDraining:
    case Errc::kConnectionClosed:
    case Errc::kConnectionReset:
    case Errc::kConnectionRefused:
    case Errc::kUnreachable:
    case Errc::kLookupFailed:
    case Errc::kUnexpectedEof:
    case Errc::kIo:
    case Errc::kListenerClosed:
    case Errc::kNoAvailableClients:
    case Errc::kTlsHandshakeFailed:
    case Errc::kTlsAlert:
    case Errc::kTlsProtocol:
      return absl::StatusCode::kUnavailable;
    case Errc::kBadCertificate:
      return absl::StatusCode::kUnauthenticated;
    case Errc::kOverloaded:
    case Errc::kTooManyFiles:
    case Errc::kConcurrencyLimit:
    case Errc::kPerIpLimit:
    case Errc::kNoFreeConns:
    case Errc::kPipelineOverflow:
    case Errc::kBodyTooLarge:
    case Errc::kHeadTooLarge:
    case Errc::kTooManyFields:
    case Errc::kTrailerTooLarge:
    case Errc::kTargetTooLong:
      return absl::StatusCode::kResourceExhausted;
    case Errc::kPermission:
      return absl::StatusCode::kPermissionDenied;
    case Errc::kAddressInUse:
    case Errc::kAlreadyExists:
      return absl::StatusCode::kAlreadyExists;
    case Errc::kUnsupported:
    case Errc::kUnsupportedTransferEncoding:
    case Errc::kVersionNotSupported:
    case Errc::kUnsupportedContentEncoding:
      return absl::StatusCode::kUnimplemented;
    case Errc::kProgramming:
    case Errc::kChannelClosed:
    case Errc::kTooManyRedirects:
    case Errc::kMissingLocation:
    case Errc::kRedirectToDifferentScheme:
    case Errc::kRedirectToDifferentHost:
      return absl::StatusCode::kFailedPrecondition;
    case Errc::kNoArgValue:
    case Errc::kNoCookies:
    case Errc::kMissingFile:
    case Errc::kNoMultipartForm:
    case Errc::kHostNotFound:
      return absl::StatusCode::kNotFound;
    case Errc::kNumberOverflow:
    case Errc::kBadRange:
      return absl::StatusCode::kOutOfRange;
    case Errc::kHandlerException:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

std::optional<Errc> PayloadOf(const absl::Status& status) {
  std::optional<absl::Cord> payload = status.GetPayload(kErrcUrl);
  if (!payload.has_value() || payload->size() != 2) return std::nullopt;
  auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<uint8_t>((*payload)[i])); };
  unsigned value = byte(0) << 8 | byte(1);
  if (value >= static_cast<unsigned>(Errc::kCount)) return std::nullopt;
  return static_cast<Errc>(value);
}

int HttpStatusOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return kStatusOK;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kStatusBadRequest;
    case absl::StatusCode::kFailedPrecondition:
      return kStatusPreconditionFailed;
    case absl::StatusCode::kUnauthenticated:
      return kStatusUnauthorized;
    case absl::StatusCode::kPermissionDenied:
      return kStatusForbidden;
    case absl::StatusCode::kNotFound:
      return kStatusNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return kStatusConflict;
    case absl::StatusCode::kResourceExhausted:
      return kStatusTooManyRequests;
    case absl::StatusCode::kUnimplemented:
      return kStatusNotImplemented;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return kStatusServiceUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return kStatusGatewayTimeout;
    default:
      return kStatusInternalServerError;
  }
}

}  // namespace

absl::Status ToStatus(Errc errc, std::string_view where) {
  if (errc == Errc::kOk) return absl::OkStatus();
  std::string message = "fasthttp: ";
  message.append(ErrcText(errc));
  if (!where.empty()) message.append(": ").append(where);
  absl::Status status(CodeOf(errc), message);
  unsigned value = static_cast<unsigned>(errc);
  char bytes[2] = {static_cast<char>(value >> 8), static_cast<char>(value)};
  status.SetPayload(kErrcUrl, absl::Cord(std::string_view(bytes, 2)));
  return status;
}

absl::Status ToStatusWithRaw(Errc errc, std::string_view where, std::string_view raw) {
  absl::Status status = ToStatus(errc, where);
  if (status.ok() || raw.empty()) return status;
  std::string kept;
  if (raw.size() <= 2 * kRawEnds) {
    kept.assign(raw);
  } else {
    kept.assign(raw.substr(0, kRawEnds)).append(raw.substr(raw.size() - kRawEnds));
  }
  status.SetPayload(kRawUrl, absl::Cord(std::move(kept)));
  return status;
}

Errc ErrcOf(const absl::Status& status) {
  if (status.ok()) return Errc::kOk;
  if (std::optional<Errc> errc = PayloadOf(status)) return *errc;
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return Errc::kTimeout;
    case absl::StatusCode::kCancelled:
      return Errc::kCancelled;
    case absl::StatusCode::kResourceExhausted:
      return Errc::kOverloaded;
    case absl::StatusCode::kAlreadyExists:
      return Errc::kAlreadyExists;
    case absl::StatusCode::kPermissionDenied:
      return Errc::kPermission;
    case absl::StatusCode::kUnimplemented:
      return Errc::kUnsupported;
    case absl::StatusCode::kFailedPrecondition:
      return Errc::kProgramming;
    default:
      return Errc::kIo;
  }
}

int HttpStatusOf(const absl::Status& status) {
  if (status.ok()) return kStatusOK;
  std::optional<Errc> errc = PayloadOf(status);
  if (!errc.has_value()) return HttpStatusOfCode(status.code());
  int code = HttpStatusOf(*errc);
  return code == 0 ? kStatusInternalServerError : code;
}

int GatewayStatus(const absl::Status& status) {
  if (status.ok()) return kStatusOK;
  Errc errc = ErrcOf(status);
  switch (errc) {
    case Errc::kOverloaded:
    case Errc::kDraining:
    case Errc::kTooManyFiles:
    case Errc::kConcurrencyLimit:
    case Errc::kPerIpLimit:
    case Errc::kNoFreeConns:
    case Errc::kPipelineOverflow:
    case Errc::kNoAvailableClients:
      return kStatusServiceUnavailable;
    default:
      return CodeOf(errc) == absl::StatusCode::kDeadlineExceeded ? kStatusGatewayTimeout
                                                                 : kStatusBadGateway;
  }
}

std::string_view ClientText(const absl::Status& status) {
  if (std::optional<Errc> errc = PayloadOf(status)) return ErrcText(*errc);
  return StatusMessage(HttpStatusOf(status));
}

std::string RawBytesOf(const absl::Status& status) {
  std::optional<absl::Cord> payload = status.GetPayload(kRawUrl);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace fasthttp
