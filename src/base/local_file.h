/*
** Detects files on network file systems, whose locks other machines may not
** see.
*/

#ifndef WS_LOCAL_FILE_H
#define WS_LOCAL_FILE_H

#include <stdbool.h>

/* True if the file is on a local file system, as far as can be detected. */
bool ws_file_is_local(int fd);

#endif
