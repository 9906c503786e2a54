/*
** Fuzzes a whole request. The server's response is arbitrary bytes or, if the
** first byte says so, a proper response with any status, headers and body. For
** arbitrary bytes few properties are checked, for a proper response all,
** including the pause for Retry-After and the Date.
*/

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 2048, HEADERS = 32 };

typedef struct header {
  char name[32], value[128];
} header;

/* A proper answer, and how it looks on the wire. */
typedef struct answer {
  int status;
  int count;
  header headers[HEADERS];
  const uint8_t *body;
  size_t body_size;
  char head[HEADERS * 256];
} answer;

/* ------------------------------------------------------- proper answers */

static const char *take_line(const uint8_t **data, size_t *left,
                             size_t *size) {
  const char *line = (const char *)*data;
  const uint8_t *end = memchr(*data, '\n', *left);
  *size = end ? (size_t)(end - *data) : *left;
  *data += *size + (end != NULL);
  *left -= *size + (end != NULL);
  return line;
}

/* Headers that say where the answer ends, or how it is to be read. */
static bool is_frame(const char *name) {
  static const char *const frames[] = {
    "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection",
    "Proxy-Connection", "Trailer", "Upgrade", "HTTP", NULL};
  for (const char *const *at = frames; *at; at++)
    if (strcasecmp(*at, name) == 0) return true;
  return false;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static bool read_header(header *h, const char *line, size_t size) {
  const char *colon = memchr(line, ':', size);
  size_t name = colon ? (size_t)(colon - line) : 0, at = name + 1;
  if (name == 0 || name >= sizeof h->name) return false;
  for (size_t i = 0; i < name; i++)
    h->name[i] = isalnum((unsigned char)line[i]) ? line[i] : '-';
  h->name[name] = '\0';
  while (at < size && is_blank(line[at])) at++;
  while (size > at && is_blank(line[size - 1])) size--;
  if (size - at >= sizeof h->value || is_frame(h->name)) return false;
  for (size_t i = at; i < size; i++)
    h->value[i - at] = (unsigned char)line[i] < ' ' || line[i] == 127
                         ? '?' : line[i];
  h->value[size - at] = '\0';
  return true;
}

static void write_head(answer *a) {
  size_t at = (size_t)sprintf(a->head, "HTTP/1.1 %d Said\r\n", a->status);
  for (int i = 0; i < a->count; i++)
    at += (size_t)sprintf(a->head + at, "%s:%s%s \r\n", a->headers[i].name,
                          i % 2 ? "" : "\t ", a->headers[i].value);
  sprintf(a->head + at, "Content-Length: %zu\r\n\r\n", a->body_size);
}

/* Two bytes of the status, lines of headers, an empty one, the body. */
static void read_answer(answer *a, const uint8_t *data, size_t left) {
  static const int common[] = {200, 201, 202, 401, 403, 404, 422, 429, 500,
                               502, 503, 504, 302, 429, 503, 599};
  a->status = left ? common[*data % 16] : 200;
  if (left && *data > 200) a->status = 205 + *data % 256;
  if (left) data++, left--;
  for (a->count = 0; left && a->count < HEADERS - 1;) {
    size_t size;
    const char *line = take_line(&data, &left, &size);
    if (size == 0) break;
    if (read_header(&a->headers[a->count], line, size)) a->count++;
  }
  if (a->status == 304) a->status = 305;
  a->body = data;
  a->body_size = left < MOST ? left : MOST;
  write_head(a);
}

/* --------------------------------------------------------------- checks */

static ws_kind kind_of(int status) {
  if (status == 401) return WS_UNAUTHORIZED;
  if (status == 403) return WS_FORBIDDEN;
  if (status == 404) return WS_NOT_FOUND;
  if (status == 429) return WS_RATE_LIMITED;
  return status < 200 ? WS_DECODE : status < 300 ? WS_OK
       : status < 400 ? WS_REDIRECT : status < 500 ? WS_REJECTED : WS_SERVER;
}

static const char *value_of(const answer *a, const char *name) {
  for (int i = 0; i < a->count; i++)
    if (strcasecmp(a->headers[i].name, name) == 0) return a->headers[i].value;
  return NULL;
}

/* Seconds since 1970 of a date as HTTP writes it, -1 for any other text. */
static double date_of(const char *text) {
  static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
  struct tm parts;
  char again[64];
  time_t moment;
  memset(&parts, 0, sizeof parts);
  if (!text || !strptime(text, form, &parts) || parts.tm_year < 0) return -1;
  moment = timegm(&parts);
  gmtime_r(&moment, &parts);
  strftime(again, sizeof again, form, &parts);
  return strcmp(again, text) == 0 ? (double)moment : -1;
}

/* The pause that a 429 or 503 requests, at most the client's 30 seconds; -1 if
** it requests none, or none that is known here. */
static double wait_of(const char *text, double *margin) {
  size_t digits = text ? strspn(text, "0123456789") : 0;
  double date = date_of(text);
  *margin = 0;
  if (digits && !text[digits] && digits < 64) return fmin(atof(text), 30);
  if (date < 0) return -1;
  *margin = 2;
  return fmax(0, fmin(date - (double)time(NULL), 30));
}

static void check_pause(int status, const char *asked, double pause) {
  double margin, wait = wait_of(asked, &margin);
  CHECK(pause >= 0 && pause <= 30);
  if (status != 429 && status != 503) CHECK(pause <= 0.5);
  else if (wait >= 0) CHECK(fabs(pause - wait) <= margin + 1e-6);
  else if (!asked) CHECK(pause <= 0.5);
}

static void check_headers(const ws_call *call, const answer *a) {
  const char *name, *value;
  size_t at = 0, name_size, size;
  for (int i = 0; ws_call_next_header(call, &at, &name, &name_size, &value,
                                      &size); i++) {
    CHECK(!memchr(name, '\n', name_size) && !memchr(value, '\n', size));
    CHECK(!memchr(name, ':', name_size));
    CHECK(!size || (value[0] != ' ' && value[0] != '\t' &&
                    !is_blank(value[size - 1])));
    if (!a) continue;
    CHECK(i <= a->count);
    if (i == a->count) continue;
    CHECK(strlen(a->headers[i].name) == name_size &&
          memcmp(a->headers[i].name, name, name_size) == 0);
    CHECK(strlen(a->headers[i].value) == size &&
          memcmp(a->headers[i].value, value, size) == 0);
  }
}

/* Checks every outcome: a status has its kind, a body its limit; a POST is
** ambiguous unless it succeeded or was refused. */
static void check_end(const ws_response *got, bool posted) {
  bool is_known = got->status >= 200 && got->status < 500;
  CHECK(got->attempts == 1 || (got->attempts == 2 && !posted) ||
        (got->attempts == 2 && got->status == 429));
  CHECK(got->body_size <= MOST && got->body[got->body_size] == '\0');
  CHECK(got->kind != WS_INVALID && got->kind != WS_MEMORY);
  if (got->kind == WS_CANCELLED) return;
  if (got->status >= 300) CHECK(got->kind == kind_of(got->status));
  if (got->kind == WS_OK) CHECK(got->status >= 200 && got->status < 300);
  else CHECK(got->message && strlen(got->message) < 256);
  if (got->kind == WS_OK || !posted) CHECK(!got->ambiguous);
  else CHECK(got->ambiguous == (!is_known || got->status < 300));
}

static void check_proper(const ws_call *call, const ws_response *got,
                         const answer *a) {
  const char *date = value_of(a, "Date"), *asked = value_of(a, "Retry-After");
  size_t size;
  CHECK(got->status == a->status);
  if (a->status != 205) {
    CHECK(got->body_size == a->body_size);
    CHECK(memcmp(got->body, a->body, a->body_size) == 0);
  }
  if (date_of(date) >= 0) CHECK(ws_call_date(call) == date_of(date));
  if (!date) CHECK(ws_call_date(call) == -1);
  CHECK((ws_call_header(call, "RETRY-after", &size) != NULL) ==
        (asked != NULL));
}

/* Checks, for any response, that as many requests were sent as reported, and
** completely, unless a response made the body unnecessary. */
static void check_requests(const ws_response *got, bool posted) {
  size_t size, line = posted ? 8 : 7;
  const char *at = wire_request(&size);
  for (int i = 0; i < got->attempts; i++) {
    CHECK(strncmp(at, posted ? "POST /x " : "GET /x ", line) == 0);
    at = strstr(at, "\r\n\r\n");
    CHECK(at);
    at += 4;
    if (posted && strncmp(at, "{}", 2) == 0) at += 2;
  }
  CHECK(*at == '\0');
}

/* The server's response: the bytes, or the valid response that they encode. */
static void set_answer(answer *a, const uint8_t *data, size_t size) {
  static char bytes[sizeof a->head + MOST];
  size_t head;
  if (!a) {
    wire_answer(data, size);
    return;
  }
  read_answer(a, data, size);
  head = strlen(a->head);
  memcpy(bytes, a->head, head);
  if (a->body_size) memcpy(bytes + head, a->body, a->body_size);
  wire_answer(bytes, head + a->body_size);
}

static void send_one(ws_client *client, bool posted, const answer *a) {
  ws_request request = {.method = posted ? WS_POST : WS_GET, .path = "/x",
                        .body = posted ? "{}" : NULL,
                        .body_size = posted ? 2 : 0};
  ws_call *call = ws_call_start(client, &request, NULL);
  ws_response got;
  double pause;
  CHECK(call);
  wire_run(call, &pause);
  ws_call_response(call, &got);
  check_requests(&got, posted);
  check_end(&got, posted);
  check_headers(call, a);
  if (a) check_proper(call, &got, a);
  if (a && pause >= 0)
    check_pause(a->status, value_of(a, "Retry-After"), pause);
  ws_call_free(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static answer a;
  bool posted = size && data[0] & 1, proper = size && data[0] & 2;
  ws_client *client = wire_client("http://127.0.0.1", MOST, NULL);
  CHECK(client);
  if (size) data++, size--;
  set_answer(proper ? &a : NULL, data, size);
  send_one(client, posted, proper ? &a : NULL);
  ws_client_close(client);
  return 0;
}
