/*
** A strict parser of ISO 8601. SQLite accepts February 30th, bare times and
** Julian days as dates, but neither the basic form nor zones like +02.
*/
#include "date.h"
#include "base/ascii.h"

#include <stdio.h>

struct date {
  const char *at;  /* the text not read yet */
  bool extended;   /* extended form: '-' and ':' between the parts */
  int year, month, day, hour, minute, second, milli;
  char sign;       /* of the zone */
  int zone_hour, zone_minute;
};

static bool take(struct date *d, char c) {
  if (*d->at != c) return false;
  d->at++;
  return true;
}

/* Reads a number of `digits` digits, from `least` to `most`. */
static bool number(struct date *d, int digits, int least, int most,
                   int *value) {
  int n = 0;
  for (; digits > 0; digits--, d->at++) {
    if (!ws_ascii_is_digit(*d->at)) return false;
    n = n * 10 + (*d->at - '0');
  }
  *value = n;
  return n >= least && n <= most;
}

/* Reads the separator of two parts, which the basic form lacks. */
static bool joint(struct date *d, char c) {
  return !d->extended || take(d, c);
}

static int days_in(int year, int month) {
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                              31 };
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool read_day(struct date *d) {
  if (!number(d, 4, 0, 9999, &d->year)) return false;
  d->extended = *d->at == '-';
  return joint(d, '-') && number(d, 2, 1, 12, &d->month) && joint(d, '-') &&
         number(d, 2, 1, days_in(d->year, d->month), &d->day);
}

/* Reads any number of digits after a point or comma, of which three count. */
static bool read_fraction(struct date *d) {
  int worth = 100;
  if (!take(d, '.') && !take(d, ',')) return true;
  if (!ws_ascii_is_digit(*d->at)) return false;
  for (; ws_ascii_is_digit(*d->at); d->at++, worth /= 10)
    d->milli += (*d->at - '0') * worth;
  return true;
}

static bool read_seconds(struct date *d) {
  if (d->extended ? !take(d, ':') : !ws_ascii_is_digit(*d->at)) return true;
  return number(d, 2, 0, 59, &d->second) && read_fraction(d);
}

/* Reads the zone: Z, +hh:mm, +hhmm or +hh. Without one the time is UTC. */
static bool read_zone(struct date *d) {
  if (!*d->at || take(d, 'Z')) return true;
  d->sign = *d->at;
  if (!take(d, '+') && !take(d, '-')) return false;
  if (!number(d, 2, 0, 14, &d->zone_hour)) return false;
  if (!take(d, ':') && !*d->at) return true;
  return number(d, 2, 0, 59, &d->zone_minute);
}

static bool read_time(struct date *d) {
  if (!*d->at) return true;
  if (!take(d, 'T') && !take(d, ' ')) return false;
  return number(d, 2, 0, 23, &d->hour) && joint(d, ':') &&
         number(d, 2, 0, 59, &d->minute) && read_seconds(d) && read_zone(d);
}

/*
** Reads a date with or without a time, in the extended or the basic form.
** Rejects days that do not exist.
*/
bool date_read(const char *text, char out[DATE_SIZE]) {
  struct date d = { .at = text, .sign = '+' };
  if (!read_day(&d) || !read_time(&d) || *d.at) return false;
  snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d",
           d.year, d.month, d.day, d.hour, d.minute, d.second, d.milli,
           d.sign, d.zone_hour, d.zone_minute);
  return true;
}
