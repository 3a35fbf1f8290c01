/* unit tests: the operator's command in this process, on a table below a directory of its own. */
#include "control_scratch.h"

#include "table/members_file.h"
#include "util/clock.h"

#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct run_result result;

char base[64], rundir[96], shmdir[96];

void run_vector(int argc, char **argv)
{
	size_t out_size, err_size;
	uint64_t start = clock_now_ns();
	FILE *out, *err;

	free(result.out);
	free(result.err);
	out = open_memstream(&result.out, &out_size);
	err = open_memstream(&result.err, &err_size);
	result.status = (int)control_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	result.took_ns = clock_now_ns() - start;
}

void run(const char *format, ...)
{
	char line[1024], name[] = "sftp-drain", run_option[] = "--rundir",
			 shm_option[] = "--shmdir";
	char *argv[32] = {name, run_option, rundir, shm_option, shmdir};
	int argc = 5;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	run_vector(argc, argv);
}

pid_t children[CHILDREN_MAX];
size_t child_count;
struct table table;
struct connection_ref ref;
enum policy_while_draining newcomers_get = POLICY_REFUSE_SESSION;
struct drain_plan sessions_see;

void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st, (void)kind, (void)place;
	return remove(path);
}

void make_dirs(void)
{
	strcpy(base, "/tmp/test-control.XXXXXX");
	cr_assert(mkdtemp(base) != NULL);
	cr_assert_eq(chmod(base, 0755), 0);
	snprintf(rundir, sizeof(rundir), "%s/run", base);
	snprintf(shmdir, sizeof(shmdir), "%s/shm", base);
	table.fd = -1;
	/* A test is a monitor, and root's monitor may be the process that close ends. */
	signal(SIGTERM, SIG_IGN);
}

void remove_dirs(void)
{
	while (child_count > 0)
		end_child(children[--child_count]);
	table_close(&table);
	nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(result.out);
	free(result.err);
	result.out = result.err = NULL;
}

void open_connection_of(uid_t uid)
{
	struct connection description = {
	    .uid = uid,
	    .gid = getegid(),
	    .opened_ns = clock_now_ns(),
	    .user = "m\033ila",
	    .address = "192.0.2.7",
	};

	policy_set_defaults(&description.policy);
	description.policy.while_draining = newcomers_get;
	if (table.header == NULL)
		cr_assert_eq(table_open_or_create(rundir, &table), 0);
	cr_assert_eq(table_claim(&table, shmdir, &description, &ref), 0);
	cr_assert_eq(members_create(shmdir, ref, description.uid, description.gid), 0);
	cr_assert_eq(table_publish(&table, ref), 0);
}

void open_connection(void)
{
	open_connection_of(geteuid());
}

void end_session(struct membership *membership, enum ending ending, unsigned int delay_ms)
{
	while (ending == STAYS)
		pause();
	clock_sleep_ns(delay_ms * NS_PER_MS);
	if (ending == ENDS_KILLED)
		raise(SIGKILL);
	if (members_leave(membership, ending == ENDS_FORCED ? END_FORCED : END_CLEAN) == LEFT_LAST)
		members_close(membership);
	_exit(0);
}

void show_work(struct membership *membership)
{
	struct member_row *row = members_row(membership);
	struct file_row *file = members_file_begin(membership, "a\n\"b", FILE_READ);

	row->state = MEMBER_ACTIVE;
	row->read_bytes = 1536;
	row->written_bytes = 7;
	row->requests = 42;
	file->offset = 410;
	file->size = 1000;
	(void)members_file_begin(membership, "up\xff.part", FILE_WRITE);
}

static void keep(pid_t pid)
{
	cr_assert(child_count < CHILDREN_MAX);
	children[child_count++] = pid;
}

pid_t fork_ready(int *ready)
{
	int ends[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	cr_assert(pid >= 0);
	*ready = ends[1];
	if (pid == 0) {
		close(ends[0]);
		return 0;
	}
	close(ends[1]);
	keep(pid);
	cr_assert_eq(read(ends[0], &byte, 1), 1, "the child failed");
	close(ends[0]);
	return pid;
}

/* What a child does that has joined. */
static _Noreturn void be_session(
    struct membership *membership, int ready, enum ending ending, unsigned int delay_ms)
{
	show_work(membership);
	members_show_orders(membership, &sessions_see);
	if (write(ready, "", 1) == 1)
		end_session(membership, ending, delay_ms);
	_exit(1);
}

pid_t start_session(enum ending ending, unsigned int delay_ms)
{
	struct membership membership;
	int ready;
	pid_t pid = fork_ready(&ready);

	if (pid > 0)
		return pid;
	if (members_open(shmdir, ref, &membership) != 0 || members_join(&membership) != 0)
		_exit(1);
	be_session(&membership, ready, ending, delay_ms);
}

int status_as_nobody(const char *line, const char *expected_out)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(99);
		run("%s", line);
		if (strstr(result.out, expected_out) == NULL &&
		    strstr(result.err, expected_out) == NULL) {
			fprintf(stderr, "%s: %s%s\n", line, result.out, result.err);
			_exit(98);
		}
		_exit(result.status);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

pid_t start_advisory_session(enum ending ending, unsigned int delay_ms, char id[SCOPE_ID_MAX])
{
	struct advisory_connection description = {.address = "198.51.100.1"};
	struct membership membership;
	int ready;
	pid_t pid;

	policy_set_defaults(&description.policy);
	cr_assert_eq(proc_self(&description.sshd), 0);
	snprintf(id, SCOPE_ID_MAX, "%lu/%d.%llu", (unsigned long)geteuid(),
	    (int)description.sshd.pid, (unsigned long long)description.sshd.start);
	pid = fork_ready(&ready);
	if (pid > 0)
		return pid;
	if (members_open_advisory(shmdir, &description, &membership) != 0 ||
	    members_join(&membership) != 0)
		_exit(1);
	be_session(&membership, ready, ending, delay_ms);
}

void remove_advisory(const char *id)
{
	char path[256];

	snprintf(
	    path, sizeof(path), "%s-%lu/%s", shmdir, (unsigned long)geteuid(), strchr(id, '/') + 1);
	cr_assert_eq(unlink(path), 0);
}

void see_host_order(void)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	struct order order;

	cr_assert_eq(table_read_order(&table, &host, &order, NULL), 0);
	sessions_see = (struct drain_plan){.issued_ns[SCOPE_HOST] = order.issued_ns};
}
