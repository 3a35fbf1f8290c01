/* server: the user who runs this, as the user database has it. */
#include "server/self.h"

#include <stdlib.h>
#include <unistd.h>

#define STRINGS_BYTES 4096

const struct passwd *self_find(void)
{
	static struct passwd record;
	static struct passwd *found;
	/* Of our own and kept: the next look-up reuses the library's. */
	char *strings = found == NULL ? malloc(STRINGS_BYTES) : NULL;

	if (strings != NULL && getpwuid_r(getuid(), &record, strings, STRINGS_BYTES, &found) != 0)
		found = NULL;
	if (found == NULL)
		free(strings);
	return found;
}
