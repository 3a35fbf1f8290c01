/* Tests of the PAM module: whom it admits, what the others are told, and what it does when something
 * fails. */
#include "service.h"
#include "table/table.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* An Ed25519 key and what `ssh-keygen -l` says of it. */
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
#define KEY_INFO "SSH_AUTH_INFO_0=publickey ssh-ed25519 " KEY "\n"
#define FINGERPRINT "SHA256:mKqU+0K8OhKmA8bBQi9Rz0Q5l7/g160hIP+rJYSTNj4"

TestSuite(admit, .init = service_begin, .fini = service_end, .timeout = 60);

static struct table open_table(void)
{
	struct table table;

	cr_assert_eq(table_open_or_create(service_rundir, &table), 0);
	return table;
}

static void drain_host(const char *message)
{
	const struct order_target host = {.scope = SCOPE_HOST};
	const struct order_change change = {.message = message};
	struct table table = open_table();

	cr_assert_eq(table_order(&table, &host, &change), 0);
	table_close(&table);
}

static uint32_t count_entries(void)
{
	struct table table = open_table();
	uint32_t count = 0;

	for (uint32_t slot = 0; slot < table.header->capacity; slot++)
		count += table.entries[slot].word != 0;
	table_close(&table);
	return count;
}

static bool is_registered(pam_handle_t *pamh)
{
	return pam_getenv(pamh, "SFTP_DRAIN_CONNECTION") != NULL;
}

static void end(pam_handle_t *pamh)
{
	cr_assert_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* auth */

Test(admit, auth_refuses_before_a_password_is_asked)
{
	pam_handle_t *pamh;

	service_write("", "pam_unix.so");
	service_configure("default = { while_draining = \"refuse-login\"; };\n");
	pamh = service_start("nobody");
	cr_expect_neq(pam_authenticate(pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(service_asked, 1, "no drain, so the next module asks");
	drain_host("back at noon");
	service_asked = 0;
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(service_asked, 0);
	cr_expect_str_eq(service_said, "server is draining: back at noon");
	cr_expect(service_has_logged("login of nobody from 192.0.2.9 refused: server is draining"));
	end(pamh);
}

/* Else who exists could be told by who is asked for a password. */
Test(admit, auth_refuses_those_who_do_not_exist_as_everybody_else)
{
	pam_handle_t *pamh = service_start("no-such\nuser");

	service_configure("default = { while_draining = \"refuse-login\"; };\n");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	drain_host("");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_PERM_DENIED);
	cr_expect_str_eq(service_said, "server is draining");
	cr_expect(service_has_logged("login of no-such\\012user from"), "%s", service_logged);
	end(pamh);
}

Test(admit, auth_claims_nothing)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { max_connections = 1; };\n");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(count_entries(), 0);
	end(pamh);
}

/* account */

Test(admit, rules_for_addresses)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { while_draining = \"refuse-login\"; };\n"
			  "rules = ( { match = { address = \"192.0.2.0/28\"; };"
			  " while_draining = \"admit\"; } );\n");
	drain_host("");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_putenv(pamh, "SSH_CONNECTION=::ffff:192.0.2.9 1 ::1 22"), PAM_SUCCESS);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_putenv(pamh, "SSH_CONNECTION=192.0.2.16 1 ::1 22"), PAM_SUCCESS);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	cr_assert_eq(pam_putenv(pamh, "SSH_CONNECTION=UNKNOWN 65535 UNKNOWN 65535"), PAM_SUCCESS);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	end(pamh);
}

/* The key of the last method is known to the session hook only, which decides then. */
Test(admit, rules_for_keys)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { while_draining = \"refuse-login\"; };\n"
			  "rules = ( { match = { key = \"" FINGERPRINT "\"; };"
			  " while_draining = \"admit\"; deadline = \"77s\"; } );\n");
	drain_host("");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS, "a key may yet come");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_PERM_DENIED, "it has not");
	cr_expect_str_eq(service_said, "", "it would be mixed into the output of a command");
	cr_expect(service_has_logged("refused: server is draining"));
	cr_expect_not(is_registered(pamh));
	cr_assert_eq(pam_putenv(pamh, KEY_INFO), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect(is_registered(pamh));
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	end(pamh);
	/* Known before: of an earlier method. */
	pamh = service_start("nobody");
	cr_assert_eq(pam_putenv(pamh, KEY_INFO), PAM_SUCCESS);
	service_configure("rules = ( { match = { key = \"" FINGERPRINT "\"; };"
			  " while_draining = \"refuse-login\"; } );\n");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	end(pamh);
}

/* Another monitor of the user.  It loads the module itself, so it is forked before we do. */
struct monitor {
	pid_t pid;
	int go, said;
};

static struct monitor start_monitor(void)
{
	struct monitor monitor;
	int go[2], said[2];

	cr_assert_eq(pipe(go), 0);
	cr_assert_eq(pipe(said), 0);
	monitor = (struct monitor){.pid = fork(), .go = go[1], .said = said[0]};
	if (monitor.pid == 0) {
		pam_handle_t *pamh;
		bool account;
		int rc;

		if (read(go[0], &account, sizeof(account)) != sizeof(account))
			_exit(1);
		pamh = service_start("nobody");
		rc = account ? pam_acct_mgmt(pamh, 0) : PAM_SUCCESS;
		if (rc == PAM_SUCCESS)
			rc = pam_open_session(pamh, 0);
		(void)!write(said[1], &rc, sizeof(rc));
		for (;;)
			pause();
	}
	return monitor;
}

/* Logs in there, with the account hook or without; returns what the hooks said.  The connection lasts
 * until the monitor is killed. */
static int log_in(const struct monitor *monitor, bool account)
{
	int rc;

	cr_assert_eq(write(monitor->go, &account, sizeof(account)), sizeof(account));
	cr_assert_eq(read(monitor->said, &rc, sizeof(rc)), sizeof(rc));
	return rc;
}

static void kill_monitor(const struct monitor *monitor)
{
	cr_assert_eq(kill(monitor->pid, SIGKILL), 0);
	cr_assert_eq(waitpid(monitor->pid, NULL, 0), monitor->pid);
}

Test(admit, max_connections)
{
	struct monitor first = start_monitor(), second = start_monitor();
	pam_handle_t *pamh;

	service_configure("default = { max_connections = 2; };\n");
	cr_expect_eq(log_in(&first, true), PAM_SUCCESS);
	cr_expect_eq(log_in(&second, false), PAM_SUCCESS, "without an account line");
	pamh = service_start("nobody");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS, "not told to somebody unknown");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	cr_expect_str_eq(service_said, "too many connections of this user");
	cr_expect_eq(pam_open_session(pamh, 0), PAM_PERM_DENIED);
	cr_expect_not(is_registered(pamh));
	kill_monitor(&first);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect(is_registered(pamh));
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	end(pamh);
	kill_monitor(&second);
}

/* What a rule for a key says of max_connections is not known to the account hook: it claims nothing. */
Test(admit, max_connections_of_a_key)
{
	struct monitor first = start_monitor();
	pam_handle_t *pamh;

	service_configure("default = { max_connections = 1; };\n"
			  "rules = ( { match = { key = \"" FINGERPRINT "\"; };"
			  " max_connections = 2; } );\n");
	cr_expect_eq(log_in(&first, true), PAM_SUCCESS);
	pamh = service_start("nobody");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(count_entries(), 1);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_PERM_DENIED);
	cr_assert_eq(pam_putenv(pamh, KEY_INFO), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	end(pamh);
	kill_monitor(&first);
}

Test(admit, a_login_that_is_refused_later_leaves_nothing)
{
	pam_handle_t *pamh = service_start("nobody");

	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(count_entries(), 1, "claimed");
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS, "another method");
	cr_expect_eq(count_entries(), 1);
	end(pamh);
	cr_expect_eq(count_entries(), 0);
}

/* sshd has keyboard-interactive logins done by a child of the monitor, account hooks included. */
Test(admit, a_child_claims_for_the_monitor)
{
	struct monitor other = start_monitor();
	pam_handle_t *pamh = service_start("nobody");
	pid_t pid;
	int status;

	service_configure("default = { max_connections = 1; };\n");
	pid = fork();
	if (pid == 0) {
		status = pam_acct_mgmt(pamh, 0);
		pam_end(pamh, status);
		_exit(status == PAM_SUCCESS ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_expect_eq(count_entries(), 1, "the child's end has taken nothing away");
	cr_expect_eq(log_in(&other, true), PAM_PERM_DENIED, "the claim counts");
	kill_monitor(&other);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect(is_registered(pamh));
	cr_expect_eq(count_entries(), 1);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(count_entries(), 0);
	end(pamh);
}

/* failures */

static void expect_hooks(pam_handle_t *pamh, int auth, int account, int session, const char *logs)
{
	service_logged[0] = '\0';
	cr_expect_eq(pam_authenticate(pamh, 0), auth, "auth: %s", logs);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), account, "account: %s, not %s", logs, service_logged);
	cr_expect_eq(pam_open_session(pamh, 0), session, "session: %s", logs);
	cr_expect(service_has_logged(logs), "wanted %s, got %s", logs, service_logged);
	/* After a session that was not opened libpam has it fail whatever the modules say. */
	if (session == PAM_SUCCESS)
		cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS, "close: %s", logs);
}

Test(admit, a_broken_configuration)
{
	pam_handle_t *pamh;

	service_configure("default = { required = maybe; };\n");
	pamh = service_start("nobody");
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, "the built-in policy applies");
	end(pamh);
	service_write("on_error=refuse", "pam_permit.so");
	pamh = service_start("nobody");
	expect_hooks(pamh, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED,
	    "conf:1: syntax error; logins are refused");
	cr_expect_str_eq(service_said, "this server's configuration is broken");
	cr_expect_eq(count_entries(), 0);
	service_configure("default = { };\n");
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, "registered");
	end(pamh);
	service_write("on_error=perhaps", "pam_permit.so");
	pamh = service_start("nobody");
	service_configure("default = { required = maybe; };\n");
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS,
	    "unknown argument \"on_error=perhaps\" is ignored");
	end(pamh);
}

/* Without `required` nobody is locked out when the table cannot be used; with it, all whom the rule is
 * for are. */
static void expect_unregistered(const char *logs)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { max_connections = 1; };\n");
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, logs);
	cr_expect_not(is_registered(pamh));
	service_configure("default = { required = true; };\n");
	expect_hooks(pamh, PAM_SUCCESS, PAM_PERM_DENIED, PAM_PERM_DENIED, logs);
	cr_expect_str_eq(service_said, "this server cannot register the connection");
	cr_expect_not(is_registered(pamh));
	end(pamh);
}

Test(admit, a_table_that_is_not_roots_alone)
{
	cr_assert_eq(mkdir(service_rundir, 0755), 0);
	cr_assert_eq(chmod(service_rundir, 0777), 0);
	expect_unregistered("session table in");
	cr_assert_eq(chmod(service_rundir, 0755), 0);
	cr_expect_eq(count_entries(), 0);
}

Test(admit, a_table_of_another_build)
{
	struct table table = open_table();

	table.header->signature++;
	expect_unregistered("made by another build of sftp-drain");
	table_close(&table);
}

Test(admit, a_table_that_is_full)
{
	const struct connection somebody = {.uid = 4711, .user = "somebody"};
	struct table table = open_table();
	struct connection_ref ref;

	for (uint32_t i = 0; i < TABLE_CAPACITY; i++) {
		cr_assert_eq(table_claim(&table, service_shmdir, &somebody, &ref), 0);
		cr_assert_eq(table_publish(&table, ref), 0);
	}
	expect_unregistered("no entry in the session table: it is full");
	table_close(&table);
}

Test(admit, members_files_that_cannot_be_made)
{
	pam_handle_t *pamh = service_start("nobody");

	cr_assert_eq(mkdir(service_shmdir, 0711), 0);
	cr_assert_eq(chmod(service_shmdir, 0777), 0);
	service_configure("default = { required = true; };\n");
	/* Seen by the session hook only. */
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_PERM_DENIED, "members file in");
	service_configure("default = { };\n");
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, "members file in");
	cr_expect_not(is_registered(pamh));
	cr_expect_eq(count_entries(), 0);
	end(pamh);
}

/* What the process may still map is less than the text of the configuration, and than the table: then not
 * even the policy is known. */
Test(admit, no_memory)
{
	struct rlimit limit, before;
	pam_handle_t *pamh, *other;
	unsigned long pages;
	FILE *statm;

#ifdef __SANITIZE_ADDRESS__
	service_end();
	cr_skip_test("the address sanitizer lives on address space");
#endif
	service_configure("default = { required = true; };\n");
	pamh = service_start("nobody");
	/* The table is there, and the module stays loaded. */
	cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
	statm = fopen("/proc/self/statm", "r");
	cr_assert_not_null(statm);
	cr_assert_eq(fscanf(statm, "%lu", &pages), 1);
	fclose(statm);
	limit = before;
	limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (1 << 19);
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	expect_hooks(pamh, PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS,
	    "conf: Cannot allocate memory; the built-in policy applies");
	cr_expect(service_has_logged("run: Cannot allocate memory"), "%s", service_logged);
	service_write("on_error=refuse", "pam_permit.so");
	other = service_start("nobody");
	expect_hooks(other, PAM_PERM_DENIED, PAM_PERM_DENIED, PAM_PERM_DENIED,
	    "conf: Cannot allocate memory; logins are refused");
	cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
	end(other);
	end(pamh);
}

/* services that are none of ours */

Test(admit, a_service_that_is_no_ssh_server)
{
	pam_handle_t *pamh = service_start("nobody");

	service_configure("default = { required = true; while_draining = \"refuse-login\"; };\n");
	drain_host("");
	cr_assert_eq(pam_putenv(pamh, "SSH_CONNECTION"), PAM_SUCCESS);
	service_logged[0] = '\0';
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(count_entries(), 0);
	cr_expect_not(is_registered(pamh));
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect(service_has_logged("no SSH server: ignored"), "%s", service_logged);
	end(pamh);
}

static int count_descriptors(void)
{
	DIR *stream = opendir("/proc/self/fd");
	int count = 0;

	cr_assert_not_null(stream);
	while (readdir(stream) != NULL)
		count++;
	closedir(stream);
	return count;
}

Test(admit, nothing_is_left_of_many_logins)
{
	int before = 0;

	service_configure("default = { max_connections = 1; required = true; };\n"
			  "rules = ( { match = { key = \"!" FINGERPRINT "\"; }; } );\n");
	for (int i = 0; i < 200; i++) {
		pam_handle_t *pamh = service_start("nobody");

		if (i == 100)
			service_configure("default = { max_connections = 1; };\n");
		cr_assert_eq(pam_putenv(pamh, KEY_INFO), PAM_SUCCESS);
		cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
		cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
		cr_assert_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
		if (i % 3 != 0)
			cr_assert_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
		end(pamh);
		if (i == 10)
			before = count_descriptors();
	}
	cr_expect_eq(count_descriptors(), before);
	cr_expect_eq(count_entries(), 0);
}
