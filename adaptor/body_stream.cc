#include "adaptor/body_stream.h"

#include "adaptor/response_writer.h"

namespace fasthttpadaptor {

// --- ViewStream -------------------------------------------------------------------------------

ViewStream::Buffer::Buffer(std::string_view bytes) {
  char* begin = const_cast<char*>(bytes.data());  // A get area is never written to.
  setg(begin, begin, begin + bytes.size());
}

std::streambuf::pos_type ViewStream::Buffer::seekoff(off_type offset, std::ios_base::seekdir from,
                                                     std::ios_base::openmode which) {
  const off_type size = egptr() - eback();
  off_type base = 0;
  if (from == std::ios_base::cur) base = gptr() - eback();
  if (from == std::ios_base::end) base = size;
  const bool valid = offset >= -base && offset <= size - base;
  if (!valid || !(which & std::ios_base::in)) return pos_type(off_type(-1));
  setg(eback(), eback() + base + offset, egptr());
  return pos_type(base + offset);
}

std::streambuf::pos_type ViewStream::Buffer::seekpos(pos_type position,
                                                     std::ios_base::openmode which) {
  return seekoff(off_type(position), std::ios_base::beg, which);
}

// --- ReaderStream -----------------------------------------------------------------------------

std::streambuf::int_type ReaderStream::Buffer::underflow() {
  if (!status_.ok()) return traits_type::eof();
  absl::StatusOr<size_t> n = reader_.Read(block_);
  if (!n.ok()) {
    status_ = n.status();
    stream_.setstate(std::ios_base::badbit);
    return traits_type::eof();
  }
  if (*n == 0) return traits_type::eof();
  setg(block_, block_, block_ + *n);
  return traits_type::to_int_type(block_[0]);
}

// --- WriterStream -----------------------------------------------------------------------------

std::streamsize WriterStream::Buffer::xsputn(const char* bytes, std::streamsize size) {
  return writer_.Write({bytes, static_cast<size_t>(size)}).ok() ? size : 0;
}

std::streambuf::int_type WriterStream::Buffer::overflow(int_type byte) {
  if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
  const char c = traits_type::to_char_type(byte);
  return xsputn(&c, 1) == 1 ? byte : traits_type::eof();
}

}  // namespace fasthttpadaptor
