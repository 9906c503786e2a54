/*
** The lower bound for sequential requests: one easy handle.
*/

#include "bare.h"

int main(int argc, char **argv) {
  bare_job job;
  bare request;
  bare_job_read(&job, argc, argv);
  curl_global_init(CURL_GLOBAL_ALL);
  bare_open(&request, &job);
  for (long number = 1; number <= job.requests; number++) {
    bare_next(&request, number);
    bare_check(&request, curl_easy_perform(request.easy), number);
  }
  bare_close(&request);
  curl_global_cleanup();
  return 0;
}
