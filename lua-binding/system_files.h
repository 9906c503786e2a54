/*
** What not all systems can do with files. system_files_linux.c has what the
** kernel offers, system_files_posix.c what POSIX does.
*/

#ifndef WSL_SYSTEM_FILES_H
#define WSL_SYSTEM_FILES_H

#include <stdbool.h>

/* Each is false with errno if it fails. */

/* Brings the content of a file to the disk. */
bool wsl_sync_once(int fd);

/* Brings all of the file system that a file is on to the disk, as far as that
** can be asked for; at least the file. */
bool wsl_sync_file_system(int fd);

/* Renames a file, unless there is one of the new name. */
bool wsl_rename_new(const char *from, const char *to);

/* The process that holds the lock (flock) of a file; 0 if the system does not
** tell. */
long wsl_lock_holder(int fd);

#endif
