/*
** Writes gzip files (RFC 1952) of stored blocks (RFC 1951, 3.2.4), which
** clients must decode and which need no library.
*/
#include "gzip.h"

static uint32_t crc32_of(const char *data, size_t len) {
  uint32_t crc = 0xffffffffu;
  size_t i;
  int bit;
  for (i = 0; i < len; i++) {
    crc ^= (unsigned char)data[i];
    for (bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static void add_little_endian(ws_buffer *b, uint32_t value, int bytes) {
  for (; bytes > 0; bytes--, value >>= 8) {
    char byte = (char)(value & 0xff);
    ws_buffer_add(b, &byte, 1);
  }
}

static void add_block(ws_buffer *b, const char *data, size_t len,
                      bool last) {
  add_little_endian(b, last, 1);
  add_little_endian(b, (uint32_t)len, 2);
  add_little_endian(b, (uint32_t)~len, 2);
  ws_buffer_add(b, data, len);
}

void gzip_store(ws_buffer *b, const char *data, size_t len) {
  static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
  size_t at = 0;
  ws_buffer_add(b, head, sizeof head - 1);
  do {
    size_t part = len - at < 0xffff ? len - at : 0xffff;
    add_block(b, data + at, part, at + part == len);
    at += part;
  } while (at < len);
  add_little_endian(b, crc32_of(data, len), 4);
  add_little_endian(b, (uint32_t)len, 4);
}
