/* unit tests: server's paths. */
#include "server/path.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void set_up(void)
{
	scratch_enter();
	cr_assert_eq(mkdir("dir", 0755), 0);
	cr_assert_eq(mkdir("dir/sub", 0755), 0);
	scratch_write("dir/file", "");
	cr_assert_eq(symlink("dir", "to_dir"), 0);
	cr_assert_eq(symlink("../dir/sub/", "dir/to_sub"), 0);
	cr_assert_eq(symlink("dir/file", "to_file"), 0);
	cr_assert_eq(symlink("/", "to_root"), 0);
	cr_assert_eq(symlink("new", "to_new"), 0);
	cr_assert_eq(symlink("loop2", "loop1"), 0);
	cr_assert_eq(symlink("loop1", "loop2"), 0);
}

TestSuite(path, .init = set_up, .fini = scratch_leave, .timeout = 60);

Test(path, resolve)
{
	static const struct {
		const char *path, *below; /* the answer below the scratch directory */
	} cases[] = {
	    {"", ""},
	    {".", ""},
	    {"./", ""},
	    {"dir", "/dir"},
	    {"dir/", "/dir"},
	    {"./dir//sub/.", "/dir/sub"},
	    {"dir/..", ""},
	    {"dir/sub/../file", "/dir/file"},
	    {"to_dir", "/dir"},
	    {"to_dir/file", "/dir/file"},
	    {"to_dir/..", ""},
	    {"to_dir/to_sub", "/dir/sub"},
	    {"dir/to_sub/", "/dir/sub"},
	    {"dir/to_sub/..", "/dir"},
	    {"to_file", "/dir/file"},
	    {"new", "/new"},
	    {"to_new", "/new"},
	    {"dir/sub/new", "/dir/sub/new"},
	    {"to_dir/to_sub/../to_sub/new", "/dir/sub/new"},
	};
	char out[PATH_MAX], expected[PATH_MAX], path[PATH_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(expected, sizeof(expected), "%s%s", scratch_path, cases[i].below);
		cr_expect_eq(path_resolve(cases[i].path, out), 0, "%s", cases[i].path);
		cr_expect_str_eq(out, expected, "%s", cases[i].path);
		snprintf(path, sizeof(path), "%s/%s", scratch_path, cases[i].path);
		cr_expect_eq(path_resolve(path, out), 0, "%s", path);
		cr_expect_str_eq(out, expected, "%s", path);
	}
}

Test(path, resolve_at_the_root)
{
	static const char *const roots[] = {
	    "/", "//", "/.", "/..", "/../..", "to_root", "to_root/..", "to_root/."};
	char out[PATH_MAX];

	for (size_t i = 0; i < COUNT(roots); i++) {
		cr_expect_eq(path_resolve(roots[i], out), 0, "%s", roots[i]);
		cr_expect_str_eq(out, "/", "%s", roots[i]);
	}
	cr_expect_eq(path_resolve("to_root/tmp/../no such name", out), 0);
	cr_expect_str_eq(out, "/no such name");
}

Test(path, resolve_that_fails)
{
	static const struct {
		const char *path;
		int rc;
	} cases[] = {
	    {"new/", -ENOENT},
	    {"new/..", -ENOENT},
	    {"to_new/x", -ENOENT},
	    {"dir/file/x", -ENOTDIR},
	    {"to_file/x", -ENOTDIR},
	    {"loop1", -ELOOP},
	    {"loop1/x", -ELOOP},
	};
	char out[PATH_MAX], name[300];

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect_eq(path_resolve(cases[i].path, out), cases[i].rc, "%s", cases[i].path);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_eq(path_resolve(name, out), -ENAMETOOLONG);
}

Test(path, resolve_long_paths)
{
	char path[PATH_MAX + 16], out[PATH_MAX];

	/* As long as can be, and short when resolved. */
	memset(path, '/', sizeof(path));
	path[PATH_MAX - 1] = '\0';
	cr_expect_eq(path_resolve(path, out), 0);
	cr_expect_str_eq(out, "/");
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = '\0';
	cr_expect_eq(path_resolve(path, out), -ENAMETOOLONG);
	/* "./././" in a relative one; the answer is what counts. */
	for (size_t i = 0; i + 2 < PATH_MAX; i += 2)
		memcpy(path + i, "./", 3);
	cr_expect_eq(path_resolve(path, out), 0);
	cr_expect_str_eq(out, scratch_path);
	/* Links that make it longer and longer. */
	memset(path, 'd', 200);
	path[200] = '\0';
	for (size_t i = 4; i < 200; i += 5)
		path[i] = '/';
	cr_assert_eq(symlink(path, "grow"), 0);
	cr_expect_eq(path_resolve("grow", out), -ENOENT);
}

/* Forty links in a row are followed, as by the kernel, and no more. */
Test(path, chain_of_links)
{
	char name[16], target[16], out[PATH_MAX];

	scratch_write("c0", "");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(target, sizeof(target), "c%d", i - 1);
		cr_assert_eq(symlink(target, name), 0);
	}
	cr_expect_eq(path_resolve("c40", out), 0);
	cr_expect_str_eq(strrchr(out, '/'), "/c0");
	cr_expect_eq(path_resolve("c41", out), -ELOOP);
}

Test(path, longest_link)
{
	static char target[PATH_MAX];
	char out[PATH_MAX];

	for (size_t i = 0; i < PATH_MAX - 1; i++)
		target[i] = i % 2 == 0 ? '.' : '/';
	cr_assert_eq(symlink(target, "long"), 0);
	cr_expect_eq(path_resolve("long", out), 0);
	cr_expect_str_eq(out, scratch_path);
	cr_expect_eq(path_resolve("long/dir/file", out), -ENAMETOOLONG);
}

Test(path, resolve_agrees_with_realpath)
{
	static const char *const parts[] = {
	    "dir", "sub", "..", ".", "to_dir", "to_sub", "file", "to_file", "", "loop1"};
	char path[256], out[PATH_MAX], expected[PATH_MAX];

	for (size_t i = 0; i < 10 * 10 * 10; i++) {
		bool there;

		snprintf(path, sizeof(path), "%s/%s/%s", parts[i / 100], parts[i / 10 % 10],
		    parts[i % 10]);
		if (path[0] == '/')
			continue;
		there = realpath(path, expected) != NULL;
		/* A slash behind a plain file is let pass, as OpenSSH does. */
		if (there)
			cr_expect(
			    path_resolve(path, out) == 0 && strcmp(out, expected) == 0, "%s", path);
		else if (errno == ELOOP)
			cr_expect_eq(path_resolve(path, out), -ELOOP, "%s", path);
	}
}

/* The kernel's word that there is no link takes a descriptor: with none left, every component is
 * looked at. */
static int resolve_by_steps(const char *path, char out[PATH_MAX])
{
	struct rlimit limit, none;
	int rc;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = path_resolve(path, out);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return rc;
}

static void expect_same(const char *path)
{
	char fast[PATH_MAX], steps[PATH_MAX];
	int rc = path_resolve(path, fast);

	cr_expect_eq(rc, resolve_by_steps(path, steps), "%s: %d", path, rc);
	if (rc == 0)
		cr_expect_str_eq(fast, steps, "%s", path);
}

/* Every path of up to four parts, with one slash or two between them, from here and from the root. */
Test(path, both_ways_agree)
{
	static const char *const parts[] = {"dir", "sub", "..", ".", "to_dir", "to_sub", "file",
	    "to_file", "new", "to_new", "to_root", "loop1", ""};
	static const char *const slashes[] = {"/", "//"};
	const size_t count = COUNT(parts), descriptors = scratch_count("/proc/self/fd");
	char path[256], whole[PATH_MAX];

	for (size_t i = 0; i < count * count * count * count; i++) {
		const char *slash = slashes[i % 3 == 0];

		snprintf(path, sizeof(path), "%s%s%s%s%s%s%s", parts[i / count / count / count],
		    slash, parts[i / count / count % count], slash, parts[i / count % count], slash,
		    parts[i % count]);
		expect_same(path);
		snprintf(whole, sizeof(whole), "%s/%s", scratch_path, path);
		expect_same(whole);
	}
	cr_expect_eq(scratch_count("/proc/self/fd"), descriptors);
}

Test(path, both_ways_agree_about_odd_names)
{
	static const char *const paths[] = {"/", "//", "/.", "/..", "/../tmp/.", "dir/...", "...",
	    "dir/.hidden", "dir/..hidden", "dir/..hidden/", "dir/sub/..hidden/..", "/proc/self/cwd",
	    "/proc/self/fd/0", "/dev/null", "/dev/null/", "/dev/null/.", "dir/ / /", "dir/\xff/."};
	char path[PATH_MAX];

	cr_assert_eq(mkdir("dir/...", 0755), 0);
	cr_assert_eq(mkdir("dir/..hidden", 0755), 0);
	cr_assert_eq(mkdir("dir/sub/..hidden", 0755), 0);
	cr_assert_eq(mkdir("dir/\xff", 0755), 0);
	for (size_t i = 0; i < COUNT(paths); i++)
		expect_same(paths[i]);
	/* Around the longest path, from above it and from below. */
	for (size_t len = PATH_MAX - 100; len < PATH_MAX; len++) {
		memset(path, '/', len);
		memcpy(path, "dir", 3);
		path[len] = '\0';
		expect_same(path);
		memcpy(path + len - 3, "new", 3);
		expect_same(path);
	}
}

/* Search permission above the directory that the session is in counts for relative paths too. */
Test(path, both_ways_agree_about_permissions)
{
	bool root = geteuid() == 0;
	char out[PATH_MAX];

	cr_assert_eq(mkdir("shut", 0755), 0);
	cr_assert_eq(mkdir("shut/in", 0755), 0);
	cr_assert_eq(mkdir("shut/in/deep", 0755), 0);
	cr_assert_eq(chdir("shut/in"), 0);
	cr_assert_eq(chmod("..", 0), 0);
	if (root)
		cr_assert_eq(seteuid(65534), 0);
	expect_same("deep");
	expect_same("deep/.");
	cr_expect_eq(path_resolve("deep/.", out), -EACCES);
	if (root)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chdir(scratch_path), 0);
	cr_assert_eq(chmod("shut", 0755), 0);
}

Test(path, where_nothing_is)
{
	char out[PATH_MAX];

	cr_assert_eq(mkdir("gone", 0755), 0);
	cr_assert_eq(chdir("gone"), 0);
	cr_assert_eq(rmdir("../gone"), 0);
	cr_expect_eq(path_resolve(".", out), -ENOENT);
	cr_expect_eq(path_resolve("/", out), 0);
}

/* tilde and percent */

static char home[] = "/home/me", user[] = "me";
static const struct passwd self = {.pw_dir = home, .pw_name = user, .pw_uid = 1234};

Test(path, tilde)
{
	static const char *const cases[][2] = {
	    {"", ""},
	    {"~", "/home/me"},
	    {"~/", "/home/me/"},
	    {"~/x/~", "/home/me/x/~"},
	    {"x/~", "x/~"},
	    {"/~", "/~"},
	    {"./~root", "./~root"},
	};
	char out[PATH_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(path_expand_tilde(cases[i][0], &self, out), 0);
		cr_expect_str_eq(out, cases[i][1]);
	}
	cr_expect_eq(path_expand_tilde("~no such user", &self, out), -ENOENT);
	cr_expect_eq(path_expand_tilde("~no such user/x", &self, out), -ENOENT);
}

Test(path, tilde_of_a_user)
{
	const struct passwd *root = getpwuid(0);
	char path[128], out[PATH_MAX], expected[PATH_MAX];

	if (root == NULL)
		scratch_skip("user 0 has no name here");
	snprintf(path, sizeof(path), "~%s/x", root->pw_name);
	snprintf(expected, sizeof(expected), "%s/x", root->pw_dir);
	cr_expect_eq(path_expand_tilde(path, &self, out), 0);
	cr_expect_str_eq(out, expected);
}

Test(path, percent)
{
	static const struct {
		const char *path;
		int rc;
		const char *out;
	} cases[] = {
	    {"", 0, ""},
	    {"/srv/%u", 0, "/srv/me"},
	    {"%d/x", 0, "/home/me/x"},
	    {"%U", 0, "1234"},
	    {"100%%", 0, "100%"},
	    {"%%u%u%U%d", 0, "%ume1234/home/me"},
	    {"%", -EINVAL, NULL},
	    {"x%", -EINVAL, NULL},
	    {"%h/%x", -EINVAL, NULL},
	    {"%h/x", 0, "/home/me/x"},
	};
	char out[PATH_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(path_expand_percent(cases[i].path, &self, out), cases[i].rc, "%s",
		    cases[i].path);
		if (cases[i].rc == 0)
			cr_expect_str_eq(out, cases[i].out);
	}
}

Test(path, expansions_that_do_not_fit)
{
	char path[PATH_MAX + 1], out[PATH_MAX];

	memset(path, 'x', PATH_MAX - 1);
	path[PATH_MAX - 1] = '\0';
	cr_expect_eq(path_expand_percent(path, &self, out), 0);
	cr_expect_eq(path_expand_tilde(path, &self, out), 0);
	memcpy(path, "%u", 2);
	cr_expect_eq(path_expand_percent(path, &self, out), 0, "as long as before");
	memcpy(path, "%d", 2);
	cr_expect_eq(path_expand_percent(path, &self, out), -ENAMETOOLONG);
	memcpy(path, "~/", 2);
	cr_expect_eq(path_expand_tilde(path, &self, out), -ENAMETOOLONG);
}

Test(path, absolute)
{
	static const char *const cases[][3] = {
	    {"/srv", "x", "/srv/x"},
	    {"/srv", "/x", "/x"},
	    {"/", "x", "/x"},
	    {"/", "/", "/"},
	    {"/srv", "../y", "/srv/../y"},
	    {"/srv", "", "/srv/"},
	};
	static char name[PATH_MAX];
	char out[PATH_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(path_absolute(cases[i][0], cases[i][1], out), out);
		cr_expect_str_eq(out, cases[i][2]);
	}
	memset(name, 'x', PATH_MAX - 1);
	path_absolute("/srv", name, out);
	cr_expect_lt(strlen(out), PATH_MAX);
	cr_expect_eq(strncmp(out, "/srv/", 5), 0);
	path_absolute(name, "y", out);
	cr_expect_lt(strlen(out), PATH_MAX);
}
