// DetectContentType: the media type of a body, guessed from its first bytes.
//
// What a browser would take the bytes for: the algorithm of the WHATWG MIME Sniffing Standard
// (sections 6 and 7.1, https://mimesniff.spec.whatwg.org/), with the fonts and media of its other
// tables. At most the first 512 bytes are looked at.
//
// When not to use it: for bytes that came from a user and are served to others. Whoever can make
// a page out of an upload can run scripts in your origin: set the type that you expect, and
// "X-Content-Type-Options: nosniff".
//
// Thread class: pure function, thread-safe.
#ifndef FASTHTTP_ADAPTOR_DETECT_CONTENT_TYPE_H_
#define FASTHTTP_ADAPTOR_DETECT_CONTENT_TYPE_H_

#include <cstddef>
#include <string_view>

namespace fasthttpadaptor {

// Bytes that take part in the guess.
inline constexpr size_t kSniffBytes = 512;

// Always a valid media type, of static storage: "text/plain; charset=utf-8" for text and for no
// bytes at all, "application/octet-stream" for bytes that nothing is known of.
std::string_view DetectContentType(std::string_view data);

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_DETECT_CONTENT_TYPE_H_
