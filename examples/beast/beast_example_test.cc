// The program as it was moved, asked in memory: its main gets another name.
#define main BeastMain
#include "examples/beast/main.cc"
#undef main

#include "examples/beast/cases.h"
#include "testing/test_server.h"

TEST(Beast, Moved) {
  fasthttptest::TestServer server(fasthttpadaptor::NewBeastHandler(Handle));
  ExpectAnswers(server.client());
}
