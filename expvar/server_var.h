// ServerVar: the figures of a server, in the variable "fasthttp" under a name of your choice.
//
//   fasthttp::Server server({.handler = Handle});
//   expvar::ServerVar shown("api", server);
//   return server.ListenAndServe(":8080");
//
// /debug/vars then has, and /debug/metrics with the label server="api":
//
//   "fasthttp": {"api": {"requests_total": ..., "responses_total": {"2xx": ...},
//                        "latency_seconds": {...}, "connections_open": ..., "loops": {...}}}
//
// What the figures mean: ServerStats (fasthttp/server.h) and LoopReport (fasthttp/runtime/loop.h).
// The loops are those of the server's runtime: two servers on one runtime show the same ones.
// Looking costs some 5 us a server and 1 us a loop (debug_bench.cc), and disturbs no loop; while
// nobody looks it costs nothing.
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_SERVER_VAR_H_
#define FASTHTTP_EXPVAR_SERVER_VAR_H_

#include <string>
#include <string_view>

#include "expvar/var.h"
#include "fasthttp/server.h"

namespace expvar {

class ServerVar {
 public:
  // Publishes `server`, which must outlive this object: declare it behind the server. Names are
  // unique among those that live; a second one ends the program and says so.
  ServerVar(std::string_view name, const fasthttp::Server& server, Where where = Where::Here());
  // Afterwards the server is not looked at, nor shown.
  ~ServerVar();
  ServerVar(const ServerVar&) = delete;
  ServerVar& operator=(const ServerVar&) = delete;

 private:
  const std::string name_;
};

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_SERVER_VAR_H_
