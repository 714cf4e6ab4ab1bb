#include "fasthttp/http1/ascii.h"
#include "fasthttp/http1/head_line.h"

namespace fasthttp::http1 {
namespace {

// Row h (2 to 7) of ASCII has bit h - 2: a row's bit is set in low[] for the columns that are
// tchars.
constexpr ScanTables MakeTables() {
  ScanTables t{};
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned column = i & 15;
    for (unsigned row = 2; row < 8; ++row) {
      if (IsToken(static_cast<char>(row * 16 + column))) {
        t.low[i] = static_cast<uint8_t>(t.low[i] | 1u << (row - 2));
      }
    }
    if (column >= 2 && column < 8) t.high[i] = static_cast<uint8_t>(1u << (column - 2));

    // Letters, digits, '-' and '.', by rows 2, 3, 4 and 6, 5 and 7.
    if (column == 13 || column == 14) t.host_low[i] |= 1;
    if (column < 10) t.host_low[i] |= kHostDigit;
    if (column >= 1) t.host_low[i] |= 4;
    if (column <= 10) t.host_low[i] |= 8;
    constexpr uint8_t kHostRows[8] = {0, 0, 1, kHostDigit, 4, 8, 4, 8};
    if (column < 8) t.host_high[i] = kHostRows[column];
    t.host_digit[i] = kHostDigit;
    t.nibble[i] = 0x0f;
    t.one[i] = 1;
    t.lowest_text[i] = 0x21;
    t.lowest_path[i] = 0x22;
    t.hash_like[i] = 0xf9;
    t.hash_at[i] = 0x21;
    t.colon[i] = ':';
    t.slash[i] = '/';
    t.dot[i] = '.';
    t.percent[i] = '%';
    t.backslash[i] = '\\';
    t.question[i] = '?';
    t.hash[i] = '#';
  }
  return t;
}

}  // namespace

constinit const ScanTables kScanTables = MakeTables();

}  // namespace fasthttp::http1
