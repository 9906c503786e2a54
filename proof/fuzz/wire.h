/*
** A server for fuzzers, without a network: each connection that libcurl asks
** for is one end of a pair of sockets, with the answer in it already. Wants
** -Wl,--wrap=curl_multi_add_handle.
*/

#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workstage.h"

/* Reports a check that failed, and aborts. */
#define CHECK(good) wire_check(good, #good, __FILE__, __LINE__)

void wire_check(bool good, const char *what, const char *file, int line);

/* Sets the response of the next connections; its bytes must stay valid. */
void wire_answer(const void *bytes, size_t size);

/* The bytes sent on all connections since the last call; it ends with
** a NUL that `size` leaves out. */
const char *wire_request(size_t *size);

/* A client of `base` on the process's one loop; NULL: it was refused. */
ws_client *wire_client(const char *base, size_t max_response,
                       const char *const *headers);

/* Runs the call to its end; sets `pause` to the pause of its first retry, which
** ends the call as well, or to -1. */
void wire_run(ws_call *call, double *pause);

#endif
