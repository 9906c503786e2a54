/*
** Fuzzes addresses: a base, a path, a query and a header, one per line. What
** the core accepts must reach the server unchanged, in a head of the expected
** number of lines; bases are compared with libcurl's own parser.
*/

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request/url.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 4 };

static bool has_part(CURLU *url, CURLUPart part) {
  char *text = NULL;
  bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text;
  curl_free(text);
  return found;
}

static bool is_web(CURLU *url) {
  char *scheme = NULL;
  bool web = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
             (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
  curl_free(scheme);
  return web;
}

static void check_base(const char *base) {
  const char *why = NULL;
  CURLU *url = curl_url();
  if (!ws_url_is_base(base, &why)) CHECK(why && *why);
  else {
    CHECK(why == NULL);
    CHECK(curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK);
    CHECK(is_web(url) && has_part(url, CURLUPART_HOST));
    CHECK(!has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_QUERY));
    CHECK(!has_part(url, CURLUPART_PASSWORD));
    CHECK(!has_part(url, CURLUPART_FRAGMENT));
  }
  curl_url_cleanup(url);
}

static int lines_of(const char *head) {
  int count = 0;
  while ((head = strstr(head, "\r\n")) != NULL) {
    count++;
    head += 2;
  }
  return count;
}

/* True if a query is percent-encoded, as the core's header requires. */
static bool is_escaped(const char *query) {
  for (; *query; query++)
    if (*query <= ' ' || *query > '~' || *query == '#') return false;
  return true;
}

/* Checks the head: the request line and, of the other seven lines, the given
** one. */
static void check_head(const char *head, size_t size, const char *client_base,
                       char *const parts[PARTS]) {
  const char *root = strchr(client_base + 7, '/');
  char wanted[8192], line[4096];
  snprintf(wanted, sizeof wanted, "GET %s%s%s%s HTTP/1.1\r\n",
           root ? root : "", parts[1],
           !*parts[2] ? "" : strchr(parts[1], '?') ? "&" : "?", parts[2]);
  if (is_escaped(parts[2]))
    CHECK(strncmp(head, wanted, strlen(wanted)) == 0);
  CHECK(strlen(head) == size && size > 4);
  CHECK(strcmp(head + size - 4, "\r\n\r\n") == 0);
  CHECK(strstr(head, "\r\n\r\n") == head + size - 4);
  for (const char *at = head; *at; at++)
    CHECK(*at != '\n' || (at > head && at[-1] == '\r'));
  CHECK(lines_of(head) <= 8);
  snprintf(line, sizeof line, "\r\n%s\r\n", parts[3]);
  if (*parts[3] && parts[3][strcspn(parts[3], ":") + 1] == ' ' &&
      parts[3][strlen(parts[3]) - 1] > ' ')
    CHECK(strstr(head, line));
}

static void send_one(ws_client *client, char *const parts[PARTS]) {
  ws_request request = {.method = WS_GET, .path = parts[1],
                        .query = *parts[2] ? parts[2] : NULL, .attempts = 1};
  ws_call *call = ws_call_start(client, &request, NULL);
  ws_response got;
  const char *head;
  size_t size;
  double pause;
  if (!call) return;
  wire_run(call, &pause);
  ws_call_response(call, &got);
  head = wire_request(&size);
  if (got.kind == WS_OK)
    check_head(head, size, ws_client_base(client), parts);
  else {
    CHECK(got.kind == WS_INVALID && size == 0);
    CHECK(!is_escaped(parts[2]));
  }
  ws_call_free(call);
}

static char *split(char *text, char *parts[PARTS]) {
  static char nothing[1];
  char *at = text;
  for (int i = 0; i < PARTS; i++) {
    parts[i] = at ? at : nothing;
    at = at ? strchr(at, '\n') : NULL;
    if (at) *at++ = '\0';
  }
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  char *text = malloc(size + 1), *parts[PARTS], base[4200];
  const char *headers[2] = {NULL, NULL};
  ws_client *client;
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  split(text, parts);
  check_base(parts[0]);
  snprintf(base, sizeof base, "http://127.0.0.1%.4000s", parts[0]);
  check_base(base);
  if (*parts[3]) headers[0] = parts[3];
  wire_answer(answer, sizeof answer - 1);
  client = wire_client(base, 100, headers);
  if (client && strchr("/:", parts[0][0])) send_one(client, parts);
  if (client) ws_client_close(client);
  free(text);
  return 0;
}
