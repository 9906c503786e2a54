/*
** Locks on single bytes of a file, between processes and, within a process,
** between descriptors of the file. A lock ends when its descriptor is closed
** or its process dies. file_lock_linux.c uses open file description locks,
** file_lock_posix.c the traditional locks of fcntl.
*/

#ifndef WS_FILE_LOCK_H
#define WS_FILE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

typedef enum ws_lock_result {
  WS_LOCK_TAKEN,
  WS_LOCK_BUSY,         /* another one holds it */
  WS_LOCK_FAILED        /* errno says why: ENOLCK, EIO .. */
} ws_lock_result;

/* Takes the lock on a byte if it is free; never waits. The byte may lie
** beyond the end of the file. */
ws_lock_result ws_file_lock(int fd, off_t byte);
void ws_file_unlock(int fd, off_t byte);

/* True if another descriptor or process holds the lock. */
bool ws_file_is_locked(int fd, off_t byte);

/* Closes the descriptor and releases its locks. */
void ws_file_lock_close(int fd);

/* Closes, in a forked child, a descriptor of the parent, and keeps the parent's
** locks. Must be called for each of them. */
void ws_file_lock_abandon(int fd);

#endif
