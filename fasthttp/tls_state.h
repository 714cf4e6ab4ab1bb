// TLSConnectionState: what a TLS handshake agreed on, and what the peer showed.
//
// A handler gets it from RequestCtx::TLSConnectionState(), the hook of a client that looks at
// certificates from ClientTLSSettings. It needs no TLS library to be linked.
//
// Thread class: a value.
#ifndef FASTHTTP_TLS_STATE_H_
#define FASTHTTP_TLS_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace fasthttp {

// As on the wire. Older versions are not spoken (RFC 8996).
enum class TLSVersion : uint16_t {
  kTLS12 = 0x0303,
  kTLS13 = 0x0304,
};

struct TLSConnectionState {
  TLSVersion version = TLSVersion::kTLS13;
  // IANA's name, such as "TLS_AES_128_GCM_SHA256".
  std::string cipher_suite;
  // What ALPN (RFC 7301) agreed on; empty if the client offered nothing.
  std::string negotiated_protocol;
  // The name that the client asked for (SNI, RFC 6066); empty if it named none.
  std::string server_name;
  // An earlier session went on: no certificate was sent this time, and the chain is that of then.
  bool did_resume = false;
  // The certificates of the peer in DER, its own first, as it sent them; empty if it sent none. Of
  // a client they are verified, unless ClientAuth is off, and then there are none. Of a server they
  // are verified unless that was switched off.
  std::vector<std::string> peer_certificates;
  // The OCSP response that a server stapled (RFC 6066, section 8), in DER.
  std::string ocsp_response;
};

}  // namespace fasthttp

#endif  // FASTHTTP_TLS_STATE_H_
