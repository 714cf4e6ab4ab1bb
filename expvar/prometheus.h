// PrometheusHandler: all variables of the process (expvar/var.h) as metrics, in the text format of
// Prometheus, version 0.0.4, or as OpenMetrics 1.0.0 for a client whose Accept prefers that, as
// Prometheus' own does.
//
//   if (ctx.Path() == "/debug/metrics") return expvar::PrometheusHandler(ctx);
//
// How a variable becomes metrics:
//
//   Int, Float, a Func's number or bool     name 7
//   String, a Func's text                   name{value="text"} 1
//   Map                                     name{key="..."} 7
//   Value::Object                           a metric for each member: name_member
//   Value::ByLabel                          a label for each member
//   Value::Histogram                        name_bucket{le="..."}, name_sum, name_count
//   null, Value::Array                      nothing
//
// A metric whose name ends in "_total" is a counter, a histogram is one, and everything else is
// untyped: the variable does not say whether it may fall. In names, what is no ASCII letter or
// digit becomes "_"; in label values, what is no UTF-8 becomes U+FFFD. Two variables may so get one
// name. Then the later one by its own name is left out, and a comment at the end says so; but
// OpenMetrics knows no comments. There a counter's family is called without its "_total", so that
// "hits_total" leaves no room for "hits".
//
// When not to use it: on a port that strangers reach (see expvar/handler.h).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_PROMETHEUS_H_
#define FASTHTTP_EXPVAR_PROMETHEUS_H_

#include <string>

#include "fasthttp/request_ctx.h"

namespace expvar {

// 200, with Vary: Accept. What Accept does not allow either is answered in the text format. An
// exception of an expvar::Func passes through.
void PrometheusHandler(fasthttp::RequestCtx& ctx);

// Appends the same text.
enum class MetricsFormat { kText, kOpenMetrics };
void AppendPrometheus(std::string& dst, MetricsFormat format = MetricsFormat::kText);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PROMETHEUS_H_
