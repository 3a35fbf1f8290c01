/* control: "list".  Only looks; works for everybody, as far as each may see. */
#include "control/control.h"

#include "control/render_json.h"
#include "control/render_plain.h"
#include "util/escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct list_walk {
	struct listing listing;
	bool as_json;
	struct json json;
	struct plain plain;
};

static int list_connection(
    const struct scope *scope, struct scope_connection *connection, void *context)
{
	struct list_walk *walk = context;
	int rc = listing_read(&walk->listing, scope, connection);

	if (rc <= 0)
		return rc;
	if (!walk->as_json)
		return plain_add(&walk->plain, &walk->listing);
	render_json_connection(&walk->json, &walk->listing);
	return 0;
}

/* The object is ended whatever happened: what reads it sees the exit status, not half a text. */
static int list_json(struct control *control, struct scope *scope, struct list_walk *walk)
{
	int rc;

	render_json_start(&walk->json, control->out, &walk->listing);
	rc = scope_walk(scope, list_connection, walk);
	render_json_finish(&walk->json);
	return rc;
}

static int list_plain(struct control *control, struct scope *scope, struct list_walk *walk,
    const struct column_choice *choice)
{
	int rc;

	plain_start(&walk->plain, choice);
	rc = scope_walk(scope, list_connection, walk);
	if (rc == 0) {
		plain_print_orders(control->out, &walk->listing);
		plain_print(&walk->plain, control->out);
	}
	plain_free(&walk->plain);
	return rc;
}

static enum control_status choose_columns(
    const struct control *control, struct column_choice *choice)
{
	const char *bad;
	size_t length;
	char shown[256];
	int rc = columns_choose(control->options.columns, choice, &bad, &length);

	if (rc == 0)
		return STATUS_DONE;
	control_error(control, "--output: %s: %s", escape_text(bad, length, shown, sizeof(shown)),
	    rc == -ENOENT ? "no such column" : "one column too many");
	return STATUS_USAGE;
}

/* Takes the scope over. */
static enum control_status list_scope(
    struct control *control, struct scope *scope, const struct column_choice *choice)
{
	struct list_walk *walk = malloc(sizeof(*walk));
	int rc = walk == NULL ? -ENOMEM : listing_start(&walk->listing, scope);

	if (rc == 0) {
		walk->as_json = (control->options.given & OPTION_BIT(OPTION_JSON)) != 0;
		rc = walk->as_json ? list_json(control, scope, walk)
				   : list_plain(control, scope, walk, choice);
	}
	free(walk);
	scope_close(scope);
	if (rc == 0)
		return STATUS_DONE;
	control_error(control, "list: %s", control_table_reason(rc));
	return STATUS_ERROR;
}

enum control_status cmd_list(struct control *control)
{
	const struct options *options = &control->options;
	struct column_choice choice;
	struct scope scope;
	enum control_status status = choose_columns(control, &choice);
	int rc;

	if (status != STATUS_DONE)
		return status;
	rc = scope_open(&scope, options, &control->target, SCOPE_READ);
	if (rc != 0)
		return control_table_error(control, "list", rc);
	return list_scope(control, &scope, &choice);
}
