/* pam: the hooks of pam_sftp_drain.so.  They never exit, and refuse only what the policy says. */
#include "arguments.h"
#include "policy/policy_load.h"
#include "register.h"
#include "table/table.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <syslog.h>

#define HOOK __attribute__((visibility("default")))

/* The order in force on the host or on the user, if there is one. */
static bool is_draining(const struct arguments *arguments, uid_t uid, struct order *order)
{
	struct order_target target = {.scope = SCOPE_HOST, .uid = uid};
	struct table table;
	bool active = false;

	if (table_open(arguments->rundir, false, &table) != 0)
		return false;
	for (int i = 0; i < 2 && !active; i++) {
		target.scope = i == 0 ? SCOPE_HOST : SCOPE_USER;
		active = table_read_order(&table, &target, order, NULL) == 0 && order->active;
	}
	table_close(&table);
	return active;
}

HOOK int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;
	struct policy policy;
	struct policy_error error;
	struct order order;
	const char *user = NULL;
	const struct passwd *entry = NULL;

	arguments_parse(pamh, argc, argv, &arguments);
	if (pam_get_user(pamh, &user, NULL) == PAM_SUCCESS && user != NULL)
		entry = pam_modutil_getpwnam(pamh, user);
	if (entry == NULL)
		return PAM_USER_UNKNOWN;
	if (policy_load_user(arguments.config, user, &policy, NULL, &error) != 0) {
		pam_syslog(pamh, LOG_ERR, "%s; logins are admitted", error.text);
		return PAM_SUCCESS;
	}
	if (policy.while_draining != POLICY_REFUSE_LOGIN ||
	    !is_draining(&arguments, entry->pw_uid, &order))
		return PAM_SUCCESS;
	pam_syslog(pamh, LOG_NOTICE, "login of %s refused: draining", user);
	if (((unsigned int)flags & PAM_SILENT) == 0)
		pam_error(pamh, "server is draining%s%s", order.message[0] == '\0' ? "" : ": ",
		    order.message);
	return PAM_PERM_DENIED;
}

HOOK int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;

	(void)flags;
	arguments_parse(pamh, argc, argv, &arguments);
	register_open(pamh, &arguments);
	return PAM_SUCCESS;
}

HOOK int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;

	(void)flags;
	arguments_parse(pamh, argc, argv, &arguments);
	register_close(pamh, &arguments);
	return PAM_SUCCESS;
}

/* An auth line is legal and decides nothing. */
HOOK int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;

	(void)flags;
	arguments_parse(pamh, argc, argv, &arguments);
	return PAM_IGNORE;
}

HOOK int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
