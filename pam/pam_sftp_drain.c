/* pam: the hooks of pam_sftp_drain.so.  They never exit, and refuse only what the policy says. */
#include "admit.h"
#include "arguments.h"
#include "login.h"
#include "register.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#define HOOK __attribute__((visibility("default")))

/* What the hooks that may refuse have in common. */
static int admit(pam_handle_t *pamh, int flags, int argc, const char **argv, enum admit_stage stage)
{
	struct arguments arguments;

	arguments_parse(pamh, argc, argv, &arguments);
	if (!login_is_ssh(pamh, &arguments))
		return PAM_IGNORE;
	return admit_login(pamh, flags, &arguments, stage);
}

/* Refuses or decides nothing: it authenticates nobody. */
HOOK int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int rc = admit(pamh, flags, argc, argv, ADMIT_AUTH);

	return rc == PAM_SUCCESS ? PAM_IGNORE : rc;
}

HOOK int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}

HOOK int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return admit(pamh, flags, argc, argv, ADMIT_ACCOUNT);
}

HOOK int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return admit(pamh, flags, argc, argv, ADMIT_SESSION);
}

HOOK int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct arguments arguments;

	(void)flags;
	arguments_parse(pamh, argc, argv, &arguments);
	if (!login_is_ssh(pamh, &arguments))
		return PAM_IGNORE;
	register_close(pamh, &arguments);
	return PAM_SUCCESS;
}
