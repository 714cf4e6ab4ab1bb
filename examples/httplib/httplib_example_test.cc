// The program as it was moved, asked in memory: its main gets another name.
#define main HttplibMain
#include "examples/httplib/main.cc"
#undef main

#include "examples/httplib/cases.h"
#include "testing/test_server.h"

TEST(Httplib, Moved) {
  fasthttpadaptor::HttplibServer routes;
  AddRoutes(routes);
  fasthttptest::TestServer server(routes.NewHandler());
  ExpectAnswers(server.client());
}
