// What an intermediary does to the header of a message before it passes it on (RFC 9110, section
// 7.6; RFC 7239 for where the X-Forwarded fields come from).
//
// A proxy that copies a message whole hands its own connection's business on to the next hop:
// these functions take that out, and say who asked.
//
// Thread class: pure functions, thread-safe; a header belongs to its caller.
#ifndef FASTHTTP_FORWARDING_H_
#define FASTHTTP_FORWARDING_H_

#include <string_view>

#include "fasthttp/header.h"

namespace fasthttp {

// Removes the fields that are for this connection only: every field that Connection names, and
// Connection itself, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE,
// Trailer, Upgrade. A Connection field cannot take away Host, Content-Length or other fields that
// describe the message: those options are ignored. Transfer-Encoding and the close flag are managed
// by whoever sends the message on; the flag is cleared here.
//
// Call it on the request before it is sent and on the response before it goes back. To pass a
// protocol upgrade on, set Connection and Upgrade again afterwards.
void RemoveHopByHopHeaders(RequestHeader& header);
void RemoveHopByHopHeaders(ResponseHeader& header);

// Adds `client_ip` to the end of X-Forwarded-For, and sets X-Forwarded-Host and X-Forwarded-Proto
// unless they are there. {} leaves a field alone. What the client itself sent in these fields stays
// in front: a server behind must count from the end, or the first proxy delete them.
void AddForwardedHeaders(RequestHeader& header, std::string_view client_ip, std::string_view host,
                         std::string_view proto);

}  // namespace fasthttp

#endif  // FASTHTTP_FORWARDING_H_
