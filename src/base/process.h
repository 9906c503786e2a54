/*
** Counts the forks of this process, so that objects made by the parent are
** recognised in the child.
*/

#ifndef WS_PROCESS_H
#define WS_PROCESS_H

/* A number that changes in the child of each fork. */
unsigned ws_process_generation(void);

/* Handler for pthread_atfork, called in the child. */
void ws_process_forked(void);

#endif
