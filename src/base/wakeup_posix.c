/*
** A pipe. See wakeup.h.
*/

#include "base/pipe.h"
#include "base/wakeup.h"

int ws_wakeup_open(void) {
  return ws_pipe_open();
}

void ws_wakeup_signal(int wakeup) {
  ws_pipe_signal(wakeup);
}

void ws_wakeup_clear(int wakeup) {
  ws_pipe_clear(wakeup);
}

void ws_wakeup_close(int wakeup) {
  ws_pipe_close(wakeup);
}
