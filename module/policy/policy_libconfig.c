/* policy: libconfig, loaded when there is a file for it to parse and let go of afterwards.  Never
 * logs or exits. */
#include "policy/policy_libconfig.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Fills in one function; ends the caller's success when the library lacks it. */
#define FIND(function)                                                                             \
	out->function = (__typeof__(function) *)dlsym(out->library, #function);                    \
	complete = complete && out->function != NULL;

int policy_libconfig_open(struct policy_libconfig *out, const char **why)
{
	bool complete = true;

	out->library = dlopen(SD_LIBCONFIG, RTLD_NOW | RTLD_LOCAL);
	if (out->library == NULL) {
		*why = dlerror();
		return -ELIBACC;
	}
	POLICY_LIBCONFIG_FUNCTIONS(FIND)
	if (complete)
		return 0;
	*why = SD_LIBCONFIG " lacks a function";
	dlclose(out->library);
	return -ELIBACC;
}

void policy_libconfig_close(struct policy_libconfig *lib)
{
	dlclose(lib->library);
	*lib = (struct policy_libconfig){.library = NULL};
}
