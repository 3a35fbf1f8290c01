/* unit tests: what our server announces and how it lists a directory, byte for byte as OpenSSH's. */
#include "codec/sftp.h"

#include "program.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MANY 1000

static struct program ours, theirs;

static void set_up(void)
{
	scratch_enter();
	if (program_ours().path == NULL)
		scratch_skip("SD_SERVER does not say where sftp-server is");
	if (program_reference().path == NULL)
		scratch_skip("OpenSSH's sftp-server is not installed");
}

TestSuite(reference_list, .init = set_up, .fini = scratch_leave, .timeout = 60);

/* Starts both in the scratch directory. */
static void start_both(const char *const flags[])
{
	struct program_kind kind = program_ours();

	program_start(&ours, &kind, scratch_path, flags);
	kind = program_reference();
	program_start(&theirs, &kind, scratch_path, flags);
}

static void ask(struct program *program, struct packet *packet)
{
	program_send(program, packet);
	program_receive(program, packet);
}

static void stop_both(void)
{
	cr_expect_eq(program_stop(&ours), 0);
	cr_expect_eq(program_stop(&theirs), 0);
}

static void init(struct program *program, struct packet *version)
{
	version->len = 0;
	packet_add(version, "buss", SFTP_INIT, 3u, "extension@client", "1");
	ask(program, version);
}

Test(reference_list, version_and_extensions)
{
	static const char *const flags[][5] = {
	    {NULL},
	    {"-R", NULL},
	    {"-P", "statvfs,copy-data,open", NULL},
	    {"-p", "open,limits,home-directory,users-groups-by-id", NULL},
	    {"-p", "limits,fsync", "-P", "limits", NULL},
	    {"-p", "", NULL},
	};

	for (size_t i = 0; i < COUNT(flags); i++) {
		static struct packet mine, other;

		start_both(flags[i]);
		init(&ours, &mine);
		init(&theirs, &other);
		cr_expect(packet_equals(&mine, &other), "flags %zu", i);
		stop_both();
	}
}

static void make_file(const char *name, mode_t mode, time_t mtime)
{
	const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	scratch_write(name, name);
	cr_assert_eq(chmod(name, mode), 0);
	cr_assert_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void make_socket(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* What only root can make: files of others, of nobody known, devices. */
static void make_as_root(void)
{
	make_file("others", 0644, 1);
	cr_assert_eq(chown("others", 1, 2), 0);
	make_file("nobody known", 0644, 1);
	cr_assert_eq(chown("nobody known", 3999999999, 3999999998), 0);
	make_file("half known", 0644, 1);
	cr_assert_eq(chown("half known", 123456, 0), 0);
	if (mknod("character", S_IFCHR | 0600, makedev(1, 3)) != 0 ||
	    mknod("block", S_IFBLK | 0600, makedev(7, 0)) != 0)
		cr_log_warn("no devices can be made here");
}

static void make_every_kind(void)
{
	static const time_t day = 24 * 60 * 60;
	time_t now = time(NULL);
	char name[16];

	/* Every mode there is, at every age that counts. */
	for (unsigned int mode = 0; mode < 010000; mode += 0111) {
		snprintf(name, sizeof(name), "m%04o", mode);
		make_file(name, mode, now - (time_t)mode);
	}
	make_file("yesterday", 0644, now - day);
	make_file("a half year less a day", 0644, now - 181 * day);
	make_file("a half year and more", 0644, now - 184 * day);
	make_file("tomorrow", 0644, now + day);
	make_file("the epoch", 0644, 0);
	make_file("before the epoch", 0644, -day);
	make_file("after 2038", 0644, 3000000000);
	make_file("bytes \x01\xff\n\xc3\xa4 and blanks ", 0644, 1);
	make_file("large", 0644, 1);
	cr_assert_eq(truncate("large", 123456789012), 0);
	cr_assert_eq(link("large", "large too"), 0);
	cr_assert_eq(symlink("nowhere", "link"), 0);
	cr_assert_eq(mkfifo("fifo", 0640), 0);
	cr_assert_eq(mkdir("directory", 01777), 0);
	make_socket("socket");
	if (geteuid() == 0)
		make_as_root();
}

/* The entries of all replies up to the end, one behind the other.  Returns how many replies. */
static size_t list(struct program *program, const char *directory, struct packet *entries)
{
	static struct packet packet;
	uint8_t handle[16];
	size_t handle_len, replies = 0;

	packet.len = 0;
	packet_add(&packet, "bus", SFTP_OPENDIR, 1u, directory);
	ask(program, &packet);
	cr_assert_eq(packet.bytes[0], SFTP_HANDLE);
	handle_len = packet_u32(&packet, 5);
	cr_assert_leq(handle_len, sizeof(handle));
	memcpy(handle, packet.bytes + 9, handle_len);
	for (entries->len = 0;; replies++) {
		packet.len = 0;
		packet_add(&packet, "bux", SFTP_READDIR, 2u, (const void *)handle, handle_len);
		ask(program, &packet);
		if (packet.bytes[0] != SFTP_NAME)
			break;
		packet_add(entries, "r", (const void *)(packet.bytes + 9), packet.len - 9);
	}
	cr_assert_eq(packet_u32(&packet, 5), SFTP_EOF);
	packet.len = 0;
	packet_add(&packet, "bux", SFTP_CLOSE, 3u, (const void *)handle, handle_len);
	ask(program, &packet);
	return replies;
}

static void expect_same_list(const char *directory)
{
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	static struct packet mine, other;

	/* So old that the first reading, and only that, changes when it was read. */
	cr_assert_eq(utimensat(AT_FDCWD, directory, old, 0), 0);
	(void)list(&theirs, directory, &other);
	(void)list(&ours, directory, &mine);
	(void)list(&theirs, directory, &other);
	cr_expect(packet_equals(&mine, &other), "%s", directory);
}

Test(reference_list, names_long_names_and_attributes)
{
	static const char *const none[] = {NULL};
	struct packet version;

	/* Not in the scratch directory itself: what lies above it changes with every test. */
	cr_assert_eq(mkdir("kinds", 0755), 0);
	cr_assert_eq(chdir("kinds"), 0);
	make_every_kind();
	cr_assert_eq(chdir(".."), 0);
	start_both(none);
	init(&ours, &version);
	init(&theirs, &version);
	expect_same_list("kinds");
	expect_same_list("kinds/directory");
	stop_both();
}

/* 32 KiB at a time (test_dispatch_name), where OpenSSH gives a hundred names. */
Test(reference_list, replies_are_filled)
{
	static const char *const none[] = {NULL};
	static struct packet entries;
	struct packet version;
	size_t replies;
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		make_file(name, 0644, 1);
	}
	start_both(none);
	init(&ours, &version);
	init(&theirs, &version);
	replies = list(&theirs, ".", &entries);
	cr_expect_eq(replies, (MANY + 2 + 99) / 100);
	cr_expect_leq(list(&ours, ".", &entries), entries.len / 30000 + 1);
	cr_expect_lt(entries.len / 30000 + 1, replies, "else this shows nothing");
	stop_both();
}
