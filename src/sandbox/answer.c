/* Writes responses, and applies faults to them. */
#include "gzip.h"
#include "request.h"

#include <stdlib.h>
#include <string.h>

static void set_answer(struct request *r, int status, ws_buffer *body) {
  ws_free(r->body);
  r->status = status;
  r->total = r->per_page = -1;
  r->body_len = body->size;
  r->body = text_take(body);
}

void answer_text(struct request *r, int status, enum shape shape,
                 const char *text) {
  struct problem p = { "", text };
  ws_buffer b = { 0 };
  if (shape == SHAPE_FIELDS || shape == SHAPE_ERRORS || shape == SHAPE_FLAT)
    p.field = "name";
  write_error(&r->sandbox->config, &b, r->kantata, shape, status, &p, 1);
  set_answer(r, status, &b);
}

static const char *status_text(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "This record could not be found";
    case 422: return "has already been taken";
    case 429: return "Rate limit reached. Retry later.";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "an injected fault";
  }
}

static void answer_html(struct request *r) {
  ws_buffer b = { 0 };
  text_format(&b, "<!DOCTYPE html>\n<html><head><title>%d %s</title></head>"
              "<body><h1>%s</h1><p>nginx</p></body></html>\n", r->status,
              status_text(r->status), status_text(r->status));
  set_answer(r, r->status, &b);
}

static void answer_body(struct request *r, const struct json *body) {
  ws_buffer b = { 0 };
  if (body->type == JSON_TEXT) ws_buffer_add(&b, body->text, body->len);
  else json_write(&b, body);
  set_answer(r, r->status, &b);
}

void answer_limited(struct request *r, double limit) {
  ws_buffer text = { 0 };
  ws_buffer_add_text(&text, "Rate limit of ");
  text_number(&text, limit);
  ws_buffer_add_text(&text, " request per second reached. Retry later.");
  answer_text(r, 429, SHAPE_STRING, ws_buffer_cstring(&text));
  ws_buffer_free(&text);
}

/*
** Writes the error body of a fault's status, in the fault's shape. A 429 names
** the rate limit, if there is one, as clients use the number in its text.
*/
static void answer_status(struct request *r, const struct fault *f) {
  const struct config *config = &r->sandbox->config;
  double limit = r->kantata ? config->kantata_rate_limit
                            : config->rate_limit;
  if (f->status == 429 && !f->shape && limit > 0) answer_limited(r, limit);
  else if (f->status >= 300 || !r->body)
    answer_text(r, f->status, shape_named(f->shape), status_text(f->status));
}

/* Applies a fault to the finished response. */
void answer_apply_fault(struct request *r, const struct fault *f) {
  if (f->status && !f->html && !f->body) answer_status(r, f);
  if (f->status == 204) r->body_len = 0;
  if (f->status) r->status = f->status;
  if (!r->status) r->status = 200;
  if (f->html) answer_html(r);
  if (f->body) answer_body(r, f->body);
  if (f->malformed && r->body_len) r->body_len = r->body_len / 2 + 1;
  if (f->malformed && r->body_len < 3) answer_text(r, r->status,
                                                   SHAPE_STRING, "{");
}

/* Compresses the body if the option `gzip` says so. */
static void pack_body(struct request *r) {
  const char *gzip = r->sandbox->config.gzip;
  ws_buffer b = { 0 };
  r->packed = r->body_len > 0 &&
              (strcmp(gzip, "always") == 0 ||
               (strcmp(gzip, "asked") == 0 && r->takes_gzip));
  if (!r->packed) return;
  gzip_store(&b, r->body, r->body_len);
  ws_free(r->body);
  r->body_len = b.size;
  r->body = text_take(&b);
}

/* A body that is cut off before its Content-Length, to close the
** connection. */
struct cut {
  char *body;
  uint64_t sent, len;
};

static ssize_t read_cut(void *cls, uint64_t at, char *out, size_t max) {
  const struct cut *cut = cls;
  uint64_t left = cut->sent - at;
  if (at >= cut->sent) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (left < max) max = (size_t)left;
  memcpy(out, cut->body + at, max);
  return (ssize_t)max;
}

static void free_cut(void *cls) {
  struct cut *cut = cls;
  ws_free(cut->body);
  ws_free(cut);
}

static struct MHD_Response *cut_response(struct request *r) {
  struct cut *cut = ws_calloc(1, sizeof *cut);
  int64_t sent = r->fault->truncate;
  if (!cut) return NULL;
  cut->len = r->body_len;
  cut->sent = sent < 0 ? cut->len / 2 : (uint64_t)sent;
  if (cut->sent >= cut->len) cut->sent = cut->len - 1;
  cut->body = r->body;
  r->body = NULL;
  return MHD_create_response_from_callback(cut->len, 1024, read_cut, cut,
                                           free_cut);
}

static struct MHD_Response *whole_response(struct request *r) {
  static char nothing[1];
  struct MHD_Response *response;
  if (!r->body || !r->body_len)
    return MHD_create_response_from_buffer(0, nothing,
                                           MHD_RESPMEM_PERSISTENT);
  response = MHD_create_response_from_buffer_with_free_callback(
    r->body_len, r->body, ws_free);
  if (response) r->body = NULL;
  return response;
}

/* Adds a header with a buffer's content, and ends the buffer. */
static void add_text(struct MHD_Response *response, const char *name,
                     ws_buffer *b) {
  if (!b->failed)
    MHD_add_response_header(response, name, ws_buffer_cstring(b));
  ws_buffer_free(b);
}

static void add_number(struct MHD_Response *response, const char *name,
                       int64_t value) {
  ws_buffer b = { 0 };
  ws_buffer_add_integer(&b, value);
  add_text(response, name, &b);
}

/* Rounds up, as Retry-After has whole seconds. */
static int64_t whole_seconds(double seconds) {
  int64_t whole = (int64_t)seconds;
  return (double)whole < seconds ? whole + 1 : whole;
}

static void remove_header(struct MHD_Response *response, const char *name) {
  const char *value;
  while ((value = MHD_get_response_header(response, name)) != NULL)
    if (MHD_del_response_header(response, name, value) != MHD_YES) return;
}

/* Replaces a header by a number, a text or several texts; removes it for
** false. */
static void add_fault_header(struct MHD_Response *response, const char *name,
                             const struct json *v) {
  remove_header(response, name);
  if (v->type == JSON_INT) add_number(response, name, v->integer);
  if (v->type == JSON_TEXT) MHD_add_response_header(response, name, v->text);
  for (v = v->type == JSON_ARRAY ? v->child : NULL; v; v = v->next)
    if (v->type == JSON_TEXT)
      MHD_add_response_header(response, name, v->text);
}

static void add_fault_headers(struct MHD_Response *response,
                              const struct fault *f) {
  const struct json *v;
  if (f->retry_after >= 0)
    add_number(response, "Retry-After", whole_seconds(f->retry_after));
  for (v = f->headers ? f->headers->child : NULL; v; v = v->next)
    add_fault_header(response, v->key, v);
}

static void add_limits(struct MHD_Response *response,
                       const struct sandbox *s) {
  ws_buffer b = { 0 };
  int64_t most = (int64_t)s->config.rate_headers;
  int64_t left = most - (int64_t)s->stats.in_flight;
  if (most <= 0) return;
  text_format(&b, "\"concurrent-requests\";r=%lld",
                  (long long)(left > 0 ? left : 0));
  add_text(response, "X-RateLimit", &b);
  text_format(&b, "\"concurrent-requests\";q=%lld", (long long)most);
  add_text(response, "X-RateLimit-Policy", &b);
}

/* Sets Date if the clock has an offset; otherwise libmicrohttpd sets it. */
static void add_date(struct MHD_Response *response,
                     const struct sandbox *s) {
  char date[TIME_SIZE];
  if (!s->config.date_offset) return;
  clock_http(date, s->config.date_offset);
  MHD_add_response_header(response, "Date", date);
}

/* Adds the paging headers: the reference writes per_page, clients read
** Per-Page. */
static void add_paging(struct MHD_Response *response,
                       const struct request *r) {
  const char *form = r->sandbox->config.paging_headers;
  bool hyphen = strcmp(form, "hyphen") == 0;
  if (r->total < 0 || r->kantata || strcmp(form, "none") == 0) return;
  add_number(response, hyphen ? "Total" : "total", r->total);
  if (strcmp(form, "underscore") != 0)
    add_number(response, "Per-Page", r->per_page);
  if (!hyphen) add_number(response, "per_page", r->per_page);
}

static void add_request_id(struct MHD_Response *response,
                           const struct request *r) {
  ws_buffer b = { 0 };
  text_format(&b, "sandbox-%llu", (unsigned long long)r->number);
  add_text(response, "x-request-id", &b);
}

static void add_headers(struct MHD_Response *response,
                        const struct request *r) {
  const struct sandbox *s = r->sandbox;
  bool html = r->fault && r->fault->html;
  add_date(response, s);
  if (r->status != 204)
    MHD_add_response_header(response, "Content-Type",
                            html ? "text/html; charset=utf-8"
                                 : "application/json; charset=utf-8");
  if (r->packed)
    MHD_add_response_header(response, "Content-Encoding", "gzip");
  add_paging(response, r);
  if (r->limited && s->config.retry_after >= 0)
    add_number(response, "Retry-After",
               whole_seconds(s->config.retry_after));
  if (r->kantata) add_request_id(response, r);
  else add_limits(response, s);
  if (r->fault) add_fault_headers(response, r->fault);
}

static void count_answer(struct request *r) {
  struct sandbox *s = r->sandbox;
  struct entry *e = log_entry(&s->log, r->number);
  if (e) e->status = r->status;
  if (r->status >= 0 && r->status < 600) s->stats.by_status[r->status]++;
  if (r->status == 429) s->stats.rejected++;
}

/* Sends the response, or closes the connection instead. */
enum MHD_Result answer_queue(struct request *r) {
  struct MHD_Response *response;
  enum MHD_Result result;
  bool cut;
  if (r->fault && r->fault->close == AFTER) {
    if (r->fault->reset) reset_connection(r);
    return MHD_NO;
  }
  count_answer(r);
  pack_body(r);
  cut = r->fault && r->fault->truncate != -1 && r->body_len > 0;
  response = cut ? cut_response(r) : whole_response(r);
  if (!response) return MHD_NO;
  add_headers(response, r);
  result = MHD_queue_response(r->connection, (unsigned)r->status, response);
  MHD_destroy_response(response);
  return result;
}
