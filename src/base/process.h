/*
** Counts the forks of this process, so that what a parent made is recognised
** in its child.
*/

#ifndef WS_PROCESS_H
#define WS_PROCESS_H

/* Changes with each fork; what was made under another number is the
** parent's. */
unsigned ws_process_generation(void);

/* For pthread_atfork: called in the child. */
void ws_process_forked(void);

#endif
