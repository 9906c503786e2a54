#include "request/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "json/number.h"

const char ws_kantata_address[] = "https://api.mavenlink.com/api/v1";

/* A region of Storyblok and the ranges of its space ids, as in Storyblok's own
** region helper. */
typedef struct ws_region {
  const char *code;
  const char *address;
  int64_t millions;    /* of a space id below 2^48: id / 1000000 */
  int bits[2];         /* of a larger one: the two values of its bits 48 to
                       ** 52, which may be equal */
} ws_region;

/* China shares its small ids with the European Union, so its region has to be
** given. */
static const ws_region regions[] = {
  {"eu", "https://mapi.storyblok.com", 0, {0, 1}},
  {"us", "https://api-us.storyblok.com", 1, {2, 2}},
  {"ca", "https://api-ca.storyblok.com", 2, {3, 3}},
  {"ap", "https://api-ap.storyblok.com", 3, {4, 4}},
  {"cn", "https://app.storyblokchina.cn", 0, {6, 6}},
};

enum { REGIONS = sizeof regions / sizeof regions[0] };

const char *ws_service_name(ws_service service) {
  return service == WS_KANTATA ? "kantata" : "storyblok";
}

double ws_service_rate(ws_service service) {
  return service == WS_KANTATA ? 4 : 6;
}

static bool region_holds_space(const ws_region *region, int64_t space_id) {
  if (space_id < INT64_C(1) << 48)
    return space_id / 1000000 == region->millions;
  return space_id >> 48 == region->bits[0] ||
         space_id >> 48 == region->bits[1];
}

static const ws_region *region_of(int64_t space_id) {
  for (int i = 0; i < REGIONS; i++)
    if (region_holds_space(&regions[i], space_id)) return &regions[i];
  return NULL;
}

static const ws_region *region_named(const char *code) {
  for (int i = 0; i < REGIONS; i++)
    if (strcmp(regions[i].code, code) == 0) return &regions[i];
  return NULL;
}

const char *ws_storyblok_address(int64_t space_id, const char *region,
                                 ws_error *error) {
  const ws_region *found;
  if (space_id < 0 || space_id > WS_MAX_ID) {
    ws_fail(error, WS_INVALID, "space_id: %" PRId64 " is not between 1 and "
            "9007199254740991", space_id);
    return NULL;
  }
  found = region ? region_named(region) : region_of(space_id);
  if (!found && region)
    ws_fail(error, WS_INVALID, "region: '%.40s' is not a region: use eu, us, "
            "ca, ap or cn", region);
  else if (!found)
    ws_fail(error, WS_INVALID, "space_id: %" PRId64 " is not in the range of "
            "any region; if the id is right, set region", space_id);
  else if (space_id && !region_holds_space(found, space_id)) {
    ws_fail(error, WS_INVALID, "space_id: %" PRId64 " does not belong to "
            "the region '%s'", space_id, found->code);
    return NULL;
  }
  return found ? found->address : NULL;
}
