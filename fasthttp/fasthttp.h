// Everything that a program which serves HTTP, or asks others by it, needs. Each header may also be
// included by itself.
#ifndef FASTHTTP_FASTHTTP_H_
#define FASTHTTP_FASTHTTP_H_

#include "absl/functional/bind_front.h"
#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "fasthttp/bytes.h"
#include "fasthttp/client.h"
#include "fasthttp/context.h"
#include "fasthttp/cookie.h"
#include "fasthttp/error.h"
#include "fasthttp/fiber_local.h"
#include "fasthttp/header_names.h"
#include "fasthttp/hijack.h"
#include "fasthttp/host_client.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/server.h"
#include "fasthttp/status.h"
#include "fasthttp/sync.h"
#include "fasthttp/task.h"
#include "fasthttp/task_group.h"
#include "fasthttp/timeout_handler.h"

#endif  // FASTHTTP_FASTHTTP_H_
