#include "fasthttp/status.h"

#include "fasthttp/http1/serialize.h"

namespace fasthttp {

std::string_view StatusMessage(int code) { return http1::StatusText(code); }

}  // namespace fasthttp
