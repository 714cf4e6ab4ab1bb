// ReadResponse: one HTTP/1 response from a connection, for tests.
//
// Thread class: as BlockingConn.
#ifndef FASTHTTP_TESTING_RESPONSE_READER_H_
#define FASTHTTP_TESTING_RESPONSE_READER_H_

#include <string_view>

#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/response.h"

namespace fasthttptest {

// What the method of a raw request means for the framing of its answer.
fasthttp::http1::MethodId RequestMethodOf(std::string_view raw_request);

// Reads the next response that is not an interim one; strict. kUnexpectedEof if the stream ends
// before it does. Bytes behind it that were received with it are lost.
fasthttp::Errc ReadResponse(fasthttp::BlockingConn& conn, fasthttp::http1::MethodId request_method,
                            fasthttp::Response& response);

}  // namespace fasthttptest

#endif  // FASTHTTP_TESTING_RESPONSE_READER_H_
