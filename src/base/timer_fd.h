/*
** A descriptor that becomes readable at a given time: a timerfd. On systems
** without timerfd it may become readable too early.
*/

#ifndef WS_ALARM_H
#define WS_ALARM_H

#include "base/clock.h"

/* Opens one; negative with errno if that fails. */
int ws_alarm_open(void);

/* Makes it readable from `due` on; replaces the time set before. */
void ws_alarm_set(int alarm, ws_time due);

/* Makes it unreadable again. */
void ws_alarm_clear(int alarm);

void ws_alarm_close(int alarm);

#endif
