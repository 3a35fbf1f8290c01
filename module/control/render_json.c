/* control: list's JSON output, schema "sftp-drain/1".  Reads nothing itself. */
#include "control/render_json.h"

static void number_or_null(struct json *json, const char *key, uint64_t value, bool is_there)
{
	if (is_there)
		json_number(json, key, value);
	else
		json_null(json, key);
}

/* The members that every order has, inside its object. */
static void write_order_members(struct json *json, const struct order *order)
{
	json_string(json, "drain", policy_drain_name((enum policy_drain)order->drain));
	json_number(json, "issued_ns", order->issued_ns);
	number_or_null(json, "deadline_ns", order->deadline_ns, order->deadline_ns != 0);
	json_string(json, "message", order->message);
}

static void write_tally(struct json *json, const struct order_tally *tally)
{
	json_number(json, "clean", tally->clean);
	json_number(json, "forced", tally->forced);
}

static void write_host(struct json *json, const struct orders *orders)
{
	if (!orders->host.active) {
		json_null(json, "host");
		return;
	}
	json_begin_object(json, "host");
	write_order_members(json, &orders->host);
	write_tally(json, &orders->host_tally);
	json_end_object(json);
}

static void write_users(struct json *json, const struct orders *orders)
{
	json_begin_array(json, "users");
	for (size_t i = 0; i < orders->user_count; i++) {
		const struct user_order_copy *user = &orders->users[i];

		json_begin_object(json, NULL);
		json_string(json, "user", user->name);
		json_number(json, "uid", user->uid);
		write_order_members(json, &user->order);
		write_tally(json, &user->tally);
		json_end_object(json);
	}
	json_end_array(json);
}

void render_json_start(struct json *json, FILE *out, const struct listing *listing)
{
	json_start(json, out);
	json_begin_object(json, NULL);
	json_string(json, "schema", RENDER_JSON_SCHEMA);
	json_number(json, "now_ns", listing->now_ns);
	write_host(json, &listing->orders);
	write_users(json, &listing->orders);
	json_begin_array(json, "connections");
}

static void write_file(struct json *json, const struct member_file *file)
{
	const char *direction = file->direction == FILE_READ    ? "read"
				: file->direction == FILE_WRITE ? "write"
								: "both";

	json_begin_object(json, NULL);
	json_string(json, "path", file->path);
	json_string(json, "direction", direction);
	json_number(json, "offset", file->offset);
	json_number(json, "size", file->size);
	json_end_object(json);
}

static void write_session(
    struct json *json, const struct listing *listing, const struct member *member)
{
	json_begin_object(json, NULL);
	json_number(json, "pid", (uint64_t)member->id.pid);
	json_string(json, "state", listing_member_state(member->state));
	json_number(json, "started_ns", member->joined_ns);
	json_number(json, "idle_ns", listing_idle_ns(listing, member));
	json_number(json, "read_bytes", member->read_bytes);
	json_number(json, "written_bytes", member->written_bytes);
	json_number(json, "requests", member->requests);
	json_begin_array(json, "files");
	for (size_t i = 0; i < member->file_count; i++)
		write_file(json, &member->files[i]);
	json_end_array(json);
	json_end_object(json);
}

static void write_sessions(struct json *json, const struct listing *listing)
{
	if (!listing->readable) {
		json_null(json, "sessions");
		return;
	}
	json_begin_array(json, "sessions");
	for (size_t i = 0; i < listing->member_count; i++)
		write_session(json, listing, &listing->members[i]);
	json_end_array(json);
}

void render_json_connection(struct json *json, const struct listing *listing)
{
	const struct connection *connection = &listing->connection->connection;
	bool is_draining = listing->plan.drain != POLICY_DRAIN_UNSET;

	json_begin_object(json, NULL);
	json_string(json, "id", listing->connection->id);
	json_string(json, "user", connection->user);
	json_number(json, "uid", connection->uid);
	json_string(json, "address", connection->address);
	json_number(json, "monitor_pid", (uint64_t)connection->monitor.pid);
	json_string(json, "state", listing->state);
	if (connection->order.active) {
		json_begin_object(json, "order");
		write_order_members(json, &connection->order);
		json_end_object(json);
	} else {
		json_null(json, "order");
	}
	number_or_null(json, "deadline_ns", listing->plan.deadline_ns, is_draining);
	write_sessions(json, listing);
	json_end_object(json);
}

void render_json_finish(struct json *json)
{
	json_end_array(json);
	json_end_object(json);
	json_finish(json);
}
