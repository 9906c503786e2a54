#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"

enum {
  MAX_NAME = 64, /* longer names are never suggested */
  MIN_WORD = 4   /* shorter ones are in too many others */
};

typedef unsigned char row[MAX_NAME + 1];

static char fold(char c) {
  if (c == '-' || c == ' ') return '_';
  return ws_ascii_lower(c);
}

static unsigned char smaller(unsigned char a, unsigned char b) {
  return a < b ? a : b;
}

/* Fills one row of the table of distances from the two rows before it. */
static void fill_row(row now, const row last, const row before,
                     const char *a, size_t i, const char *b, size_t b_size) {
  now[0] = (unsigned char)i;
  for (size_t j = 1; j <= b_size; j++) {
    char x = fold(a[i - 1]), y = fold(b[j - 1]);
    now[j] = (unsigned char)(last[j - 1] + (x != y));
    now[j] = smaller(now[j], (unsigned char)(last[j] + 1));
    now[j] = smaller(now[j], (unsigned char)(now[j - 1] + 1));
    if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]))
      now[j] = smaller(now[j], (unsigned char)(before[j - 2] + 1));
  }
}

/* The edit distance: the number of characters to insert, remove, replace or
** swap with their neighbour to turn one name into the other. */
static size_t distance(const char *a, size_t a_size, const char *b,
                       size_t b_size) {
  row rows[3];
  if (a_size > MAX_NAME || b_size > MAX_NAME) return MAX_NAME;
  for (size_t j = 0; j <= b_size; j++) rows[0][j] = (unsigned char)j;
  for (size_t i = 1; i <= a_size; i++)
    fill_row(rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3], a, i, b,
             b_size);
  return rows[a_size % 3][b_size];
}

/* Longer names may have more mistakes in them. */
static size_t max_edits(size_t size) {
  return 1 + size / 4;
}

static bool starts_with(const char *text, const char *name, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!text[i] || fold(text[i]) != fold(name[i])) return false;
  return true;
}

/* True if one of the words of `text` starts with the name, which is not too
** short to mean anything: "stage" in "in_workflow_stages". */
static bool has_word(const char *text, const char *name, size_t size) {
  if (size < MIN_WORD) return false;
  for (const char *at = text; at; at = strchr(at, '_')) {
    if (*at == '_') at++;
    if (starts_with(at, name, size)) return true;
  }
  return false;
}

static int first_with_word(const char *const names[], size_t count,
                           const char *name, size_t size) {
  for (size_t i = 0; i < count; i++)
    if (has_word(names[i], name, size)) return (int)i;
  return -1;
}

/* Never suggests a name that needs as many edits as it has letters. */
int ws_nearest_name(const char *const names[], size_t count, const char *name,
                    size_t size) {
  size_t best = max_edits(size) + 1;
  int nearest = -1, longer;
  for (size_t i = 0; i < count; i++) {
    size_t letters = strlen(names[i]);
    size_t edits = distance(name, size, names[i], letters);
    if (edits < best && edits < letters) best = edits, nearest = (int)i;
  }
  if (best <= 1) return nearest;
  longer = first_with_word(names, count, name, size);
  return longer < 0 ? nearest : longer;
}
