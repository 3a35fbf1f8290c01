/* server: the user who runs this, as the user database has it. */
#include "server/self.h"

#include <stddef.h>
#include <unistd.h>

const struct passwd *self_find(void)
{
	/* Memory of our own: the next look-up reuses the library's. */
	static char strings[4096];
	static struct passwd record;
	static struct passwd *found;

	if (found == NULL && getpwuid_r(getuid(), &record, strings, sizeof(strings), &found) != 0)
		found = NULL;
	return found;
}
