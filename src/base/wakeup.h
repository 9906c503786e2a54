/*
** A descriptor that any thread can make readable, to end another thread's
** wait: an eventfd, or a pipe.
*/

#ifndef WS_WAKEUP_H
#define WS_WAKEUP_H

/* Opens one; negative with errno if that fails. */
int ws_wakeup_open(void);

/* Makes it readable. From any thread, or a signal handler. */
void ws_wakeup_signal(int wakeup);

/* Makes it unreadable again. */
void ws_wakeup_clear(int wakeup);

void ws_wakeup_close(int wakeup);

#endif
