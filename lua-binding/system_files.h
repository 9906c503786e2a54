/*
** File operations that differ between systems: system_files_linux.c uses
** Linux's system calls, system_files_posix.c those of POSIX.
*/

#ifndef WSL_SYSTEM_FILES_H
#define WSL_SYSTEM_FILES_H

#include <stdbool.h>

/* Each is false with errno if it fails. */

/* Writes the content of a file to the disk. */
bool wsl_sync_once(int fd);

/* Writes the whole file system of a file to the disk, or at least the file if
** the system cannot. */
bool wsl_sync_file_system(int fd);

/* Renames a file; fails with EEXIST if the new name exists. */
bool wsl_rename_new(const char *from, const char *to);

/* The process that holds the lock (flock) of a file; 0 if unknown. */
long wsl_lock_holder(int fd);

#endif
