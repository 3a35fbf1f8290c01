/* pam: whether a login is admitted. */
#include "admit.h"

#include "login.h"
#include "register.h"
#include "table/table.h"
#include "util/escape.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define WHY_MAX (ORDER_MESSAGE_MAX + 64)

/* The order in force on the host or on the user, if there is one. */
static bool is_draining(
    const struct arguments *arguments, const struct login *login, struct order *order)
{
	struct order_target target = {.uid = login->uid};
	int scopes = login->exists ? 2 : 1;
	struct table table;
	bool active = false;

	if (table_open(arguments->rundir, false, &table) != 0)
		return false;
	for (int i = 0; i < scopes && !active; i++) {
		target.scope = i == 0 ? SCOPE_HOST : SCOPE_USER;
		active = table_read_order(&table, &target, order, NULL) == 0 && order->active;
	}
	table_close(&table);
	return active;
}

/* What the policy itself says.  Returns whether the login is refused, with why filled. */
static bool refused_by_policy(
    const struct arguments *arguments, const struct login *login, char why[WHY_MAX])
{
	struct order order;

	if (login->broken && arguments->on_error == ON_ERROR_REFUSE) {
		snprintf(why, WHY_MAX, "this server's configuration is broken");
		return true;
	}
	if (login->policy.while_draining == POLICY_REFUSE_LOGIN &&
	    login_is_certain(login, POLICY_SETTING_WHILE_DRAINING) &&
	    is_draining(arguments, login, &order)) {
		snprintf(why, WHY_MAX, "server is draining%s%s",
		    order.message[0] == '\0' ? "" : ": ", order.message);
		return true;
	}
	return false;
}

/* Gets the login its entry in the session table.  Returns likewise. */
static bool refused_by_table(pam_handle_t *pamh, const struct arguments *arguments,
    enum admit_stage stage, const struct login *login, char why[WHY_MAX])
{
	int rc = 0;

	if (stage == ADMIT_SESSION)
		rc = register_open(pamh, arguments, login);
	else if (login_is_certain(login, POLICY_SETTING_MAX_CONNECTIONS))
		rc = register_claim(pamh, arguments, login);
	if (rc == -EDQUOT) {
		snprintf(why, WHY_MAX, "too many connections of this user");
		return true;
	}
	if (rc != 0 && login->policy.required != 0 &&
	    login_is_certain(login, POLICY_SETTING_REQUIRED)) {
		snprintf(why, WHY_MAX, "this server cannot register the connection");
		return true;
	}
	return false;
}

static int refuse(pam_handle_t *pamh, int flags, enum admit_stage stage, const struct login *login,
    const char *why)
{
	char user[256], address[ADDRESS_MAX * 4];

	pam_syslog(pamh, LOG_NOTICE, "login of %s from %s refused: %s",
	    escape_text(login->user, strlen(login->user), user, sizeof(user)),
	    escape_text(login->address, strlen(login->address), address, sizeof(address)), why);
	/* What a session hook says would be printed into the output of the client's command. */
	if (stage != ADMIT_SESSION && ((unsigned int)flags & PAM_SILENT) == 0)
		pam_error(pamh, "%s", why);
	return PAM_PERM_DENIED;
}

int admit_login(
    pam_handle_t *pamh, int flags, const struct arguments *arguments, enum admit_stage stage)
{
	struct login login;
	char why[WHY_MAX];
	int rc = login_describe(pamh, arguments, stage != ADMIT_SESSION, &login);

	/* Somebody who does not exist is asked for his password as everybody else is, and refused
	 * before that as everybody else is: nobody learns who exists. */
	if (rc != 0 || (!login.exists && stage != ADMIT_AUTH)) {
		if (stage == ADMIT_SESSION)
			pam_syslog(pamh, LOG_ERR, "unknown user; the connection is not registered");
		return stage == ADMIT_ACCOUNT ? PAM_USER_UNKNOWN : PAM_SUCCESS;
	}
	if (refused_by_policy(arguments, &login, why) ||
	    (stage != ADMIT_AUTH && refused_by_table(pamh, arguments, stage, &login, why)))
		return refuse(pamh, flags, stage, &login, why);
	return PAM_SUCCESS;
}
