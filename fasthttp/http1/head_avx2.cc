#include "fasthttp/http1/head_line.h"

namespace fasthttp::http1 {
const ParseFunction kParseHeadAvx2 = nullptr;
const ParseFunction kParseHeadSse42 = nullptr;
}  // namespace fasthttp::http1
