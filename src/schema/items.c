#include "schema/items.h"

/* Counts the items; false if a key is not a position. */
static bool count_items(ws_items *items, const ws_path *up,
                        ws_validation_error *error) {
  ws_value key, value;
  const ws_source *source = items->source;
  for (bool first = true;
       source->next(source->host, items->table, first, &key, &value);
       first = false) {
    if (key.type != WS_VALUE_INTEGER || key.as.integer < 1)
      return ws_report_bad_index(error, up, &key);
    items->count++;
  }
  return true;
}

static int fetch_item(ws_items *items, const ws_path *up,
                      ws_validation_error *error, ws_value *value) {
  const ws_source *source = items->source;
  if (items->index == items->count) return 0;
  source->at(source->host, items->table, ++items->index, value);
  if (value->type != WS_VALUE_NONE) return 1;
  ws_report_error(error, up, "expected an array without holes, "
                  "item %lld is missing", (long long)items->index);
  return -1;
}

/* The host usually returns the items in order. If not (in Lua, for a table
** that was not built in order), counts the keys and fetches the items by
** position. */
int ws_items_next(ws_items *items, const ws_path *up,
                  ws_validation_error *error, ws_value *value) {
  ws_value key;
  const ws_source *source = items->source;
  if (items->count) return fetch_item(items, up, error, value);
  if (!source->next(source->host, items->table, !items->index, &key, value))
    return 0;
  if (key.type == WS_VALUE_INTEGER && key.as.integer == items->index + 1) {
    items->index++;
    return 1;
  }
  if (!count_items(items, up, error)) return -1;
  return fetch_item(items, up, error, value);
}
