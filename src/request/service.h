/*
** The services: names, default rates and addresses.
*/

#ifndef WS_SERVICE_H
#define WS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "workstage.h"

/* The service's name for messages: "storyblok", "kantata". */
const char *ws_service_name(ws_service service);

/* The default rate limit, in requests a second: for Storyblok that of all plans
** but the smallest, for Kantata the documented one. */
double ws_service_rate(ws_service service);

/*
** The management address of a region or, if `region` is NULL, of the region
** that the space id belongs to (0: the European Union). NULL with `error` for
** an unknown region, a space id that belongs to no region, and one that belongs
** to another region than the one given.
*/
const char *ws_storyblok_address(int64_t space_id, const char *region,
                                 ws_error *error);

extern const char ws_kantata_address[];

#endif
