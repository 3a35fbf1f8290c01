/* policy: the configuration file, read with libconfig.  Never logs or exits; never acts on a file
 * that others than root could have written. */
#include "policy/policy_load.h"

#include "policy/policy_groups.h"
#include "policy/policy_rules.h"
#include "policy/policy_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfig ends the process when it cannot get memory, and 1.5 and 1.7 have no switch against
 * that; the bound on the file's size is what keeps it from that.  It is given text, never a stream:
 * a read error on a stream would end the process too. */
static int parse_text(struct policy_loading *loading, const char *text)
{
	const struct policy_libconfig *lib = loading->lib;
	config_t config;
	int rc;

	lib->config_init(&config);
	if (lib->config_read_string(&config, text) != CONFIG_TRUE) {
		const char *what = config_error_text(&config);

		rc = policy_error_set(loading->error, -EINVAL, loading->path,
		    (unsigned int)config_error_line(&config), "%s",
		    what != NULL ? what : "syntax error");
	} else if (lib->config_setting_get_member(config_root_setting(&config), POLICY_TEXT_END) ==
		   NULL) {
		rc = policy_error_set(loading->error, -EINVAL, loading->path, 0,
		    "a comment that starts with /* is not closed");
	} else {
		rc = policy_rules_load(loading, config_root_setting(&config));
	}
	lib->config_destroy(&config);
	return rc;
}

static void set_built_in(struct policy *policy, struct policy_origins *origins)
{
	policy_set_defaults(policy);
	for (int i = 0; i < POLICY_SETTINGS && origins != NULL; i++) {
		snprintf(origins->of[i], POLICY_ORIGIN_MAX, "built-in");
		origins->may_change[i] = false;
	}
}

/* Sets the built-in values and reads the file.  Returns 0 with *text NULL when there is none; else
 * *text is the caller's to free. */
static int begin(struct policy_loading *loading, char **text)
{
	int rc;

	*text = NULL;
	loading->error->text[0] = '\0';
	set_built_in(loading->policy, loading->origins);
	rc = policy_text_read(loading->path, text, loading->error);
	if (rc == -ENOENT) {
		loading->error->text[0] = '\0';
		return 0;
	}
	return rc;
}

static int resolve(struct policy_loading *loading, const char *text)
{
	struct policy_libconfig libconfig;
	const char *why;
	int rc = policy_libconfig_open(&libconfig, &why);

	if (rc != 0)
		return policy_error_set(
		    loading->error, rc, loading->path, 0, "cannot be parsed: %s", why);
	loading->lib = &libconfig;
	rc = parse_text(loading, text);
	policy_libconfig_close(&libconfig);
	/* Half a file's settings are nobody's decision. */
	if (rc != 0)
		set_built_in(loading->policy, loading->origins);
	return rc;
}

int policy_load(const char *path, const struct policy_subject *subject, struct policy *policy,
    struct policy_origins *origins, struct policy_error *error)
{
	const struct policy_subject nobody = {.user = NULL};
	struct policy_loading loading = {.path = path,
	    .subject = subject != NULL ? subject : &nobody,
	    .policy = policy,
	    .origins = origins,
	    .error = error};
	char *text;
	int rc = begin(&loading, &text);

	if (rc == 0 && text != NULL)
		rc = resolve(&loading, text);
	free(text);
	return rc;
}

int policy_load_user(const char *path, const struct policy_subject *subject, struct policy *policy,
    struct policy_origins *origins, struct policy_error *error)
{
	struct policy_subject grouped = *subject;
	struct policy_loading loading = {.path = path,
	    .subject = &grouped,
	    .policy = policy,
	    .origins = origins,
	    .error = error};
	char **names = NULL, *text;
	int rc = begin(&loading, &text);

	/* The user database may be a network away: it is not asked for a file that is not there. */
	if (rc != 0 || text == NULL)
		return rc;
	rc = policy_groups_find(subject->user, &names, &grouped.group_count);
	grouped.groups = (const char *const *)names;
	if (rc != 0)
		rc = policy_error_set(
		    error, rc, path, 0, "cannot look up the user's groups: %s", strerror(-rc));
	else
		rc = resolve(&loading, text);
	policy_groups_free(names, grouped.group_count);
	free(text);
	return rc;
}
