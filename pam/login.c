/* pam: who logs in, and what the policy says of it. */
#include "login.h"

#include "keys.h"

#include <errno.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define SSH_CONNECTION "SSH_CONNECTION"

bool login_is_ssh(pam_handle_t *pamh, const struct arguments *arguments)
{
	if (pam_getenv(pamh, SSH_CONNECTION) != NULL)
		return true;
	if (arguments->debug)
		pam_syslog(pamh, LOG_DEBUG, "no SSH server: ignored");
	return false;
}

bool login_is_certain(const struct login *login, enum policy_setting setting)
{
	return !login->origins.may_change[setting];
}

static void load_policy(
    pam_handle_t *pamh, const struct arguments *arguments, bool keys_open, struct login *login)
{
	char fingerprints[POLICY_KEYS_MAX][POLICY_KEY_MAX];
	const char *keys[POLICY_KEYS_MAX];
	struct policy_subject subject = {
	    .user = login->user, .address = login->address, .keys = keys, .keys_open = keys_open};
	struct policy_error error;

	subject.key_count = keys_read(pam_getenv(pamh, "SSH_AUTH_INFO_0"), fingerprints);
	for (size_t i = 0; i < subject.key_count; i++)
		keys[i] = fingerprints[i];
	login->broken = policy_load_user(arguments->config, &subject, &login->policy,
			    &login->origins, &error) != 0;
	if (login->broken)
		pam_syslog(pamh, LOG_ERR, "%s; %s", error.text,
		    arguments->on_error == ON_ERROR_REFUSE ? "logins are refused"
							   : "the built-in policy applies");
}

int login_describe(
    pam_handle_t *pamh, const struct arguments *arguments, bool keys_open, struct login *out)
{
	const char *connection = pam_getenv(pamh, SSH_CONNECTION);
	const struct passwd *entry;

	*out = (struct login){.user = NULL};
	if (pam_get_user(pamh, &out->user, NULL) != PAM_SUCCESS || out->user == NULL)
		return -ENOENT;
	entry = pam_modutil_getpwnam(pamh, out->user);
	if (entry != NULL) {
		out->exists = true;
		out->uid = entry->pw_uid;
		out->gid = entry->pw_gid;
	}
	snprintf(
	    out->address, sizeof(out->address), "%.*s", (int)strcspn(connection, " "), connection);
	load_policy(pamh, arguments, keys_open, out);
	return 0;
}
