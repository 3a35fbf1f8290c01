/* unit tests: a hostile peer.  Every known-good request is changed at each byte and cut at each
 * length; the server must answer each, in form and under the same id, or refuse the stream.  The
 * requests are carried out for real, so this happens in a child that is locked into a directory. */
#include "codec/sftp.h"

#include "jail.h"
#include "serving.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID 0x01020304u

/* Exits of the child. */
enum { HELD, FAILED, NO_JAIL };

/* In the child a failed assertion of Criterion's would say nothing. */
static void fail(const char *what, const struct packet *packet)
{
	fprintf(stderr, "%s:", what);
	for (size_t i = 0; i < packet->len && i < 200; i++)
		fprintf(stderr, " %02x", packet->bytes[i]);
	fprintf(stderr, "\n");
	_exit(FAILED);
}

/* well-formed replies */

struct cursor {
	size_t at;
	bool bad;
};

static uint64_t skip_number(struct cursor *cursor, size_t bytes)
{
	uint64_t value = 0;

	cursor->bad = cursor->bad || bytes > serving_reply.len - cursor->at;
	for (size_t i = 0; i < bytes && !cursor->bad; i++)
		value = value << 8 | serving_reply.bytes[cursor->at++];
	return value;
}

static uint64_t skip_string(struct cursor *cursor)
{
	uint64_t len = skip_number(cursor, 4);

	cursor->bad = cursor->bad || len > serving_reply.len - cursor->at;
	cursor->at += cursor->bad ? 0 : len;
	return len;
}

static void skip_attrs(struct cursor *cursor)
{
	uint64_t flags = skip_number(cursor, 4);

	cursor->bad = cursor->bad || (flags != 0 && flags != 15);
	(void)skip_number(cursor, flags == 0 ? 0 : 28);
}

static void skip_names(struct cursor *cursor)
{
	uint64_t count = skip_number(cursor, 4);

	cursor->bad = cursor->bad || count == 0;
	for (uint64_t i = 0; i < count && !cursor->bad; i++) {
		skip_string(cursor);
		skip_string(cursor);
		skip_attrs(cursor);
	}
}

static bool is_reply(uint32_t id)
{
	struct cursor cursor = {.at = 1};

	if (skip_number(&cursor, 4) != id)
		return false;
	switch (serving_reply.bytes[0]) {
	case SFTP_STATUS:
		cursor.bad = skip_number(&cursor, 4) > SFTP_OP_UNSUPPORTED;
		skip_string(&cursor);
		cursor.bad = skip_string(&cursor) != 0 || cursor.bad;
		break;
	case SFTP_HANDLE:
		cursor.bad = skip_string(&cursor) != HANDLE_BYTES || cursor.bad;
		break;
	case SFTP_DATA:
		skip_string(&cursor);
		break;
	case SFTP_NAME:
		skip_names(&cursor);
		break;
	case SFTP_ATTRS:
		skip_attrs(&cursor);
		break;
	case SFTP_EXTENDED_REPLY:
		if (serving_reply.len == 5 + 4 * 8 || serving_reply.len == 5 + 11 * 8) {
			cursor.at = serving_reply.len;
			break;
		}
		skip_string(&cursor);
		skip_string(&cursor);
		break;
	default:
		return false;
	}
	return !cursor.bad && cursor.at == serving_reply.len;
}

/* the child's tree */

static struct handle_text file, target, directory;

static void prepare(void)
{
	handle_table_free(&serving.handles);
	handle_table_init(&serving.handles, 8);
	scratch_write("f", "content");
	(void)mkdir("dir", 0755);
	(void)symlink("f", "link");
	file = open_file("f", SFTP_FLAG_READ | SFTP_FLAG_WRITE);
	target = open_file("target", SFTP_FLAG_WRITE | SFTP_FLAG_CREAT | SFTP_FLAG_TRUNC);
	directory = open_directory("dir");
}

static void send_hostile(const struct packet *packet)
{
	int rc = serving_send(packet);
	uint32_t id;

	if (rc == -EPROTO && packet->len < 5)
		return;
	if (rc != 0)
		fail("refused", packet);
	id = packet_u32(packet, 1);
	if (packet->bytes[0] == SFTP_INIT ? serving_reply.bytes[0] != SFTP_VERSION_REPLY
					  : !is_reply(id))
		fail("answered out of form", packet);
}

static void change_bytes(const struct packet *good)
{
	static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
	static struct packet changed;

	for (size_t at = 0; at < good->len; at++) {
		for (size_t i = 0; i < sizeof(masks); i++) {
			prepare();
			changed = *good;
			changed.bytes[at] ^= masks[i];
			send_hostile(&changed);
		}
		prepare();
		changed = *good;
		changed.bytes[at] = 0;
		send_hostile(&changed);
	}
}

static void change_numbers(const struct packet *good)
{
	static const uint8_t values[][4] = {
	    {0, 0, 0, 0}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}};
	static struct packet changed;

	for (size_t at = 0; at + 4 <= good->len; at++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			prepare();
			changed = *good;
			memcpy(changed.bytes + at, values[i], 4);
			send_hostile(&changed);
		}
	}
}

static void cut(const struct packet *good)
{
	static struct packet changed;

	for (size_t len = 0; len <= good->len; len++) {
		prepare();
		changed = *good;
		changed.len = len;
		send_hostile(&changed);
	}
}

/* Every two bits of what follows the type and the id. */
static void flip_pairs(const struct packet *good)
{
	static struct packet changed;

	for (size_t one = 5 * 8; one < good->len * 8; one++) {
		for (size_t two = one + 1; two < good->len * 8; two += 7) {
			if ((one + two) % 32 == 0)
				prepare();
			changed = *good;
			changed.bytes[one / 8] ^= (uint8_t)(1u << one % 8);
			changed.bytes[two / 8] ^= (uint8_t)(1u << two % 8);
			send_hostile(&changed);
		}
	}
}

static void (*const changes[])(const struct packet *good) = {
    change_bytes, change_numbers, cut, flip_pairs};

/* Makes one good request, or returns false after the last. */
static bool make_good(int number, struct packet *good)
{
	static const char *const extended[] = {"posix-rename@openssh.com", "hardlink@openssh.com"};
	static const int on_path[] = {SFTP_LSTAT, SFTP_STAT, SFTP_OPENDIR, SFTP_REMOVE, SFTP_RMDIR,
	    SFTP_REALPATH, SFTP_READLINK};
	static const int on_paths[] = {SFTP_RENAME, SFTP_SYMLINK};
	static const int on_handle[] = {SFTP_CLOSE, SFTP_FSTAT};

	good->len = 0;
	if (number < 7)
		packet_add(good, "bus", on_path[number], ID, number == 6 ? "link" : "dir");
	else if (number < 9)
		packet_add(good, "buss", on_paths[number - 7], ID, "f", "new");
	else if (number < 11)
		packet_add(good, "bux", on_handle[number - 9], ID, HANDLE_FIELD(file));
	else if (number < 13)
		packet_add(good, "busss", SFTP_EXTENDED, ID, extended[number - 11], "f", "new");
	switch (number) {
	case 13:
		packet_add(
		    good, "busuuu", SFTP_OPEN, ID, "new", 0x1au, SFTP_ATTR_PERMISSIONS, 0644u);
		break;
	case 14:
		packet_add(good, "buxqu", SFTP_READ, ID, HANDLE_FIELD(file), UINT64_C(0), 7u);
		break;
	case 15:
		packet_add(good, "buxqs", SFTP_WRITE, ID, HANDLE_FIELD(file), UINT64_C(3), "data");
		break;
	case 16:
		packet_add(good, "busuquuuuuuss", SFTP_SETSTAT, ID, "f", 0x8000000fu, UINT64_C(4),
		    0u, 0u, 0644u, 1u, 2u, 1u, "a", "b");
		break;
	case 17:
		packet_add(good, "buxuquuuuu", SFTP_FSETSTAT, ID, HANDLE_FIELD(file), 15u,
		    UINT64_C(4), 0u, 0u, 0644u, 1u, 2u);
		break;
	case 18:
		packet_add(good, "bux", SFTP_READDIR, ID, HANDLE_FIELD(directory));
		break;
	case 19:
		packet_add(good, "busuu", SFTP_MKDIR, ID, "new", SFTP_ATTR_PERMISSIONS, 0700u);
		break;
	case 20:
		packet_add(good, "buss", SFTP_EXTENDED, ID, "statvfs@openssh.com", "dir");
		break;
	case 21:
		packet_add(
		    good, "busx", SFTP_EXTENDED, ID, "fstatvfs@openssh.com", HANDLE_FIELD(file));
		break;
	case 22:
		packet_add(
		    good, "busx", SFTP_EXTENDED, ID, "fsync@openssh.com", HANDLE_FIELD(file));
		break;
	case 23:
		packet_add(good, "bussuuu", SFTP_EXTENDED, ID, "lsetstat@openssh.com", "link",
		    SFTP_ATTR_TIMES, 1u, 2u);
		break;
	case 24:
		packet_add(good, "bus", SFTP_EXTENDED, ID, "limits@openssh.com");
		break;
	case 25:
		packet_add(
		    good, "buss", SFTP_EXTENDED, ID, "expand-path@openssh.com", "~/dir/../f");
		break;
	case 26:
		packet_add(good, "buss", SFTP_INIT, 3u, "extension", "1");
		break;
	case 27:
		packet_add(good, "busxqqxq", SFTP_EXTENDED, ID, "copy-data", HANDLE_FIELD(file),
		    UINT64_C(1), UINT64_C(3), HANDLE_FIELD(target), UINT64_C(2));
		break;
	case 28:
		packet_add(good, "buss", SFTP_EXTENDED, ID, "home-directory", "root");
		break;
	case 29:
		packet_add(good, "busuuuuu", SFTP_EXTENDED, ID, "users-groups-by-id@openssh.com",
		    8u, 0u, 1u, 4u, 0u);
		break;
	default:
		return good->len > 0;
	}
	return true;
}

static void bother(void (*change)(const struct packet *good))
{
	static struct packet good;

	serving_make();
	good.len = 0;
	packet_add(&good, "bu", SFTP_INIT, 3u);
	if (serving_send(&good) != 0)
		fail("INIT refused", &good);
	prepare();
	for (int number = 0; make_good(number, &good); number++) {
		prepare();
		/* The handles are others now. */
		(void)make_good(number, &good);
		change(&good);
	}
}

/* What must stay as it is: the jail's surroundings. */
static void expect_surroundings(void)
{
	cr_expect_str_eq(scratch_read("outside"), "untouched");
	cr_expect_eq(scratch_lstat("outside").st_mode, S_IFREG | 0600);
	cr_expect_eq(scratch_count("."), 2);
}

TestSuite(hostile, .init = scratch_enter, .fini = scratch_leave, .timeout = 600);

static void run_in_jail(size_t change)
{
	const struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	int status;
	pid_t pid;

	scratch_write("outside", "untouched");
	cr_assert_eq(chmod("outside", 0600), 0);
	cr_assert_eq(mkdir("jail", 0755), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (!jail_prepare() || !jail_enter("jail"))
			_exit(NO_JAIL);
		if (setrlimit(RLIMIT_FSIZE, &small) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
			_exit(NO_JAIL);
		bother(changes[change]);
		_exit(HELD);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == NO_JAIL)
		scratch_skip("neither root nor a user namespace to change the root in");
	cr_expect_eq(WEXITSTATUS(status), HELD);
	expect_surroundings();
}

Test(hostile, each_byte)
{
	run_in_jail(0);
}

Test(hostile, each_number)
{
	run_in_jail(1);
}

Test(hostile, each_length)
{
	run_in_jail(2);
}

Test(hostile, pairs_of_bits)
{
	run_in_jail(3);
}
