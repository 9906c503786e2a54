/*
** Pipes as POSIX has them, for what Linux has descriptors of its own for.
*/

#ifndef WS_PIPE_H
#define WS_PIPE_H

#include <stdbool.h>

/* Opens a pipe, close-on-exec and never blocking, and returns the end that
** becomes readable by ws_pipe_signal; negative with errno if that fails. */
int ws_pipe_open(void);

/* Makes the end readable, unreadable. From any thread. */
void ws_pipe_signal(int end);
void ws_pipe_clear(int end);

/* Makes both ends readable by whatever makes one of them so. */
bool ws_pipe_join(int end, int with);

/* True if it is the end of such a pipe. */
bool ws_pipe_is_end(int fd);

void ws_pipe_close(int end);

#endif
