/*
** Where the services are and how they know a token.
*/

#ifndef WS_SERVICE_H
#define WS_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "workstage.h"

/* The word for messages: "storyblok", "kantata". */
const char *ws_service_name(ws_service service);

/* The service's own limit of requests a second (the usual plan's). */
double ws_service_rate(ws_service service);

/*
** The management address of a region, or of the region that a space id
** carries when `region` is NULL. NULL with `error` for an unknown region, a
** space id in no region, and one that belongs to another region.
*/
const char *ws_storyblok_address(int64_t space_id, const char *region,
                                 ws_error *error);

extern const char ws_kantata_address[];

#endif
