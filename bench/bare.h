/*
** Common code of the two bare libcurl programs: one request of the benchmark,
** sent exactly as the module sends it.
*/

#ifndef BARE_H
#define BARE_H

#include <curl/curl.h>

typedef struct bare {
  CURL *easy;
  char body[128];
  size_t body_size, body_read;
  char answer[1024];
  size_t answer_size;
  int setup_count;
} bare;

/* The options of the command line. */
typedef struct bare_job {
  char url[256];
  long requests, flight;
} bare_job;

void bare_job_read(bare_job *job, int argc, char **argv);
void bare_open(bare *request, const bare_job *job);
void bare_close(bare *request);
void bare_next(bare *request, long number);
void bare_check(bare *request, CURLcode code, long number);
void bare_fail(const char *why);

#endif
