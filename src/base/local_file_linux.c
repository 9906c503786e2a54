#include "base/local_file.h"

#include <stddef.h>
#include <sys/vfs.h>

bool ws_file_is_local(int fd) {
  static const unsigned long remote[] = {
    0x6969 /* NFS */, 0x517B /* SMB */, 0xFF534D42 /* CIFS */,
    0xFE534D42 /* SMB2 */,
  };
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return false;
  for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
    if (((unsigned long)system.f_type & 0xFFFFFFFF) == remote[i])
      return false;
  return true;
}
