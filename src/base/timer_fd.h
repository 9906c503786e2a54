/*
** A descriptor that becomes readable at a given time: a timerfd. On systems
** without timerfd it may become readable too early.
*/

#ifndef WS_TIMER_FD_H
#define WS_TIMER_FD_H

#include "base/clock.h"

/* Opens one; negative with errno if that fails. */
int ws_timer_fd_open(void);

/* Makes it readable from `due` on; replaces the time set before. */
void ws_timer_fd_set(int timer_fd, ws_time due);

/* Makes it unreadable again. */
void ws_timer_fd_clear(int timer_fd);

void ws_timer_fd_close(int timer_fd);

#endif
