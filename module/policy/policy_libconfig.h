/* policy: libconfig, loaded when there is a file for it to parse and let go of afterwards.  Most
 * sessions have none: they take their policy from the session table.  Never logs or exits. */
#ifndef SD_POLICY_POLICY_LIBCONFIG_H
#define SD_POLICY_POLICY_LIBCONFIG_H

#include <libconfig.h>

/* What is used of it; the rest of its interface that is used are macros. */
#define POLICY_LIBCONFIG_FUNCTIONS(EACH)                                                           \
	EACH(config_init)                                                                          \
	EACH(config_destroy)                                                                       \
	EACH(config_read_string)                                                                   \
	EACH(config_setting_get_bool)                                                              \
	EACH(config_setting_get_elem)                                                              \
	EACH(config_setting_get_int)                                                               \
	EACH(config_setting_get_member)                                                            \
	EACH(config_setting_get_string)                                                            \
	EACH(config_setting_length)

#define POLICY_LIBCONFIG_MEMBER(function) __typeof__(function) *function;
struct policy_libconfig {
	void *library; /* of dlopen(3) */
	POLICY_LIBCONFIG_FUNCTIONS(POLICY_LIBCONFIG_MEMBER)
};
#undef POLICY_LIBCONFIG_MEMBER

/* Loads the library that this was built for, from where the host has its libraries (ld.so(8)).
 * Returns 0, and policy_libconfig_close is due; or -ELIBACC, with *why set to dlopen's text, which
 * is good until the next call. */
int policy_libconfig_open(struct policy_libconfig *out, const char **why);

/* Nothing that came from the library may be used any more. */
void policy_libconfig_close(struct policy_libconfig *lib);

#endif
