/* unit tests: a configuration file in a fresh directory. */
#include "policy_scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char policy_scratch_dir[64], policy_scratch_config[80];

void policy_scratch_begin(void)
{
	snprintf(policy_scratch_dir, sizeof(policy_scratch_dir), "/tmp/sd-policy-XXXXXX");
	cr_assert_not_null(mkdtemp(policy_scratch_dir));
	snprintf(
	    policy_scratch_config, sizeof(policy_scratch_config), "%s/conf", policy_scratch_dir);
}

void policy_scratch_end(void)
{
	remove(policy_scratch_config);
	rmdir(policy_scratch_dir);
}

void policy_scratch_write_bytes(const char *bytes, size_t len)
{
	int fd = open(policy_scratch_config, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

void policy_scratch_write(const char *text)
{
	policy_scratch_write_bytes(text, strlen(text));
}
