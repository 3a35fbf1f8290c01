/* tests: finding the SSH server above a session, by names, parentage and owners. */
#include "server/sshd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const uid_t somebody = 65533, somebody_else = 65532;

/* A process of a tree, each the child of the one before. */
struct branch {
	const char *name;
	uid_t uid;
	bool leads; /* a session of its own */
};

struct found {
	int rc;
	int at; /* which branch it is; -1: none of them */
};

static void become(const struct branch *branch)
{
	if (branch->leads && setsid() < 0)
		_exit(2);
	(void)prctl(PR_SET_NAME, branch->name);
	if (geteuid() == 0 && setresuid(branch->uid, branch->uid, 0) != 0)
		_exit(2);
}

/* For the next process to choose its own user. */
static void be_root_again(void)
{
	if (getuid() != 0)
		(void)setresuid(0, 0, 0);
}

static void look(const pid_t *pids, int count, int out)
{
	struct found found = {.at = -1};
	struct proc_id server;

	found.rc = sshd_find_above(&server);
	for (int i = 0; found.rc == 0 && i < count; i++) {
		if (pids[i] == server.pid)
			found.at = i;
	}
	if (write(out, &found, sizeof(found)) != (ssize_t)sizeof(found))
		_exit(2);
}

static void grow(const struct branch *branches, int at, int count, pid_t *pids, int out)
{
	pid_t child = fork();
	int status = 0;

	if (child > 0) {
		(void)waitpid(child, &status, 0);
		return;
	}
	be_root_again();
	become(&branches[at]);
	pids[at] = getpid();
	if (at + 1 < count)
		grow(branches, at + 1, count, pids, out);
	else
		look(pids, count, out);
	_exit(0);
}

/* What the last of the branches finds. */
static struct found find(const struct branch *branches, int count)
{
	struct found found = {.rc = 1};
	pid_t pids[8];
	int ends[2];

	setenv("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 2", 1);
	cr_assert_eq(pipe(ends), 0);
	grow(branches, 0, count, pids, ends[1]);
	close(ends[1]);
	cr_assert_eq(read(ends[0], &found, sizeof(found)), (ssize_t)sizeof(found), "no answer");
	close(ends[0]);
	return found;
}

#define FIND(...)                                                                                  \
	find((const struct branch[]){__VA_ARGS__},                                                 \
	    (int)(sizeof((const struct branch[]){__VA_ARGS__}) / sizeof(struct branch)))

static void needs_root(void)
{
	if (geteuid() != 0)
		cr_skip("needs root: it makes processes of other users");
}

Test(sshd, the_nearest_of_the_known_names)
{
	uid_t self = getuid();
	static const char *const names[] = {"sshd", "sshd-session", "dropbear", "tinysshd"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct found found = FIND({names[i], self, true}, {names[i], self, true},
		    {"dash", self, false}, {"sftp-server", self, false});

		cr_expect_eq(found.rc, 0, "%s: %s", names[i], strerror(-found.rc));
		cr_expect_eq(found.at, 1, "%s: found %d", names[i], found.at);
	}
}

Test(sshd, none_without_the_variable_or_without_a_server)
{
	struct proc_id server;
	struct found found = FIND({"inetd", getuid(), true}, {"sftp-server", getuid(), true});

	/* There may be a server far above the tests themselves. */
	cr_expect(found.rc != 0 || found.at == -1);
	unsetenv("SSH_CONNECTION");
	cr_expect_eq(sshd_find_above(&server), -ESRCH);
}

Test(sshd, one_that_serves_as_root)
{
	struct found found;

	needs_root();
	found =
	    FIND({"dropbear", 0, true}, {"dropbear", 0, true}, {"sftp-server", somebody, false});
	cr_expect_eq(found.rc, 0);
	cr_expect_eq(found.at, 1);
}

Test(sshd, one_of_a_third_user_is_not_ours)
{
	struct found found;

	needs_root();
	found = FIND({"sshd", 0, true}, {"sshd", somebody_else, true}, {"su", 0, true},
	    {"sftp-server", somebody, false});
	cr_expect_eq(found.rc, -ESRCH);
	found = FIND({"sshd", somebody_else, true}, {"sudo", 0, true}, {"sftp-server", 0, true});
	cr_expect_eq(found.rc, -ESRCH);
}

Test(sshd, under_another_name_it_has_a_parent_of_roots)
{
	struct found found;

	needs_root();
	found = FIND({"my-sshd", 0, true}, {"my-sshd", somebody, true}, {"dash", somebody, true},
	    {"sftp-server", somebody, false});
	cr_expect_eq(found.rc, 0);
	cr_expect_eq(found.at, 1);
	/* The same names without a session of its own: a shell below a shell. */
	found = FIND({"nologin", 0, true}, {"bash", 0, true}, {"bash", somebody, false},
	    {"sftp-server", somebody, false});
	cr_expect(found.rc != 0 || found.at == -1);
}
