/* Tests of the room table: the table itself: making it, entries, their states, their owners' death. */
#include "table/members.h"
#include "table/table.h"
#include "table_scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(table, .init = scratch_begin, .fini = scratch_end, .timeout = 60);

static char *table_path(void)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/table", scratch_rundir);
	return path;
}

Test(table, reference_texts)
{
	static const char *const bad[] = {"", ".", "1", "1.", ".1", "1.2.3", "01.2", "1.02", "-1.2",
	    "1.-2", "+1.2", " 1.2", "1.2 ", "1 .2", "4294967296.1", "1.18446744073709551616",
	    "a.b"};
	char text[CONNECTION_REF_TEXT_MAX];
	struct connection_ref ref = {0, 0};

	cr_expect_eq(connection_ref_parse("4095.18446744073709551615", &ref), 0);
	cr_expect_eq(ref.slot, 4095);
	cr_expect_eq(ref.generation, UINT64_MAX);
	cr_expect_str_eq(connection_ref_format(ref, text), "4095.18446744073709551615");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(connection_ref_parse(bad[i], &ref), -EINVAL, "\"%s\"", bad[i]);
	cr_expect_eq(ref.slot, 4095, "written in spite of an error");
}

Test(table, words)
{
	struct entry_word word = {
	    .state = ENTRY_RELEASING, .owner = {.pid = 4194303, .start = (UINT64_C(1) << 38) - 1}};
	struct entry_word again = entry_word_unpack(entry_word_pack(word));
	struct proc_id self;

	cr_expect_eq(again.state, word.state);
	cr_expect_eq(again.owner.pid, word.owner.pid);
	cr_expect_eq(again.owner.start, word.owner.start);
	cr_expect_eq(entry_word_pack((struct entry_word){.state = ENTRY_FREE}), 0);
	cr_expect(!entry_word_is_stale(0));
	cr_assert_eq(proc_self(&self), 0);
	cr_expect(!entry_word_is_stale(entry_word_pack((struct entry_word){ENTRY_OPEN, self})));
	self.start++;
	cr_expect(entry_word_is_stale(entry_word_pack((struct entry_word){ENTRY_OPEN, self})));
}

Test(table, is_made_once_and_readable)
{
	struct table first, second, reader;
	struct stat st;
	mode_t mask = umask(077);

	cr_expect_eq(table_open(scratch_rundir, false, &reader), -ENOENT);
	cr_assert_eq(table_open_or_create(scratch_rundir, &first), 0);
	cr_assert_eq(table_open_or_create(scratch_rundir, &second), 0);
	cr_assert_eq(table_open(scratch_rundir, false, &reader), 0);
	umask(mask);
	cr_assert_eq(stat(scratch_rundir, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);
	cr_assert_eq(stat(table_path(), &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0644);
	scratch_register(&first);
	cr_expect_neq(reader.entries[0].word, 0, "another file");
	cr_expect_eq(reader.entries[0].word, second.entries[0].word);
	table_close(&first);
	table_close(&second);
	table_close(&reader);
	table_close(&reader);
}

Test(table, is_made_once_by_many_at_once)
{
	pid_t pids[16];
	struct table table;
	int status;

	for (size_t i = 0; i < 16; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct connection connection = scratch_connection();
			struct connection_ref ref;

			_exit(table_open_or_create(scratch_rundir, &table) != 0 ||
			      table_claim(&table, scratch_shmdir, &connection, &ref) != 0);
		}
	}
	for (size_t i = 0; i < 16; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0);
	}
	cr_assert_eq(table_open(scratch_rundir, false, &table), 0);
	/* Claims went into one table: reused entries of the dead have a higher generation. */
	for (uint32_t slot = 0, claims = 0; slot <= 16; slot++) {
		claims += (uint32_t)table.entries[slot].generation;
		if (slot == 16)
			cr_expect_eq(claims, 16);
	}
	table_close(&table);
}

static void damage(off_t at, const void *bytes, size_t len)
{
	int fd = open(table_path(), O_WRONLY);

	cr_assert_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

Test(table, of_another_build_is_refused)
{
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_close(&table);
	damage(offsetof(struct table_header, signature), "x", 1);
	cr_expect_eq(table_open(scratch_rundir, false, &table), -EPROTO);
	cr_expect_eq(table_open_or_create(scratch_rundir, &table), -EPROTO);
}

Test(table, cut_short_is_refused)
{
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_close(&table);
	cr_assert_eq(truncate(table_path(), sizeof(struct table_header) + 100), 0);
	cr_expect_eq(table_open(scratch_rundir, true, &table), -EPROTO);
	cr_assert_eq(truncate(table_path(), 10), 0);
	cr_expect_eq(table_open(scratch_rundir, true, &table), -EINVAL);
}

Test(table, that_others_may_write_is_refused)
{
	struct table table;
	char aside[96];

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_close(&table);
	cr_assert_eq(chmod(table_path(), 0664), 0);
	cr_expect_eq(table_open(scratch_rundir, false, &table), -EPERM);
	cr_assert_eq(chmod(table_path(), 0644), 0);
	cr_assert_eq(chmod(scratch_rundir, 0757), 0);
	cr_expect_eq(table_open_or_create(scratch_rundir, &table), -EPERM);
	cr_assert_eq(chmod(scratch_rundir, 0755), 0);
	snprintf(aside, sizeof(aside), "%s/aside", scratch_rundir);
	cr_assert_eq(rename(table_path(), aside), 0);
	cr_assert_eq(symlink(aside, table_path()), 0);
	cr_expect_eq(table_open(scratch_rundir, false, &table), -ELOOP);
}

Test(table, of_another_user_is_refused)
{
	struct table table;

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	table_close(&table);
	cr_assert_eq(chown(table_path(), 65534, 65534), 0);
	cr_expect_eq(table_open(scratch_rundir, false, &table), -EPERM);
	cr_assert_eq(chown(table_path(), 0, 0), 0);
	cr_assert_eq(chown(scratch_rundir, 65534, 65534), 0);
	cr_expect_eq(table_open(scratch_rundir, false, &table), -EPERM);
}

Test(table, entry_from_claim_to_release)
{
	struct connection described = scratch_connection(), seen;
	struct connection_ref ref, next;
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	cr_assert_eq(table_claim(&table, scratch_shmdir, &described, &ref), 0);
	cr_expect_eq(table_read_connection(&table, ref.slot, &seen), -ENOENT, "seen while claimed");
	cr_expect_eq(table_begin_closing(&table, ref), -EINVAL);
	cr_assert_eq(table_publish(&table, ref), 0);
	cr_expect_eq(table_publish(&table, ref), -EINVAL);
	cr_assert_eq(table_find_connection(&table, ref, &seen), 0);
	cr_expect_not(table_connection_is_over(&table, ref));
	cr_expect_eq(seen.state, ENTRY_OPEN);
	cr_expect_eq(seen.monitor.pid, getpid());
	cr_expect_eq(seen.uid, geteuid());
	cr_expect_eq(seen.opened_ns, described.opened_ns);
	cr_expect_str_eq(seen.user, "tester");
	cr_expect_str_eq(seen.address, "192.0.2.1");
	cr_expect_eq(memcmp(&seen.policy, &described.policy, sizeof(struct policy)), 0);
	cr_assert_eq(table_begin_closing(&table, ref), 0);
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_CLOSING);
	cr_expect_eq(table_begin_closing(&table, ref), -EINVAL);
	cr_assert_eq(table_release(&table, ref), 0);
	cr_expect_eq(table_release(&table, ref), -EINVAL);
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_FREE);
	cr_expect_eq(table_find_connection(&table, ref, &seen), -ENOENT);
	cr_expect(table_connection_is_over(&table, ref));
	next = (struct connection_ref){ref.slot, ref.generation + 1};
	cr_expect_not(table_connection_is_over(&table, next), "has not been yet");
	next = (struct connection_ref){TABLE_CAPACITY, 1};
	cr_expect_not(table_connection_is_over(&table, next), "has no place");
	cr_assert_eq(table_claim(&table, scratch_shmdir, &described, &next), 0);
	cr_expect(next.slot != ref.slot || next.generation > ref.generation);
	cr_expect_eq(table_read_connection(&table, TABLE_CAPACITY, &seen), -ENOENT);
	cr_expect_eq(
	    table_connection_state(&table, (struct connection_ref){UINT32_MAX, 1}), ENTRY_FREE);
	table_close(&table);
}

Test(table, only_the_owner_moves_an_entry)
{
	struct connection_ref ref;
	struct table table;
	int status;
	pid_t pid;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	ref = scratch_register(&table);
	pid = fork();
	if (pid == 0)
		_exit(table_begin_closing(&table, ref) == -EINVAL &&
			      table_release(&table, ref) == -EINVAL &&
			      !table_reap(&table, scratch_shmdir, ref.slot)
			  ? 0
			  : 1);
	waitpid(pid, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_OPEN);
	table_close(&table);
}

/* A process that leaves an entry behind in the given state, with its members file. */
static struct connection_ref leave_behind(struct table *table, enum entry_state state)
{
	int channel[2], status;
	struct connection_ref ref;
	pid_t pid;

	cr_assert_eq(pipe(channel), 0);
	pid = fork();
	if (pid == 0) {
		struct connection connection = scratch_connection();
		bool ok = table_claim(table, scratch_shmdir, &connection, &ref) == 0 &&
			  members_create(scratch_shmdir, ref, geteuid(), getegid()) == 0;

		if (state >= ENTRY_OPEN)
			ok = ok && table_publish(table, ref) == 0;
		if (state >= ENTRY_CLOSING)
			ok = ok && table_begin_closing(table, ref) == 0;
		ok = ok && write(channel[1], &ref, sizeof(ref)) == sizeof(ref);
		if (ok)
			raise(SIGKILL);
		_exit(1);
	}
	cr_assert_eq(read(channel[0], &ref, sizeof(ref)), sizeof(ref));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
	close(channel[0]);
	close(channel[1]);
	return ref;
}

Test(table, what_the_dead_leave_is_reaped)
{
	char name[CONNECTION_REF_TEXT_MAX], path[160];
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	for (enum entry_state state = ENTRY_CLAIMING; state <= ENTRY_CLOSING; state++) {
		struct connection_ref ref = leave_behind(&table, state);

		snprintf(
		    path, sizeof(path), "%s/%s", scratch_shmdir, connection_ref_format(ref, name));
		cr_expect_eq(access(path, F_OK), 0);
		cr_expect(table_reap(&table, scratch_shmdir, ref.slot), "state %d", (int)state);
		cr_expect(!table_reap(&table, scratch_shmdir, ref.slot));
		cr_expect_eq(table.entries[ref.slot].word, 0);
		cr_expect_eq(access(path, F_OK), -1);
	}
	table_close(&table);
}

/* G4, G5: what is still moving is neither forgotten nor cut because sshd's monitor was killed. */
Test(table, an_entry_with_sessions_is_not_reaped)
{
	struct membership member;
	struct connection_ref ref;
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	ref = leave_behind(&table, ENTRY_OPEN);
	cr_assert_eq(members_open(scratch_shmdir, ref, &member), 0);
	cr_assert_eq(members_join(&member), 0);
	cr_expect(!table_reap(&table, scratch_shmdir, ref.slot));
	cr_expect_eq(table_connection_state(&table, ref), ENTRY_OPEN);
	members_close(&member);
	cr_expect(table_reap(&table, scratch_shmdir, ref.slot));
	table_close(&table);
}

Test(table, a_full_table_says_so_and_reuses_the_dead)
{
	struct connection connection = scratch_connection();
	struct connection_ref dead, ref;
	struct table table;

	cr_assert_eq(table_open_or_create(scratch_rundir, &table), 0);
	dead = leave_behind(&table, ENTRY_OPEN);
	for (uint32_t i = 0; i < TABLE_CAPACITY; i++) {
		cr_assert_eq(table_claim(&table, scratch_shmdir, &connection, &ref), 0, "%u", i);
		cr_assert_eq(table_publish(&table, ref), 0);
	}
	cr_expect_eq(table_claim(&table, scratch_shmdir, &connection, &ref), -ENOSPC);
	cr_expect_eq(table.entries[dead.slot].generation, dead.generation + 1);
	table_close(&table);
}
