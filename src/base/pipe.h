/*
** Pipes that replace, on POSIX systems, Linux's eventfd and timerfd.
*/

#ifndef WS_PIPE_H
#define WS_PIPE_H

#include <stdbool.h>

/* Opens a pipe, close-on-exec and never blocking, and returns the end that
** becomes readable by ws_pipe_signal; negative with errno if that fails. */
int ws_pipe_open(void);

/* Make the end readable and unreadable. From any thread. */
void ws_pipe_signal(int end);
void ws_pipe_clear(int end);

/* Makes `end` the same pipe as `with`: both are then readable together. */
bool ws_pipe_join(int end, int with);

/* True if `fd` was returned by ws_pipe_open. */
bool ws_pipe_is_end(int fd);

void ws_pipe_close(int end);

#endif
