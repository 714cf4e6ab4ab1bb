// ServeWire: the other side of a client under test: a server that is simple enough to be right.
//
// Answers every request with its method, target and the length of its body: "POST /a 10". /chunked
// does so in chunks of one byte with a trailer, /interim after two interim responses, and /large
// with 150,000 bytes. It asks for a body that is held back by "Expect: 100-continue".
//
// Thread class: that of BlockingConn.
#ifndef TESTING_WIRE_SERVER_H_
#define TESTING_WIRE_SERVER_H_

#include "fasthttp/conn.h"

namespace fasthttp::testing {

// Until the client ends the connection, which it closes then.
void ServeWire(BlockingConn& conn);

}  // namespace fasthttp::testing

#endif  // TESTING_WIRE_SERVER_H_
