// The steps of reading a message out of memory. For the Read of messages and headers.
#ifndef FASTHTTP_MESSAGE_READER_H_
#define FASTHTTP_MESSAGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::internal {

// Bytes that are read from the front, with the parser's padding behind them.
class MessageReader {
 public:
  // Copies `bytes`.
  explicit MessageReader(std::string_view bytes);

  // A head into `header`, which owns its bytes then, and where the body behind it ends.
  Errc ReadHead(RequestHeader& header, http1::Framing& framing);
  Errc ReadHead(ResponseHeader& header, http1::MethodId request_method, http1::Framing& framing);
  // The body behind the head that was read last: f(piece) for each piece of it. kUnexpectedEof,
  // kBodyTooLarge, or what is wrong with a chunk. Trailers go to `header`.
  Errc ReadBody(const http1::Framing& framing, uint64_t max_body_size, HeaderTrailers& header,
                absl::FunctionRef<void(std::string_view piece)> f);

  // How much was read.
  size_t used() const { return used_; }

 private:
  template <typename Parse>
  Errc ParseHead(Parse parse, http1::Head& head);
  Errc ReadChunked(uint64_t max_body_size, HeaderTrailers& header,
                   absl::FunctionRef<void(std::string_view piece)> f);
  std::string_view rest() const { return std::string_view(bytes_).substr(used_, size_ - used_); }

  std::string bytes_;
  size_t size_;
  size_t used_ = 0;
  std::vector<http1::Field> fields_;
};

}  // namespace fasthttp::internal

#endif  // FASTHTTP_MESSAGE_READER_H_
