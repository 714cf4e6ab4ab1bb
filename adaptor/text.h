// NewTextHandler: serves a plain function from text to text.
//
//   std::string Reverse(std::string_view text) { return {text.rbegin(), text.rend()}; }
//   server: {.handler = fasthttpadaptor::NewTextHandler(Reverse)}
//
// For what has read lines or messages so far and shall answer over HTTP too. The function sees the
// request's body, or its path, and its result is the body of a 200, which is sent without a copy.
//
// When not to use it: if status codes, fields or methods matter. A function that throws gives a
// 500 and ends the connection, as every handler that throws.
//
// Thread class: the function is called from all loops at once.
#ifndef FASTHTTP_ADAPTOR_TEXT_H_
#define FASTHTTP_ADAPTOR_TEXT_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "fasthttp/base/check.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

// The view is valid during the call.
using TextFunc = std::function<std::string(std::string_view)>;

struct TextOptions {
  // What the function is given: the body as it was received, of whatever method; or the path,
  // decoded and normalised.
  enum class Input { kBody, kPath };
  Input input = Input::kBody;
  std::string content_type = "text/plain; charset=utf-8";
};

// `function` must not be empty.
inline fasthttp::RequestHandler NewTextHandler(TextFunc function, TextOptions options = {}) {
  FASTHTTP_CHECK(static_cast<bool>(function), "NewTextHandler needs a function");
  return [function = std::move(function), options = std::move(options)](fasthttp::RequestCtx& ctx) {
    absl::StatusOr<std::string_view> text = ctx.Path();
    if (options.input == TextOptions::Input::kBody) text = ctx.request().ReadBody();
    if (!text.ok()) return ctx.Error(text.status());
    std::string result = function(*text);
    ctx.SetContentType(options.content_type);
    ctx.response().SetBodyOwned(std::move(result));
  };
}

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_TEXT_H_
