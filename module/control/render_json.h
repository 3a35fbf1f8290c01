/* control: list's JSON output, schema "sftp-drain/1".  Reads nothing itself. */
#ifndef SD_CONTROL_RENDER_JSON_H
#define SD_CONTROL_RENDER_JSON_H

#include "control/json.h"
#include "control/listing.h"

/* Raised when a member is taken away or changes its meaning; new ones may come at any time. */
#define RENDER_JSON_SCHEMA "sftp-drain/1"

/* Writes everything up to the connections. */
void render_json_start(struct json *json, FILE *out, const struct listing *listing);

/* Writes the connection that the listing holds. */
void render_json_connection(struct json *json, const struct listing *listing);

void render_json_finish(struct json *json);

#endif
