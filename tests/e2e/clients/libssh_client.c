/* tests: an SFTP client that is libssh, for client_libssh.sh; the protocol of its lines is in
 * tests/support/scenario_program.sh.  Never decides what is done next. */
#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define CHUNK 32768
#define AHEAD 16 /* READs under way */
#define ARGS_MAX 2

static ssh_session ssh;
static sftp_session sftp;

/* Every verb returns 0, or -1 with errno 0 when libssh knows the reason. */
static int result(int rc)
{
	errno = 0;
	return rc == SSH_OK ? 0 : -1;
}

static int write_remote(int local, sftp_file file)
{
	char data[CHUNK];
	ssize_t len;

	while ((len = read(local, data, sizeof(data))) > 0) {
		if (sftp_write(file, data, (size_t)len) != len)
			return result(SSH_ERROR);
	}
	return (int)len;
}

/* One reply, in the order of the requests.  Returns its size, 0 at the end of the file, -1 on errors. */
static int read_reply(int local, sftp_file file, uint32_t id)
{
	char data[CHUNK];
	int len = sftp_async_read(file, data, sizeof(data), id);

	if (len < 0)
		return result(SSH_ERROR);
	return write(local, data, (size_t)len) == len ? len : -1;
}

/* All that is under way is read to its end, also after the end of the file has been seen: libssh keeps
 * replies that nobody asks for. */
static int read_remote(int local, sftp_file file)
{
	uint32_t ids[AHEAD];
	unsigned int asked = 0, answered = 0;
	bool end = false;
	int len, id;

	while (!end || answered < asked) {
		while (!end && asked - answered < AHEAD) {
			id = sftp_async_read_begin(file, CHUNK);
			if (id < 0)
				return result(SSH_ERROR);
			ids[asked++ % AHEAD] = (uint32_t)id;
		}
		len = read_reply(local, file, ids[answered++ % AHEAD]);
		if (len < 0)
			return -1;
		end = end || len == 0;
	}
	return 0;
}

/* flags, of the file that is written: O_TRUNC, or 0 to go on at its end. */
static int upload(const char *from, const char *to, int flags)
{
	int local = open(from, O_RDONLY | O_CLOEXEC), rc = -1;
	sftp_attributes there = flags == 0 ? sftp_stat(sftp, to) : NULL;
	sftp_file file = sftp_open(sftp, to, O_WRONLY | O_CREAT | flags, 0644);

	if (local >= 0 && file != NULL) {
		rc = 0;
		if (there != NULL && (lseek(local, (off_t)there->size, SEEK_SET) < 0 ||
					 sftp_seek64(file, there->size) != 0))
			rc = -1;
		rc = rc == 0 ? write_remote(local, file) : -1;
	}
	if (file != NULL && sftp_close(file) != SSH_OK && rc == 0)
		rc = result(SSH_ERROR);
	sftp_attributes_free(there);
	if (local >= 0)
		close(local);
	return rc;
}

static int download(const char *from, const char *to, int flags)
{
	sftp_file file = sftp_open(sftp, from, O_RDONLY, 0);
	int local = file == NULL ? -1 : open(to, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	off_t have = local < 0 ? -1 : lseek(local, 0, SEEK_END);
	int rc = -1;

	if (file == NULL)
		result(SSH_ERROR);
	if (have >= 0 && sftp_seek64(file, (uint64_t)have) == 0)
		rc = read_remote(local, file);
	if (file != NULL && sftp_close(file) != SSH_OK && rc == 0)
		rc = result(SSH_ERROR);
	if (local >= 0 && close(local) != 0)
		rc = -1;
	return rc;
}

static int do_connect(char **args)
{
	char *here = sftp_canonicalize_path(sftp, ".");

	(void)args;
	ssh_string_free_char(here);
	return result(here == NULL ? SSH_ERROR : SSH_OK);
}

static int do_put(char **args)
{
	return upload(args[0], args[1], O_TRUNC);
}

static int do_get(char **args)
{
	return download(args[0], args[1], O_TRUNC);
}

static int do_reput(char **args)
{
	return upload(args[0], args[1], 0);
}

static int do_reget(char **args)
{
	return download(args[0], args[1], 0);
}

static int do_put_times(char **args)
{
	struct timeval times[2] = {0};
	struct stat attrs;

	if (upload(args[0], args[1], O_TRUNC) != 0 || stat(args[0], &attrs) != 0)
		return -1;
	times[0].tv_sec = attrs.st_atime;
	times[1].tv_sec = attrs.st_mtime;
	return result(sftp_utimes(sftp, args[1], times));
}

static int do_get_times(char **args)
{
	struct timeval times[2] = {0};
	sftp_attributes attrs;

	if (download(args[0], args[1], O_TRUNC) != 0)
		return -1;
	attrs = sftp_stat(sftp, args[0]);
	if (attrs == NULL)
		return result(SSH_ERROR);
	times[0].tv_sec = attrs->atime;
	times[1].tv_sec = attrs->mtime;
	sftp_attributes_free(attrs);
	return utimes(args[1], times);
}

static int do_list(char **args)
{
	sftp_dir dir = sftp_opendir(sftp, args[0]);
	sftp_attributes entry;
	bool whole;

	if (dir == NULL)
		return result(SSH_ERROR);
	printf("ok");
	while ((entry = sftp_readdir(sftp, dir)) != NULL) {
		printf("\t%s", entry->name);
		sftp_attributes_free(entry);
	}
	whole = sftp_dir_eof(dir);
	if (sftp_closedir(dir) != SSH_OK || !whole)
		printf("\t(the listing has failed)");
	printf("\n");
	return 0;
}

static int do_rename(char **args)
{
	return result(sftp_rename(sftp, args[0], args[1]));
}

static int do_remove(char **args)
{
	return result(sftp_unlink(sftp, args[0]));
}

static int do_mkdir(char **args)
{
	return result(sftp_mkdir(sftp, args[0], 0755));
}

static int do_rmdir(char **args)
{
	return result(sftp_rmdir(sftp, args[0]));
}

static int do_chmod(char **args)
{
	return result(sftp_chmod(sftp, args[1], (mode_t)strtoul(args[0], NULL, 8)));
}

static int do_symlink(char **args)
{
	return result(sftp_symlink(sftp, args[0], args[1]));
}

static const struct verb {
	const char *name;
	int args;
	bool answers; /* by itself, when it succeeds */
	int (*run)(char **args);
} verbs[] = {
    {"connect", 0, false, do_connect},
    {"put", 2, false, do_put},
    {"get", 2, false, do_get},
    {"reput", 2, false, do_reput},
    {"reget", 2, false, do_reget},
    {"put_times", 2, false, do_put_times},
    {"get_times", 2, false, do_get_times},
    {"list", 1, true, do_list},
    {"rename", 2, false, do_rename},
    {"remove", 1, false, do_remove},
    {"mkdir", 1, false, do_mkdir},
    {"rmdir", 1, false, do_rmdir},
    {"chmod", 2, false, do_chmod},
    {"symlink", 2, false, do_symlink},
};

static void run_line(char *line)
{
	char *args[ARGS_MAX] = {NULL}, *rest = line;
	const char *name = strsep(&rest, "\t");
	int count = 0;

	while (count < ARGS_MAX && (args[count] = strsep(&rest, "\t")) != NULL)
		count++;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) != 0 || verbs[i].args != count)
			continue;
		errno = 0;
		if (verbs[i].run(args) != 0)
			printf("error\t%s (%d)\n",
			    errno != 0 ? strerror(errno) : ssh_get_error(ssh),
			    sftp_get_error(sftp));
		else if (!verbs[i].answers)
			printf("ok\n");
		return;
	}
	printf("error\tno such verb: %s with %d arguments\n", name, count);
}

/* argv: PORT USER KEY-FILE KNOWN-HOSTS-FILE.  Returns NULL, or what went wrong. */
static const char *start(char **argv)
{
	unsigned int port = (unsigned int)strtoul(argv[1], NULL, 10);
	ssh_key key = NULL;
	int no = 0, yes = 1, rc;

	ssh_options_set(ssh, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(ssh, SSH_OPTIONS_PORT, &port);
	ssh_options_set(ssh, SSH_OPTIONS_USER, argv[2]);
	ssh_options_set(ssh, SSH_OPTIONS_KNOWNHOSTS, argv[4]);
	ssh_options_set(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no);
	/* One WRITE at a time: each would wait for the delayed acknowledgement of the last. */
	ssh_options_set(ssh, SSH_OPTIONS_NODELAY, &yes);
	if (ssh_connect(ssh) != SSH_OK)
		return ssh_get_error(ssh);
	if (ssh_session_is_known_server(ssh) != SSH_KNOWN_HOSTS_OK)
		return "the host's key is not the known one";
	if (ssh_pki_import_privkey_file(argv[3], NULL, NULL, NULL, &key) != SSH_OK)
		return "the user's key cannot be read";
	rc = ssh_userauth_publickey(ssh, NULL, key);
	ssh_key_free(key);
	if (rc != SSH_AUTH_SUCCESS)
		return ssh_get_error(ssh);
	sftp = sftp_new(ssh);
	return sftp != NULL && sftp_init(sftp) == SSH_OK ? NULL : ssh_get_error(ssh);
}

int main(int argc, char **argv)
{
	const char *problem;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ssh = ssh_new();
	if (argc != 5 || ssh == NULL)
		return 2;
	problem = start(argv);
	if (problem != NULL)
		fprintf(stderr, "libssh_client: %s\n", problem);
	while (problem == NULL && (len = getline(&line, &size, stdin)) > 0) {
		line[len - 1] = '\0';
		run_line(line);
	}
	free(line);
	sftp_free(sftp);
	ssh_disconnect(ssh);
	ssh_free(ssh);
	return problem == NULL ? 0 : 1;
}
