/* tests: a client with many SFTP sessions on one SSH connection, driven by lines on standard input,
 * each answered by exactly one line on standard output: nothing happens that a test did not ask for.
 *
 *     siblings PORT USER KEYFILE
 *
 * The commands are in the table below; a channel's number S is what opened it answered. */
#include "siblings.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 6
#define TIMEOUT_S 60

static void reply(const char *verdict, const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	for (char *at = line; *at != '\0'; at++) {
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	}
	printf("%s%s%s\n", verdict, line[0] == '\0' ? "" : " ", line);
}

void reply_ok(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reply("ok", format, args);
	va_end(args);
}

void reply_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	reply("error", format, args);
	va_end(args);
}

void reply_failure(struct siblings *siblings, struct channel *channel)
{
	reply_error("%d %s", channel->sftp == NULL ? -1 : sftp_get_error(channel->sftp),
	    ssh_get_error(siblings->ssh));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Lets libssh handle what has arrived, for up to timeout_ms, and says whether the server still has the
 * connection open: TCP's word, as libssh notices an end only where it reads. */
static bool is_connected(struct siblings *siblings, int timeout_ms)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	ssh_event event = ssh_event_new();

	if (event != NULL && ssh_event_add_session(event, siblings->ssh) == SSH_OK) {
		ssh_event_dopoll(event, timeout_ms);
		ssh_event_remove_session(event, siblings->ssh);
	}
	ssh_event_free(event);
	return getsockopt(siblings->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_ESTABLISHED;
}

static struct channel *free_channel(struct siblings *siblings)
{
	for (int i = 0; i < CHANNELS_MAX; i++) {
		if (!siblings->channels[i].used) {
			memset(&siblings->channels[i], 0, sizeof(siblings->channels[i]));
			return &siblings->channels[i];
		}
	}
	return NULL;
}

static void take_channel(struct siblings *siblings, struct channel *channel)
{
	channel->used = true;
	reply_ok("%d", (int)(channel - siblings->channels) + 1);
}

/* A server that refuses the session says so in the reply to the first request: INIT has no status. */
static void do_session(struct siblings *siblings, struct channel *channel, char **args)
{
	char *home = NULL;

	(void)args;
	channel->sftp = sftp_new(siblings->ssh);
	if (channel->sftp != NULL && sftp_init(channel->sftp) == SSH_OK)
		home = sftp_canonicalize_path(channel->sftp, ".");
	if (home != NULL) {
		take_channel(siblings, channel);
	} else {
		reply_failure(siblings, channel);
		sftp_free(channel->sftp);
	}
	ssh_string_free_char(home);
}

static void open_plain(struct siblings *siblings, struct channel *channel, const char *command)
{
	channel->plain = ssh_channel_new(siblings->ssh);
	if (channel->plain != NULL && ssh_channel_open_session(channel->plain) == SSH_OK &&
	    (command != NULL ? ssh_channel_request_exec(channel->plain, command) == SSH_OK
			     : ssh_channel_request_pty(channel->plain) == SSH_OK &&
				   ssh_channel_request_shell(channel->plain) == SSH_OK)) {
		take_channel(siblings, channel);
	} else {
		reply_failure(siblings, channel);
		ssh_channel_free(channel->plain);
	}
}

static void do_shell(struct siblings *siblings, struct channel *channel, char **args)
{
	(void)args;
	open_plain(siblings, channel, NULL);
}

static void do_exec(struct siblings *siblings, struct channel *channel, char **args)
{
	char command[256] = "";

	for (int i = 0; args[i] != NULL; i++) {
		strncat(command, args[i], sizeof(command) - strlen(command) - 1);
		strncat(command, " ", sizeof(command) - strlen(command) - 1);
	}
	open_plain(siblings, channel, command);
}

static void do_end(struct siblings *siblings, struct channel *channel, char **args)
{
	(void)siblings;
	(void)args;
	if (channel->sftp != NULL)
		sftp_free(channel->sftp);
	else
		ssh_channel_free(channel->plain);
	channel->used = false;
	reply_ok("%llu", (unsigned long long)now_ns());
}

static void do_open(struct siblings *siblings, struct channel *channel, char **args)
{
	sftp_file file = sftp_open(channel->sftp, args[0], 0, 0);

	if (file == NULL || sftp_close(file) != SSH_OK)
		reply_failure(siblings, channel);
	else
		reply_ok("%s", args[0]);
}

static void do_opendir(struct siblings *siblings, struct channel *channel, char **args)
{
	sftp_dir dir = sftp_opendir(channel->sftp, args[0]);

	if (dir == NULL || sftp_closedir(dir) != SSH_OK)
		reply_failure(siblings, channel);
	else
		reply_ok("%s", args[0]);
}

static void do_stat(struct siblings *siblings, struct channel *channel, char **args)
{
	sftp_attributes attrs = sftp_stat(channel->sftp, args[0]);

	if (attrs == NULL) {
		reply_failure(siblings, channel);
		return;
	}
	reply_ok("%llu", (unsigned long long)attrs->size);
	sftp_attributes_free(attrs);
}

static void do_rename(struct siblings *siblings, struct channel *channel, char **args)
{
	if (sftp_rename(channel->sftp, args[0], args[1]) != SSH_OK)
		reply_failure(siblings, channel);
	else
		reply_ok("%s", args[1]);
}

static void do_mkdir(struct siblings *siblings, struct channel *channel, char **args)
{
	if (sftp_mkdir(channel->sftp, args[0], 0755) != SSH_OK)
		reply_failure(siblings, channel);
	else
		reply_ok("%s", args[0]);
}

static void do_alive(struct siblings *siblings, struct channel *channel, char **args)
{
	(void)channel;
	(void)args;
	reply_ok("%s", is_connected(siblings, 0) ? "yes" : "no");
}

static void do_gone(struct siblings *siblings, struct channel *channel, char **args)
{
	uint64_t limit = now_ns() + strtoull(args[0], NULL, 10) * 1000000;
	bool connected = is_connected(siblings, 0);

	(void)channel;
	while (connected && now_ns() < limit)
		connected = is_connected(siblings, 10);
	if (connected)
		reply_error("the connection is still there");
	else
		reply_ok("%llu", (unsigned long long)now_ns());
}

enum channel_use {
	NO_CHANNEL,
	NEW_CHANNEL,
	ANY_CHANNEL, /* the first word is its number */
	SFTP_CHANNEL,
};

static const struct command {
	const char *name;
	enum channel_use use;
	int args; /* after the channel's number */
	void (*run)(struct siblings *siblings, struct channel *channel, char **args);
} commands[] = {
    {"session", NEW_CHANNEL, 0, do_session},      /* opens an SFTP session: ok S */
    {"shell", NEW_CHANNEL, 0, do_shell},          /* on a terminal: ok S */
    {"exec", NEW_CHANNEL, 1, do_exec},            /* COMMAND...: ok S */
    {"end", ANY_CHANNEL, 0, do_end},              /* S: closes the channel; ok NS */
    {"put", SFTP_CHANNEL, 3, transfer_put},       /* S PATH SIZE SEED: opens for writing */
    {"get", SFTP_CHANNEL, 3, transfer_get},       /* S PATH SIZE SEED: opens for reading */
    {"step", SFTP_CHANNEL, 1, transfer_step},     /* S BYTES: moves that much; ok OFFSET */
    {"finish", SFTP_CHANNEL, 0, transfer_finish}, /* S: moves the rest, closes; ok BYTES */
    {"flood", SFTP_CHANNEL, 1, transfer_flood},   /* S BYTES: unanswered; ok COUNT LENGTH */
    {"burst", SFTP_CHANNEL, 2, transfer_burst},   /* S PREFIX COUNT: unanswered; ok BYTES */
    {"eof", SFTP_CHANNEL, 0, transfer_eof},       /* S: sends no more, but listens; ok */
    {"listen", SFTP_CHANNEL, 0, transfer_listen}, /* S: takes all to the end; ok COUNT */
    {"open", SFTP_CHANNEL, 1, do_open},           /* S PATH: opens for reading and closes */
    {"opendir", SFTP_CHANNEL, 1, do_opendir},     /* S PATH: opens and closes */
    {"stat", SFTP_CHANNEL, 1, do_stat},           /* S PATH: ok SIZE */
    {"rename", SFTP_CHANNEL, 2, do_rename},       /* S FROM TO */
    {"mkdir", SFTP_CHANNEL, 1, do_mkdir},         /* S PATH */
    {"alive", NO_CHANNEL, 0, do_alive},           /* ok yes|no: whether the connection is there */
    {"gone", NO_CHANNEL, 1, do_gone},             /* MS: awaits the connection's end; ok NS */
};

static struct channel *find_channel(struct siblings *siblings, const char *number)
{
	long i = strtol(number, NULL, 10);

	if (i < 1 || i > CHANNELS_MAX || !siblings->channels[i - 1].used)
		return NULL;
	return &siblings->channels[i - 1];
}

static void run_command(
    struct siblings *siblings, const struct command *command, char **words, int count)
{
	bool numbered = command->use == ANY_CHANNEL || command->use == SFTP_CHANNEL;
	struct channel *channel = NULL;

	if (count < 1 + numbered + command->args) {
		reply_error("%s needs more arguments", command->name);
		return;
	}
	if (command->use == NEW_CHANNEL)
		channel = free_channel(siblings);
	else if (numbered)
		channel = find_channel(siblings, words[1]);
	if (command->use != NO_CHANNEL &&
	    (channel == NULL || (command->use == SFTP_CHANNEL && channel->sftp == NULL)))
		reply_error("no such channel");
	else
		command->run(siblings, channel, words + 1 + numbered);
}

/* Returns false for "quit". */
static bool handle_line(struct siblings *siblings, char *line)
{
	char *words[ARGS_MAX + 1] = {NULL}, *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < ARGS_MAX;
	     word = strtok_r(NULL, " \n", &rest))
		words[count++] = word;
	if (count > 0 && strcmp(words[0], "quit") == 0)
		return false;
	for (size_t i = 0; count > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name) == 0) {
			run_command(siblings, &commands[i], words, count);
			return true;
		}
	}
	reply_error("unknown command");
	return true;
}

static int connect_as(struct siblings *siblings, char **argv)
{
	unsigned int port = (unsigned int)strtoul(argv[1], NULL, 10);
	long timeout_s = TIMEOUT_S;
	int no = 0, yes = 1, rc = SSH_ERROR;
	ssh_key key = NULL;

	ssh_options_set(siblings->ssh, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(siblings->ssh, SSH_OPTIONS_PORT, &port);
	ssh_options_set(siblings->ssh, SSH_OPTIONS_USER, argv[2]);
	ssh_options_set(siblings->ssh, SSH_OPTIONS_TIMEOUT, &timeout_s);
	ssh_options_set(siblings->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no);
	/* One request at a time: each would wait for the delayed acknowledgement of the last. */
	ssh_options_set(siblings->ssh, SSH_OPTIONS_NODELAY, &yes);
	if (ssh_connect(siblings->ssh) == SSH_OK &&
	    ssh_pki_import_privkey_file(argv[3], NULL, NULL, NULL, &key) == SSH_OK &&
	    ssh_userauth_publickey(siblings->ssh, NULL, key) == SSH_AUTH_SUCCESS) {
		siblings->fd = dup(ssh_get_fd(siblings->ssh));
		rc = SSH_OK;
	}
	ssh_key_free(key);
	return rc;
}

int main(int argc, char **argv)
{
	static struct siblings siblings;
	char line[1024];

	setvbuf(stdout, NULL, _IOLBF, 0);
	siblings.ssh = ssh_new();
	if (argc != 4 || siblings.ssh == NULL)
		return 2;
	if (connect_as(&siblings, argv) != SSH_OK) {
		reply_error("%s", ssh_get_error(siblings.ssh));
		return 1;
	}
	reply_ok("connected");
	while (fgets(line, sizeof(line), stdin) != NULL && handle_line(&siblings, line))
		continue;
	ssh_disconnect(siblings.ssh);
	ssh_free(siblings.ssh);
	return 0;
}
