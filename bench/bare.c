/*
** One request of the benchmark on bare libcurl.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"

static struct curl_slist *headers;

void bare_fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

/* URL REQUESTS FLIGHT, as all programs of the benchmark take them. */
void bare_job_read(bare_job *job, int argc, char **argv) {
  if (argc != 4) bare_fail("usage: URL REQUESTS FLIGHT");
  snprintf(job->url, sizeof job->url,
           "%s/v1/spaces/288868932106293/workflow_stage_changes", argv[1]);
  job->requests = strtol(argv[2], NULL, 10);
  job->flight = strtol(argv[3], NULL, 10);
}

/* If a used connection is dead, libcurl would send the request again on a new
** one. Prevents that, as the module does: a POST must not be sent twice. */
static int on_ready(void *data, char *ip, char *local_ip, int port,
                    int local_port) {
  bare *request = data;
  (void)ip;
  (void)local_ip;
  (void)port;
  (void)local_port;
  return request->setup_count++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* The other safe way: without a seek callback, libcurl has no second body to
** send. Headers and body are then two packets. */
static size_t on_read(char *buffer, size_t unit, size_t count, void *data) {
  bare *request = data;
  size_t size = unit * count, left = request->body_size - request->body_read;
  if (size > left) size = left;
  memcpy(buffer, request->body + request->body_read, size);
  request->body_read += size;
  return size;
}

static size_t on_answer(char *bytes, size_t unit, size_t count, void *data) {
  bare *request = data;
  size_t size = unit * count;
  if (size > sizeof request->answer - request->answer_size) return 0;
  memcpy(request->answer + request->answer_size, bytes, size);
  request->answer_size += size;
  return size;
}

static void make_headers(void) {
  static const char *const lines[] = {
    "Authorization: bench", "Accept: application/json",
    "Content-Type: application/json", "Expect:",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    headers = curl_slist_append(headers, lines[i]);
}

/* How bodies are sent: BARE_READ=1 chooses the read callback. */
static void set_body(bare *request) {
  CURL *easy = request->easy;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  if (getenv("BARE_READ")) {
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, request);
    return;
  }
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
}

/* Sets the options that do not change. */
void bare_open(bare *request, const bare_job *job) {
  CURL *easy = request->easy = curl_easy_init();
  if (!easy) bare_fail("no easy handle");
  if (!headers) make_headers();
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_URL, job->url);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "bench");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 60000L);
  set_body(request);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
}

void bare_close(bare *request) {
  curl_easy_cleanup(request->easy);
}

/* The change with a number. */
void bare_next(bare *request, long number) {
  int size = snprintf(request->body, sizeof request->body,
                      "{\"workflow_stage_change\":{\"story_id\":%ld,"
                      "\"workflow_stage_id\":%ld}}",
                      288868932100000 + number, 288868932200000 + number % 7);
  request->body_size = (size_t)size;
  request->body_read = request->answer_size = 0;
  request->setup_count = 0;
  curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   (curl_off_t)size);
}

/* The response must be a change; prints the first one. */
void bare_check(bare *request, CURLcode code, long number) {
  static const char start[] = "{\"workflow_stage_change\":{";
  long status = 0;
  if (code != CURLE_OK) bare_fail(curl_easy_strerror(code));
  curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
  if (status != 201 || request->answer_size < sizeof start ||
      memcmp(request->answer, start, sizeof start - 1) != 0)
    bare_fail("not the answer that was expected");
  if (number == 1 && write(1, "first\n", 6) != 6) bare_fail("no output");
}
