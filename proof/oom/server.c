/*
** The server of the harness: a process that answers each line with one, and
** the folders that a case begins with.
*/

#include "oom.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *to_server, *from_server;
static pid_t process;
static char line[4096];

_Noreturn void oom_die(const char *what) {
  fprintf(stderr, "oom: %s: %s\n", what, strerror(errno));
  exit(2);
}

static const char *answer(void) {
  if (!fgets(line, sizeof line, from_server)) oom_die("the server is gone");
  line[strcspn(line, "\n")] = '\0';
  return line;
}

const char *oom_ask(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(to_server, format, arguments);
  va_end(arguments);
  fputc('\n', to_server);
  fflush(to_server);
  return answer();
}

const char *oom_start_server(const char *command) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) oom_die("pipe");
  process = fork();
  if (process < 0) oom_die("fork");
  if (process == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_server = fdopen(in[1], "w");
  from_server = fdopen(out[0], "r");
  if (!to_server || !from_server) oom_die("fdopen");
  return answer();
}

void oom_stop_server(void) {
  fclose(to_server);
  waitpid(process, NULL, 0);
  fclose(from_server);
}

/* --------------------------------------------------------------- folders */

static void each_file(const char *folder, const char *to,
                      void (*do_it)(const char *file, const char *to)) {
  DIR *at = opendir(folder);
  struct dirent *entry;
  char path[1024], target[1024];
  while (at && (entry = readdir(at)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
    do_it(path, target);
  }
  if (at) closedir(at);
}

static void remove_file(const char *path, const char *to) {
  (void)to;
  unlink(path);
}

static void copy_file(const char *from, const char *to) {
  char bytes[16384];
  ssize_t size;
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  while ((size = read(in, bytes, sizeof bytes)) > 0)
    if (write(out, bytes, (size_t)size) != size) oom_die(to);
  if (in < 0 || out < 0 || size < 0) oom_die(from);
  close(in);
  close(out);
}

void oom_copy_folder(const char *from, const char *to) {
  mkdir(to, 0700);
  each_file(to, to, remove_file);
  each_file(from, to, copy_file);
}
