#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void ws_fail(ws_error *error, ws_kind kind, const char *format, ...) {
  va_list arguments;
  if (!error) return;
  error->kind = kind;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
}

void ws_fail_memory(ws_error *error) {
  ws_fail(error, WS_MEMORY, "not enough memory");
}

const char *ws_kind_name(ws_kind kind) {
  static const char *const names[] = {
    "ok", "invalid", "network", "tls", "timeout", "redirect",
    "unauthorized", "forbidden", "not_found", "rejected", "rate_limited",
    "server", "decode", "too_large", "cancelled", "budget", "memory",
    "pending",
  };
  bool is_known = (int)kind >= 0 && kind <= WS_PENDING;
  return is_known ? names[kind] : "unknown";
}
