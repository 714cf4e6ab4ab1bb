// The bodies of a request and of a response as streams of the standard library.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ADAPTOR_BODY_STREAM_H_
#define FASTHTTP_ADAPTOR_BODY_STREAM_H_

#include <istream>
#include <ostream>
#include <streambuf>
#include <string_view>

#include "absl/status/status.h"
#include "fasthttp/body_reader.h"

namespace fasthttpadaptor {

// Reads bytes where they are. Can be positioned.
class ViewStream final : public std::istream {
 public:
  explicit ViewStream(std::string_view bytes) : std::istream(nullptr), buffer_(bytes) {
    rdbuf(&buffer_);
  }

 private:
  class Buffer final : public std::streambuf {
   public:
    explicit Buffer(std::string_view bytes);

   private:
    pos_type seekoff(off_type offset, std::ios_base::seekdir from,
                     std::ios_base::openmode which) override;
    pos_type seekpos(pos_type position, std::ios_base::openmode which) override;
  };

  Buffer buffer_;
};

// Reads from a BodyReader as it is read, 4 KiB at a time. When that fails the stream is bad().
class ReaderStream final : public std::istream {
 public:
  explicit ReaderStream(fasthttp::BodyReader& reader)
      : std::istream(nullptr), buffer_(reader, *this) {
    rdbuf(&buffer_);
  }

  // Why it is bad.
  const absl::Status& status() const { return buffer_.status(); }

 private:
  class Buffer final : public std::streambuf {
   public:
    Buffer(fasthttp::BodyReader& reader, std::istream& stream) : reader_(reader), stream_(stream) {}
    const absl::Status& status() const { return status_; }

   private:
    int_type underflow() override;

    fasthttp::BodyReader& reader_;
    std::istream& stream_;
    absl::Status status_;
    char block_[4096];
  };

  Buffer buffer_;
};

class ResponseWriter;

// Gives every piece to a ResponseWriter's Write at once. badbit tells that it refused one.
class WriterStream final : public std::ostream {
 public:
  explicit WriterStream(ResponseWriter& writer) : std::ostream(nullptr), buffer_(writer) {
    rdbuf(&buffer_);
  }

 private:
  class Buffer final : public std::streambuf {
   public:
    explicit Buffer(ResponseWriter& writer) : writer_(writer) {}

   private:
    std::streamsize xsputn(const char* bytes, std::streamsize size) override;
    int_type overflow(int_type byte) override;

    ResponseWriter& writer_;
  };

  Buffer buffer_;
};

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_BODY_STREAM_H_
