/* pam: a connection's entry in the session table, from login to end. */
#include "register.h"

#include "hold.h"
#include "table/members_file.h"
#include "table/members_read.h"
#include "table/table.h"
#include "util/clock.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

#define DATA_NAME "sftp_drain_connection"
#define CONNECTION_VARIABLE "SFTP_DRAIN_CONNECTION"

/* Kept with the PAM handle.  The table is not: before OpenSSH 9.8 the user's sshd process is a fork of
 * this one, and would inherit a writable mapping of it. */
struct registration {
	char rundir[MEMBERS_PATH_MAX], shmdir[MEMBERS_PATH_MAX];
	struct connection connection;
	/* Opened while the file was still as we made it: its user may take away its mode or its name. */
	struct members_reader members;
};

static const char *explain(int error)
{
	return error == -EPROTO ? "made by another build of sftp-drain" : strerror(-error);
}

/* Frees the entry, if this is the process that claimed it; and the memory. */
static void unregister(struct registration *registration)
{
	struct table table;

	if (table_open(registration->rundir, true, &table) == 0) {
		if (table_release(&table, registration->connection.ref) == 0)
			members_remove(registration->shmdir, registration->connection.ref);
		table_close(&table);
	}
	members_reader_close(&registration->members);
	free(registration);
}

/* Called by libpam in every process that ends the handle, forked children included. */
static void forget(pam_handle_t *pamh, void *data, int error_status)
{
	(void)pamh;
	(void)error_status;
	unregister(data);
}

/* Who logs in, and under which policy. */
static void describe(const struct login *login, struct connection *connection)
{
	connection->uid = login->uid;
	connection->gid = login->gid;
	connection->opened_ns = clock_now_ns();
	connection->policy = login->policy;
	snprintf(connection->user, sizeof(connection->user), "%s", login->user);
	snprintf(connection->address, sizeof(connection->address), "%s", login->address);
}

/* Returns 0 or a negative errno, logged but for -EDQUOT. */
static int claim(pam_handle_t *pamh, struct registration *registration, struct table *table)
{
	struct connection *connection = &registration->connection;
	int rc = table_claim(table, registration->shmdir, connection, &connection->ref);

	if (rc != 0 && rc != -EDQUOT)
		pam_syslog(pamh, LOG_ERR, "no entry in the session table: %s",
		    rc == -ENOSPC ? "it is full" : explain(rc));
	return rc;
}

/* Puts the members file in place and shows the entry.  Returns 0 or a negative errno, logged. */
static int enter(pam_handle_t *pamh, struct registration *registration, struct table *table)
{
	struct connection *connection = &registration->connection;
	int rc =
	    members_create(registration->shmdir, connection->ref, connection->uid, connection->gid);

	if (rc == 0)
		rc = members_reader_open(registration->shmdir, connection, &registration->members);
	if (rc == 0)
		rc = table_publish(table, connection->ref);
	if (rc != 0)
		pam_syslog(
		    pamh, LOG_ERR, "members file in %s: %s", registration->shmdir, explain(rc));
	return rc;
}

/* What was in force before we made files. */
struct size_limit {
	struct rlimit limit;
	struct sigaction action;
};

/* pam_limits may have set the user's limit on file sizes for this process already.  The files that we
 * make are root's; and SIGXFSZ would end sshd, so that it is ignored where even root may not lift the
 * limit. */
static void lift_size_limit(struct size_limit *before)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct rlimit more = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	sigaction(SIGXFSZ, &ignore, &before->action);
	getrlimit(RLIMIT_FSIZE, &before->limit);
	if (setrlimit(RLIMIT_FSIZE, &more) == 0)
		return;
	more.rlim_cur = more.rlim_max = before->limit.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &more);
}

static void restore_size_limit(const struct size_limit *before)
{
	(void)setrlimit(RLIMIT_FSIZE, &before->limit);
	sigaction(SIGXFSZ, &before->action, NULL);
}

/* Claims and, when opens is set, enters. */
static int enter_table(pam_handle_t *pamh, struct registration *registration, bool opens)
{
	struct size_limit before;
	struct table table;
	int rc;

	lift_size_limit(&before);
	rc = table_open_or_create(registration->rundir, &table);
	if (rc != 0) {
		pam_syslog(
		    pamh, LOG_ERR, "session table in %s: %s", registration->rundir, explain(rc));
	} else {
		rc = claim(pamh, registration, &table);
		if (rc == 0 && opens)
			rc = enter(pamh, registration, &table);
		table_close(&table);
	}
	restore_size_limit(&before);
	return rc;
}

static int export_connection(pam_handle_t *pamh, struct connection_ref ref)
{
	char text[CONNECTION_REF_TEXT_MAX], variable[128];

	snprintf(variable, sizeof(variable), CONNECTION_VARIABLE "=%s",
	    connection_ref_format(ref, text));
	return pam_putenv(pamh, variable) == PAM_SUCCESS ? 0 : -ENOMEM;
}

static struct registration *find(pam_handle_t *pamh)
{
	const void *data = NULL;

	if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS)
		return NULL;
	/* libpam keeps it for us and hands it out const. */
	return (struct registration *)(uintptr_t)data;
}

/* Makes what is kept with the handle.  Returns NULL, logged, when there is no memory. */
static struct registration *keep(pam_handle_t *pamh, const struct arguments *arguments)
{
	struct registration *registration = calloc(1, sizeof(*registration));

	if (registration != NULL) {
		registration->members.fd = -1;
		snprintf(
		    registration->rundir, sizeof(registration->rundir), "%s", arguments->rundir);
		snprintf(
		    registration->shmdir, sizeof(registration->shmdir), "%s", arguments->shmdir);
		if (pam_set_data(pamh, DATA_NAME, registration, forget) == PAM_SUCCESS)
			return registration;
	}
	free(registration);
	pam_syslog(pamh, LOG_CRIT, "out of memory; the connection is not registered");
	return NULL;
}

/* libpam loads us in the process that starts the handle: the connection's monitor.  sshd has
 * keyboard-interactive logins done in a child, account hooks included, whose handle is a copy. */
static pid_t loaded_by;

__attribute__((constructor)) static void note_loader(void)
{
	loaded_by = getpid();
}

int register_claim(pam_handle_t *pamh, const struct arguments *arguments, const struct login *login)
{
	struct registration *registration = find(pamh);
	struct proc_stat monitor = {.id = {.pid = 0}};
	int rc;

	if (getpid() != loaded_by && getppid() == loaded_by) {
		rc = proc_read_stat(loaded_by, &monitor);
		if (rc != 0)
			return rc;
	}
	if (registration == NULL)
		registration = keep(pamh, arguments);
	if (registration == NULL)
		return -ENOMEM;
	describe(login, &registration->connection);
	registration->connection.monitor = monitor.id;
	return enter_table(pamh, registration, false);
}

int register_open(pam_handle_t *pamh, const struct arguments *arguments, const struct login *login)
{
	struct registration *registration = find(pamh);
	int rc;

	if (registration != NULL && registration->members.fd >= 0)
		return 0;
	if (registration == NULL)
		registration = keep(pamh, arguments);
	if (registration == NULL)
		return -ENOMEM;
	describe(login, &registration->connection);
	rc = enter_table(pamh, registration, true);
	if (rc == 0)
		rc = export_connection(pamh, registration->connection.ref);
	if (rc != 0)
		(void)pam_set_data(pamh, DATA_NAME, NULL, NULL);
	else if (arguments->debug)
		pam_syslog(pamh, LOG_DEBUG, "registered %s", pam_getenv(pamh, CONNECTION_VARIABLE));
	return rc;
}

/* Adds the sessions that ended under the order on the host or on the user to that order's tally. */
static void count_under(
    const struct registration *registration, struct table *table, enum order_scope scope)
{
	const struct order_target target = {.scope = scope, .uid = registration->connection.uid};
	struct members_ended ended;
	struct order order;

	if (table_read_order(table, &target, &order, NULL) == 0 && order.active &&
	    members_read_ended_under(&registration->members, scope, order.issued_ns, &ended) == 0)
		table_count_ended(table, &target, ended.clean, ended.forced);
}

/* Waits for the sessions and counts how they ended. */
static void hold(pam_handle_t *pamh, const struct arguments *arguments,
    struct registration *registration, struct table *table)
{
	const struct connection *connection = &registration->connection;
	struct members_ended ended = {0, 0};

	switch (hold_until_gone(&registration->members, connection->policy.deadline_ns)) {
	case HOLD_CLEAN:
		break;
	case HOLD_FORCED:
		pam_syslog(pamh, LOG_WARNING, "sessions of %s were ended at the deadline",
		    connection->user);
		break;
	case HOLD_GIVEN_UP:
		pam_syslog(
		    pamh, LOG_ERR, "sessions of %s outlive their connection", connection->user);
		break;
	}
	count_under(registration, table, SCOPE_HOST);
	count_under(registration, table, SCOPE_USER);
	if (arguments->debug && members_read_ended(&registration->members, &ended) == 0)
		pam_syslog(pamh, LOG_DEBUG, "%s: sessions ended, %u clean, %u by force",
		    connection->user, ended.clean, ended.forced);
}

void register_close(pam_handle_t *pamh, const struct arguments *arguments)
{
	struct registration *registration = find(pamh);
	struct table table;
	int rc;

	if (registration == NULL)
		return;
	rc = table_open(registration->rundir, true, &table);
	if (rc != 0) {
		pam_syslog(
		    pamh, LOG_ERR, "session table in %s: %s", registration->rundir, explain(rc));
	} else {
		/* From here on no session joins; those that have joined are seen by hold. */
		if (table_begin_closing(&table, registration->connection.ref) == 0)
			hold(pamh, arguments, registration, &table);
		table_close(&table);
	}
	/* forget frees the entry. */
	(void)pam_set_data(pamh, DATA_NAME, NULL, NULL);
}
