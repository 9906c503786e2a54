#include "request/retry.h"

#include <curl/curl.h>
#include <string.h>

#include "base/ascii.h"
#include "base/find.h"
#include "base/random.h"
#include "json/number.h"

ws_kind ws_status_kind(int status) {
  switch (status) {
    case 401: return WS_UNAUTHORIZED;
    case 403: return WS_FORBIDDEN;
    case 404: return WS_NOT_FOUND;
    case 429: return WS_RATE_LIMITED;
    default: break;
  }
  if (status >= 500) return WS_SERVER;
  if (status >= 400) return WS_REJECTED;
  if (status >= 300) return WS_REDIRECT;
  return status >= 200 ? WS_OK : WS_DECODE;
}

bool ws_outcome_is_unknown(ws_method method, const ws_outcome *outcome) {
  if (method == WS_GET || !outcome->sent) return false;
  switch (outcome->kind) {
    case WS_NETWORK: case WS_TIMEOUT: case WS_SERVER: case WS_DECODE:
    case WS_TOO_LARGE: case WS_CANCELLED: case WS_MEMORY:
      return true;
    default:
      return false;
  }
}

/* False for methods that may have a further effect if applied twice. */
static bool is_repeatable(ws_method method) {
  return method != WS_POST && method != WS_PATCH &&
         method != WS_GET_WITH_EFFECT;
}

ws_retry_decision ws_retry_decide(ws_method method,
                                  const ws_outcome *outcome) {
  bool is_transient = outcome->kind == WS_NETWORK ||
                      outcome->kind == WS_TIMEOUT ||
                      outcome->kind == WS_SERVER;
  if (outcome->kind == WS_RATE_LIMITED) return WS_RETRY_AFTER_HOLD_OFF;
  if (is_transient && (!outcome->sent || is_repeatable(method)))
    return WS_RETRY_AFTER_PAUSE;
  if (!is_repeatable(method) && ws_outcome_is_unknown(method, outcome))
    return WS_RETRY_UNSAFE;
  return WS_RETRY_NO;
}

int ws_retry_attempts(int attempts, const ws_outcome *outcome, bool reached) {
  return outcome->unresolved && !reached && attempts > 2 ? 2 : attempts;
}

static double backoff_limit(int doublings, double base, double cap) {
  double limit = base;
  while (doublings-- > 0 && limit < cap) limit *= 2;
  return limit < cap ? limit : cap;
}

double ws_retry_pause(int next, double base, double cap,
                      uint64_t *rng_state) {
  return backoff_limit(next - 2, base, cap) * ws_random(rng_state);
}

double ws_retry_hold_off(double retry_after, int rejections, double base,
                         double cap, uint64_t *rng_state) {
  double limit;
  if (retry_after >= 0) return retry_after < cap ? retry_after : cap;
  limit = backoff_limit(rejections - 1, base, cap);
  return limit / 2 + limit / 2 * ws_random(rng_state);
}

/* Accepts a fraction, as some services send one, although RFC 9110 allows only
** whole seconds. */
static double parse_seconds(const char *value) {
  size_t size = strspn(value, "0123456789");
  double seconds = -1;
  if (value[size] == '.')
    size += 1 + strspn(value + size + 1, "0123456789");
  return ws_number_parse(value, size, &seconds) ? seconds : -1;
}

double ws_retry_after(const char *value, double now) {
  time_t date;
  if (ws_ascii_is_digit(*value)) return parse_seconds(value);
  date = curl_getdate(value, NULL);
  if (date == (time_t)-1) return -1;
  return (double)date > now ? (double)date - now : 0;
}

/* Reads texts such as "Rate limit of 6 request per second reached. Retry
** later." */
double ws_retry_named_rate(const char *body, size_t size) {
  static const char before[] = "imit of ";
  const char *at, *end;
  double rate = 0;
  if (!size) return 0;
  at = ws_find(body, size, before);
  if (!at) return 0;
  end = body + size;
  at += sizeof before - 1;
  for (; at < end && ws_ascii_is_digit(*at); at++) {
    rate = rate * 10 + (*at - '0');
    if (rate > 1e6) return 0;
  }
  if (end - at < 8 || memcmp(at, " request", 8) != 0) return 0;
  return ws_find(at, (size_t)(end - at), "per second") ? rate : 0;
}
