/*
** The lower bound for concurrent requests: one multi handle and
** curl_multi_poll. (An epoll set fed by libcurl's socket callbacks takes a
** twentieth more: with so few sockets, adding and removing each transfer takes
** longer than passing all of them at each wait.)
*/

#include "bare.h"

enum { MOST = 256 };

static CURLM *multi;
static long begun, ended;

static void begin(bare *request) {
  bare_next(request, ++begun);
  curl_multi_add_handle(multi, request->easy);
}

static void read_completed(const bare_job *job) {
  CURLMsg *message;
  int remaining;
  while ((message = curl_multi_info_read(multi, &remaining)) != NULL) {
    char *private = NULL;
    bare *request;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    request = (bare *)(void *)private;
    bare_check(request, message->data.result, ++ended);
    curl_multi_remove_handle(multi, request->easy);
    if (begun < job->requests) begin(request);
  }
}

int main(int argc, char **argv) {
  static bare requests[MOST];
  bare_job job;
  int running;
  bare_job_read(&job, argc, argv);
  if (job.flight > MOST) bare_fail("too many in flight");
  curl_global_init(CURL_GLOBAL_ALL);
  multi = curl_multi_init();
  for (long i = 0; i < job.flight && i < job.requests; i++) {
    bare_open(&requests[i], &job);
    begin(&requests[i]);
  }
  while (ended < job.requests) {
    curl_multi_perform(multi, &running);
    read_completed(&job);
    if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  for (long i = 0; i < job.flight; i++)
    if (requests[i].easy) bare_close(&requests[i]);
  curl_multi_cleanup(multi);
  curl_global_cleanup();
  return 0;
}
