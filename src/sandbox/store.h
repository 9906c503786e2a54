/* The database: schema, prepared statements, ids, times. */
#ifndef SANDBOX_STORE_H
#define SANDBOX_STORE_H

#include "text.h"
#include "base/clock.h"

#include <sqlite3.h>

#define DEFAULT_SPACE ((int64_t)288868932106293)

struct store;

struct store *store_open(const char *path, ws_buffer *err);
void store_close(struct store *db);

/*
** Every function below takes SQL, then a string with one letter for each
** parameter: i int64_t, r int64_t where 0 is NULL, b bool, t text or NULL.
** Statements are cached.
*/
sqlite3_stmt *store_query(struct store *db, const char *sql,
                          const char *types, ...);
bool store_row(struct store *db, sqlite3_stmt *row);
bool store_run(struct store *db, const char *sql, const char *types, ...);
bool store_int(struct store *db, int64_t *value, const char *sql,
               const char *types, ...);
bool store_text(struct store *db, ws_buffer *b, const char *sql,
                const char *types, ...);
void store_rows(struct store *db, ws_buffer *b, const char *sql,
                const char *types, ...);
void store_bind(sqlite3_stmt *st, int at, int type, ...);
sqlite3_stmt *store_prepare(struct store *db, const char *sql);
int store_changed(struct store *db);

const char *column_text(sqlite3_stmt *row, int column);

void store_begin(struct store *db);
void store_end(struct store *db, bool keep);
bool store_failed(struct store *db, ws_buffer *err);

int64_t store_new_id(struct store *db);
int64_t store_counter(const struct store *db);
void store_rewind(struct store *db, int64_t counter);

#define TIME_SIZE 32

int64_t clock_second(void);
void clock_iso(char out[TIME_SIZE], int64_t offset);
void clock_http(char out[TIME_SIZE], int64_t offset);
bool store_date(struct store *db, const char *text, char out[TIME_SIZE]);

/* A column as a member of json_object(): a boolean, a list, any other. */
#define J_BOOL(t, c) "'" #c "',json(iif(" #t "." #c ",'true','false'))"
#define J_LIST(t, c) "'" #c "',json(" #t "." #c ")"
#define J_COLUMN(t, c) "'" #c "'," #t "." #c

#endif
