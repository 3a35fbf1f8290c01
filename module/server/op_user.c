/* server: what the user database tells: home-directory, users-groups-by-id@openssh.com.  Looks up
 * nothing that was not asked for. */
#include "server/log_name.h"
#include "server/server.h"
#include "util/log.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

/* An empty name is the user himself; 9.2 of OpenSSH answers so whatever the name. */
void op_home_directory(struct server *server, const struct request *request, struct reply *reply)
{
	const char *name = request->paths[0];
	const struct passwd *found = name[0] == '\0' ? getpwuid(getuid()) : getpwnam(name);

	(void)server;
	if (found == NULL) {
		reply_status(reply, SFTP_FAILURE, "no such user");
		return;
	}
	log_verbose("home-directory \"%s\"", log_name(found->pw_dir));
	reply_one_name(reply, found->pw_dir);
}

static const char *user_name(uint32_t id)
{
	const struct passwd *found = getpwuid(id);

	return found == NULL ? "" : found->pw_name;
}

static const char *group_name(uint32_t id)
{
	const struct group *found = getgrgid(id);

	return found == NULL ? "" : found->gr_name;
}

/* A string of strings, the names of the ids in their order. */
static void put_names(
    struct wire_writer *writer, struct wire_span ids, const char *(*name_of)(uint32_t id))
{
	size_t length_at = writer->at;

	wire_put_u32(writer, 0);
	for (size_t at = 0; at < ids.len && !writer->failed; at += 4)
		wire_put_text(writer, name_of(wire_peek_u32(ids.data + at)));
	wire_patch_u32(writer, length_at, (uint32_t)(writer->at - length_at - 4));
}

/* string user names, string group names, each full of strings; an id that nobody has gives an empty
 * one (OpenSSH PROTOCOL 4.12). */
void op_users_groups_by_id(
    struct server *server, const struct request *request, struct reply *reply)
{
	struct wire_writer fresh = reply->writer;

	(void)server;
	log_verbose("users-groups-by-id: %zu users, %zu groups", request->ids[0].len / 4,
	    request->ids[1].len / 4);
	reply_extended_begin(reply);
	put_names(&reply->writer, request->ids[0], user_name);
	put_names(&reply->writer, request->ids[1], group_name);
	if (!reply->writer.failed)
		return;
	reply->writer = fresh;
	reply_status(reply, SFTP_FAILURE, "too many names for one reply");
}
