#include "store.h"
#include "date.h"
#include "schema.h"
#include "statuses.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 512

struct store {
  sqlite3 *sqlite;
  struct { char *sql; sqlite3_stmt *statement; } slots[SLOTS];
  unsigned used;
  int64_t counter;  /* of the assigned ids */
  int error;        /* SQLite's first one within a transaction */
};

static bool create_tables(struct store *db) {
  size_t i;
  sqlite3_exec(db->sqlite, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
  sqlite3_exec(db->sqlite, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
  store_begin(db);
  for (i = 0; i < schema_count; i++)
    store_run(db, schema[i], "");
  for (i = 0; i < kantata_status_count; i++) {
    const struct kantata_status *s = &kantata_statuses[i];
    store_run(db, "INSERT OR REPLACE INTO statuses VALUES (?,?,?)", "itt",
              (int64_t)s->key, s->message, s->color);
  }
  return db->error == SQLITE_OK;
}

static void forget_statements(struct store *db) {
  size_t i;
  for (i = 0; i < SLOTS; i++) {
    sqlite3_finalize(db->slots[i].statement);
    ws_free(db->slots[i].sql);
    db->slots[i].statement = NULL;
    db->slots[i].sql = NULL;
  }
  db->used = 0;
}

struct store *store_open(const char *path, ws_buffer *err) {
  struct store *db = ws_calloc(1, sizeof *db);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
              SQLITE_OPEN_NOMUTEX;
  bool ok;
  if (!db) {
    fail(err, "out of memory");
    return NULL;
  }
  ok = sqlite3_open_v2(path, &db->sqlite, flags, NULL) == SQLITE_OK;
  ok = ok && create_tables(db);
  if (!ok) fail(err, "database '%s': %s", path, sqlite3_errmsg(db->sqlite));
  if (db->sqlite) store_end(db, ok);
  forget_statements(db);
  if (ok) return db;
  store_close(db);
  return NULL;
}

void store_close(struct store *db) {
  if (!db) return;
  forget_statements(db);
  sqlite3_close(db->sqlite);
  ws_free(db);
}

static unsigned hash_text(const char *text) {
  unsigned hash = 2166136261u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

static sqlite3_stmt *fill_slot(struct store *db, size_t slot,
                               const char *sql) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL);
  if (rc != SQLITE_OK) {
    if (!db->error) db->error = rc;
    return NULL;
  }
  db->slots[slot].sql = ws_copy(sql, strlen(sql));
  if (!db->slots[slot].sql) {
    sqlite3_finalize(statement);
    return NULL;
  }
  db->slots[slot].statement = statement;
  db->used++;
  return statement;
}

/*
** Returns the prepared statement for a text, ready to be bound. Statements are
** cached in an open hash table, which store_begin() empties when it is full.
*/
sqlite3_stmt *store_prepare(struct store *db, const char *sql) {
  size_t slot = hash_text(sql) % SLOTS;
  while (db->slots[slot].sql) {
    if (strcmp(db->slots[slot].sql, sql) == 0) {
      sqlite3_reset(db->slots[slot].statement);
      return db->slots[slot].statement;
    }
    slot = (slot + 1) % SLOTS;
  }
  if (db->used >= SLOTS - 1) {
    db->error = SQLITE_FULL;
    return NULL;
  }
  return fill_slot(db, slot, sql);
}

static void bind_one(sqlite3_stmt *st, int at, int type, va_list *args) {
  const char *text;
  int64_t number;
  switch (type) {
    case 't':
      text = va_arg(*args, const char *);
      if (text) sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
      else sqlite3_bind_null(st, at);
      break;
    case 'b':
      sqlite3_bind_int(st, at, va_arg(*args, int));
      break;
    default:
      number = va_arg(*args, int64_t);
      if (type == 'r' && number == 0) sqlite3_bind_null(st, at);
      else sqlite3_bind_int64(st, at, number);
  }
}

void store_bind(sqlite3_stmt *st, int at, int type, ...) {
  va_list args;
  va_start(args, type);
  if (st) bind_one(st, at, type, &args);
  va_end(args);
}

static sqlite3_stmt *query_with(struct store *db, const char *sql,
                                const char *types, va_list *args) {
  sqlite3_stmt *st = store_prepare(db, sql);
  int at;
  if (!st) return NULL;
  for (at = 1; *types; at++, types++) bind_one(st, at, *types, args);
  return st;
}

sqlite3_stmt *store_query(struct store *db, const char *sql,
                          const char *types, ...) {
  sqlite3_stmt *st;
  va_list args;
  va_start(args, types);
  st = query_with(db, sql, types, &args);
  va_end(args);
  return st;
}

/* Goes to the next row; resets the statement after the last one. An error is
** kept for store_failed. */
bool store_row(struct store *db, sqlite3_stmt *row) {
  int rc = row ? sqlite3_step(row) : SQLITE_DONE;
  if (rc == SQLITE_ROW) return true;
  if (rc != SQLITE_DONE && !db->error) db->error = rc;
  if (row) sqlite3_reset(row);
  return false;
}

bool store_run(struct store *db, const char *sql, const char *types, ...) {
  sqlite3_stmt *st;
  va_list args;
  int rc;
  va_start(args, types);
  st = query_with(db, sql, types, &args);
  va_end(args);
  if (!st) return false;
  do rc = sqlite3_step(st); while (rc == SQLITE_ROW);
  sqlite3_reset(st);
  if (rc != SQLITE_DONE && !db->error) db->error = rc;
  return rc == SQLITE_DONE;
}

/* Returns the first column of the first row, if there is one and it is not
** null. */
bool store_int(struct store *db, int64_t *value, const char *sql,
               const char *types, ...) {
  sqlite3_stmt *st;
  va_list args;
  bool found;
  va_start(args, types);
  st = query_with(db, sql, types, &args);
  va_end(args);
  found = store_row(db, st) && sqlite3_column_type(st, 0) != SQLITE_NULL;
  *value = found ? sqlite3_column_int64(st, 0) : 0;
  if (st) sqlite3_reset(st);
  return found;
}

const char *column_text(sqlite3_stmt *row, int column) {
  return (const char *)sqlite3_column_text(row, column);
}

static void add_column(ws_buffer *b, sqlite3_stmt *row) {
  const char *text = column_text(row, 0);
  if (text) ws_buffer_add(b, text, (size_t)sqlite3_column_bytes(row, 0));
}

/* Adds the first column of the first row; false without a row. */
bool store_text(struct store *db, ws_buffer *b, const char *sql,
                const char *types, ...) {
  sqlite3_stmt *st;
  va_list args;
  bool found;
  va_start(args, types);
  st = query_with(db, sql, types, &args);
  va_end(args);
  found = store_row(db, st);
  if (found) add_column(b, st);
  if (st) sqlite3_reset(st);
  return found;
}

/* Adds the first column of every row, separated by commas. */
void store_rows(struct store *db, ws_buffer *b, const char *sql,
                const char *types, ...) {
  sqlite3_stmt *st;
  va_list args;
  int rows = 0;
  va_start(args, types);
  st = query_with(db, sql, types, &args);
  va_end(args);
  while (store_row(db, st)) {
    if (rows++) ws_buffer_add(b, ",", 1);
    add_column(b, st);
  }
}

int store_changed(struct store *db) {
  return sqlite3_changes(db->sqlite);
}

/*
** Begins a transaction. Empties the statement cache if it is full, which is
** only safe here, as no statement is in use. Only combinations of filters can
** fill it.
*/
void store_begin(struct store *db) {
  if (db->used >= SLOTS * 3 / 4) forget_statements(db);
  db->error = SQLITE_OK;
  store_run(db, "BEGIN", "");
}

/* Ends a transaction: commits it or rolls it back. */
void store_end(struct store *db, bool keep) {
  sqlite3_stmt *busy = NULL;
  while ((busy = sqlite3_next_stmt(db->sqlite, busy)) != NULL)
    sqlite3_reset(busy);
  store_run(db, keep ? "COMMIT" : "ROLLBACK", "");
}

/* True, with a message, if a statement of this transaction failed. */
bool store_failed(struct store *db, ws_buffer *err) {
  if (db->error == SQLITE_OK) return false;
  fail(err, "database: %s (%s)", sqlite3_errstr(db->error),
       sqlite3_errmsg(db->sqlite));
  return true;
}

/*
** Ids have 15 digits, are above 2^48 and in the European region, and no two
** objects of any kind share one, so that a client that confuses them fails. The
** odd step makes them alternate between even and odd.
*/
static int64_t counted_id(int64_t counter) {
  return 288900000000001 + counter * 2731;
}

static bool id_taken(struct store *db, int64_t id) {
  int64_t taken;
  store_int(db, &taken,
            "SELECT EXISTS(SELECT 1 FROM stories WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM changes WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM stages WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM workflows WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM users WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM roles WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM collaborators WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM releases WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM k_changes WHERE id=?1)"
            " OR EXISTS(SELECT 1 FROM k_users WHERE id=?1)", "i", id);
  return taken != 0;
}

int64_t store_new_id(struct store *db) {
  int64_t id;
  do id = counted_id(db->counter++); while (id_taken(db, id));
  return id;
}

int64_t store_counter(const struct store *db) {
  return db->counter;
}

void store_rewind(struct store *db, int64_t counter) {
  db->counter = counter;
}

/* Returns the second of the wall clock, by which the fixed window counts. */
int64_t clock_second(void) {
  return (int64_t)ws_wall_clock();
}

/* Writes the current time plus an offset in the services' format:
** 2026-12-01T10:00:00.000Z. */
void clock_iso(char out[TIME_SIZE], int64_t offset) {
  struct timespec t;
  struct tm tm;
  size_t len;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += (time_t)offset;
  gmtime_r(&t.tv_sec, &tm);
  len = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
  sqlite3_snprintf(TIME_SIZE - (int)len, out + len, ".%03dZ",
                   (int)(t.tv_nsec / 1000000));
}

/* The same for a Date header. */
void clock_http(char out[TIME_SIZE], int64_t offset) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t t = time(NULL) + (time_t)offset;
  struct tm tm;
  gmtime_r(&t, &tm);
  sqlite3_snprintf(TIME_SIZE, out, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                   days + tm.tm_wday * 3L, tm.tm_mday, months + tm.tm_mon * 3L,
                   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
** Converts an ISO 8601 date to the services' format; false for an invalid one,
** and for one that its zone moves before the year 0 or after 9999.
*/
bool store_date(struct store *db, const char *text, char out[TIME_SIZE]) {
  char date[DATE_SIZE];
  ws_buffer b = { 0 };
  bool good;
  if (!date_read(text, date)) return false;
  store_text(db, &b, "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?)", "t", date);
  good = b.size > 4 && b.size < TIME_SIZE && b.bytes[0] != '-';
  if (good) memcpy(out, ws_buffer_cstring(&b), b.size + 1);
  ws_buffer_free(&b);
  return good;
}
