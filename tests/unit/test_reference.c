/* unit tests: our server beside OpenSSH's, in one session that asks for everything: the same replies,
 * the same log, but for what golden.c lists.  And ours alone, where there is no other. */
#include "codec/sftp.h"

#include "golden.h"
#include "program.h"
#include "scratch.h"
#include "script.h"

#include <criterion/criterion.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MAX 4096

/* One server, what it has been asked and what has come of it. */
struct side {
	struct program_kind kind;
	struct program program;
	struct script_handles handles;
	uint32_t id;
	bool reference;
};

static struct side ours, theirs;

static void set_up(void)
{
	scratch_enter();
	ours = (struct side){.kind = program_ours()};
	theirs = (struct side){.kind = program_reference(), .reference = true};
	if (ours.kind.path == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
}

static void set_up_both(void)
{
	set_up();
	if (theirs.kind.path == NULL)
		scratch_skip("OpenSSH's sftp-server is not installed");
}

TestSuite(golden, .init = set_up, .fini = scratch_leave, .timeout = 60);
TestSuite(reference, .init = set_up_both, .fini = scratch_leave, .timeout = 60);

/* what is expected */

/* The text with words in it that differ from host to host. */
static void expand(const char *text, const char *directory, char out[TEXT_MAX])
{
	struct passwd *self = getpwuid(getuid()), *root;
	char user[256], home[1024], uid[16], gid[16];
	const struct {
		const char *word, *text;
	} words[] = {{"$U", user}, {"$H", home}, {"$N", uid}, {"$G", gid}, {"$D", directory}};
	size_t used = 0;

	cr_assert_not_null(self);
	snprintf(user, sizeof(user), "%s", self->pw_name);
	snprintf(home, sizeof(home), "%s", self->pw_dir);
	snprintf(uid, sizeof(uid), "%u", getuid());
	snprintf(gid, sizeof(gid), "%u", getgid());
	root = getpwnam("root");
	while (*text != '\0') {
		char one[2] = {*text, '\0'};
		const char *put = one;
		size_t len = 1;

		for (size_t i = 0; i < COUNT(words); i++) {
			if (strncmp(text, words[i].word, 2) == 0) {
				put = words[i].text;
				len = 2;
			}
		}
		if (strncmp(text, "$R", 2) == 0) {
			put = root->pw_dir;
			len = 2;
		}
		used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s", put);
		cr_assert_lt(used, TEXT_MAX);
		text += len;
	}
	out[used] = '\0';
}

/* Whether one of the alternatives, separated by " | ", is the text. */
static bool one_of(
    const char *alternatives, const char *text, bool (*same)(const char *, size_t, const char *))
{
	for (;;) {
		const char *bar = strstr(alternatives, " | ");
		size_t len = bar == NULL ? strlen(alternatives) : (size_t)(bar - alternatives);

		if (same(alternatives, len, text))
			return true;
		if (bar == NULL)
			return false;
		alternatives = bar + 3;
	}
}

static bool same_text(const char *expected, size_t len, const char *text)
{
	return (len == 1 && *expected == '*') ||
	       (strlen(text) == len && memcmp(expected, text, len) == 0);
}

/* The reference's texts of failures are its own: the code is compared. */
static bool same_reply(const char *expected, size_t len, const char *text)
{
	if (len >= 8 && strncmp(expected, "STATUS ", 7) == 0)
		return strncmp(expected, text, 8) == 0;
	return same_text(expected, len, text);
}

static void add_lines(char out[TEXT_MAX], const char *lines)
{
	size_t used = strlen(out);
	int len = snprintf(
	    out + used, TEXT_MAX - used, "%s%s", used > 0 && *lines != '\0' ? "; " : "", lines);

	cr_assert_lt((size_t)len, TEXT_MAX - used);
}

/* Lines of VERBOSE go, or lose their mark. */
static void at_level(const char *lines, bool verbose, char out[TEXT_MAX])
{
	out[0] = '\0';
	while (*lines != '\0') {
		char line[TEXT_MAX];
		const char *end = strstr(lines, "; ");
		size_t len = end == NULL ? strlen(lines) : (size_t)(end - lines);

		snprintf(line, sizeof(line), "%.*s", (int)len, lines);
		if (line[0] != '~')
			add_lines(out, line);
		else if (verbose)
			add_lines(out, line + 1);
		lines += len + (end == NULL ? 0 : 2);
	}
}

/* The line that a STATUS brings with it. */
static const char *status_line(const char *reply)
{
	static const char *const texts[] = {"", "", "No such file", "Permission denied", "Failure",
	    "Bad message", "No connection", "Connection lost", "Operation unsupported"};
	static char line[64];

	if (strncmp(reply, "STATUS ", 7) != 0 || reply[7] < '2' || reply[7] > '8')
		return "";
	snprintf(line, sizeof(line), "sent status %s", texts[reply[7] - '0']);
	return line;
}

static bool log_as_expected(
    const char *lines, bool verbose, const char *reply, const char *directory, const char *log)
{
	for (;;) {
		char one[TEXT_MAX], levelled[TEXT_MAX], expected[TEXT_MAX];
		const char *bar = strstr(lines, " | ");

		snprintf(one, sizeof(one), "%.*s",
		    (int)(bar == NULL ? strlen(lines) : (size_t)(bar - lines)), lines);
		at_level(one, verbose, levelled);
		expand(levelled, directory, expected);
		add_lines(expected, status_line(reply));
		if (strcmp(one, "*") == 0 || strcmp(expected, log) == 0)
			return true;
		if (bar == NULL)
			break;
		lines = bar + 3;
	}
	cr_log_error("expected to log: %s", lines);
	return false;
}

/* one session */

static void begin(struct side *side, const char *name, bool verbose)
{
	static struct packet packet;
	const char *const flags[] = {"-e", "-l", verbose ? "VERBOSE" : "INFO", NULL};
	char directory[PATH_MAX], expected[TEXT_MAX];
	const char *log;

	snprintf(directory, sizeof(directory), "%s/%s", scratch_path, name);
	cr_assert_eq(mkdir(directory, 0755), 0);
	cr_assert_eq(chdir(directory), 0);
	golden_make_tree();
	program_start(&side->program, &side->kind, directory, flags);
	packet.len = 0;
	packet_add(&packet, "bu", SFTP_INIT, 3u);
	program_send(&side->program, &packet);
	program_receive(&side->program, &packet);
	cr_assert_eq(packet.bytes[0], SFTP_VERSION_REPLY);
	log = program_log(&side->program);
	expand(golden_opened, directory, expected);
	cr_expect_eq(strncmp(log, expected, strlen(expected)), 0, "%s", log);
	cr_expect_eq(strstr(log, "; received client version 3") != NULL, verbose, "%s", log);
}

/* Sends one request; the reply as text, "NONE" or "-". */
static const char *ask_side(struct side *side, const struct exchange *exchange)
{
	static struct packet packet;

	if (side->reference && exchange->their_reply != NULL) {
		if (strcmp(exchange->their_reply, "-") == 0)
			return "-";
	}
	script_request(&packet, exchange->request, ++side->id, &side->handles);
	program_send(&side->program, &packet);
	if (side->reference && exchange->their_reply != NULL &&
	    strcmp(exchange->their_reply, "NONE") == 0)
		return "NONE";
	program_receive(&side->program, &packet);
	return script_show(&packet, side->id, exchange->request, side->program.directory,
	    exchange->reply, &side->handles);
}

/* What the other one answered, for replies that must only be the same. */
static char other_reply[TEXT_MAX];

static void check_reply(const struct side *side, const struct exchange *exchange, const char *reply)
{
	const char *theirs_text = exchange->their_reply, *wanted = exchange->reply;
	char expected[TEXT_MAX];

	if (side->reference && theirs_text != NULL)
		wanted = theirs_text;
	if (strcmp(wanted, "=") == 0) {
		cr_expect_neq(strncmp(reply, "STATUS", 6), 0, "%s: %s", exchange->request, reply);
		if (side->reference)
			cr_expect_str_eq(reply, other_reply, "%s", exchange->request);
		return;
	}
	expand(wanted, "$D", expected);
	cr_expect(one_of(expected, reply, side->reference ? same_reply : same_text),
	    "%s, %s: answered %s, expected %s", side->reference ? "OpenSSH's" : "ours",
	    exchange->request, reply, expected);
}

static void exchange_with(struct side *side, const struct exchange *exchange, bool verbose)
{
	const char *reply = ask_side(side, exchange), *lines = exchange->log, *log;

	check_reply(side, exchange, reply);
	if (!side->reference)
		snprintf(other_reply, sizeof(other_reply), "%s", reply);
	if (strcmp(reply, "-") == 0)
		return;
	/* Without a reply only the log says when the next request may be sent: OpenSSH's server forgets
	 * a request that comes together with one that it does not answer. */
	do {
		log = program_log(&side->program);
	} while (strcmp(reply, "NONE") == 0 && log[0] == '\0' && usleep(1000) == 0);
	if (side->reference && exchange->their_log != NULL)
		lines = exchange->their_log;
	cr_expect(log_as_expected(lines, verbose, reply, side->program.directory, log),
	    "%s, %s: logged %s", side->reference ? "OpenSSH's" : "ours", exchange->request, log);
}

static void end(struct side *side)
{
	char expected[TEXT_MAX];

	cr_expect_eq(program_stop(&side->program), 0);
	expand(golden_closed, side->program.directory, expected);
	cr_expect_str_eq(program_log(&side->program), expected);
}

static void run_golden(bool verbose, bool with_reference)
{
	begin(&ours, "ours", verbose);
	if (with_reference)
		begin(&theirs, "theirs", verbose);
	for (size_t i = 0; i < golden_count; i++) {
		exchange_with(&ours, &golden[i], verbose);
		if (with_reference)
			exchange_with(&theirs, &golden[i], verbose);
	}
	end(&ours);
	if (with_reference)
		end(&theirs);
}

Test(golden, what_differs_says_why)
{
	for (size_t i = 0; i < golden_count; i++) {
		bool differs = golden[i].their_reply != NULL || golden[i].their_log != NULL;

		cr_expect_eq(differs, golden[i].why != NULL, "%s", golden[i].request);
	}
}

Test(golden, replies_and_log_verbose)
{
	run_golden(true, false);
}

Test(golden, replies_and_log_info)
{
	run_golden(false, false);
}

Test(reference, replies_and_log_verbose)
{
	run_golden(true, true);
}

Test(reference, replies_and_log_info)
{
	run_golden(false, true);
}
