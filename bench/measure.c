/*
** Runs a program and prints its cost on one line: FIRST WALL CPU CPU_FIRST RSS:
** seconds from its start until the first byte of its output, and until its end;
** seconds of processor time (user and system) in all, and until that first
** byte; KiB of its peak memory. Ends with the program's status.
*/

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double seconds(clockid_t clock) {
  struct timespec now = {0};
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double length(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* posix_spawn, not fork: the memory of this process before the program's own
** is loaded would count as the program's. */
static pid_t start(char **argv, int *output) {
  int pipes[2];
  pid_t child;
  posix_spawn_file_actions_t actions;
  if (pipe(pipes) != 0) return -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
  posix_spawn_file_actions_addclose(&actions, pipes[0]);
  posix_spawn_file_actions_addclose(&actions, pipes[1]);
  if (posix_spawnp(&child, argv[0], &actions, NULL, argv, environ) != 0)
    child = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[1]);
  *output = pipes[0];
  return child;
}

int main(int argc, char **argv) {
  double began = seconds(CLOCK_MONOTONIC), first, cpu_first = 0;
  char bytes[4096];
  int output = -1, status = 0;
  struct rusage usage;
  clockid_t clock;
  pid_t child = argc > 1 ? start(argv + 1, &output) : -1;
  if (child < 0) {
    perror(argc > 1 ? argv[1] : "usage: measure PROGRAM ARGUMENT...");
    return 127;
  }
  if (read(output, bytes, sizeof bytes) > 0 &&
      clock_getcpuclockid(child, &clock) == 0)
    cpu_first = seconds(clock);
  first = seconds(CLOCK_MONOTONIC) - began;
  while (read(output, bytes, sizeof bytes) > 0) continue;
  if (wait4(child, &status, 0, &usage) != child) return 127;
  printf("%.6f %.6f %.6f %.6f %ld\n", first,
         seconds(CLOCK_MONOTONIC) - began,
         length(usage.ru_utime) + length(usage.ru_stime), cpu_first,
         usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
