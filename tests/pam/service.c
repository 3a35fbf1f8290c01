/* tests: a PAM service of a test's own. */
#include "service.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char service_dir[64], service_rundir[80], service_shmdir[80], service_config[80];
char service_said[512], service_logged[16384];
int service_asked;

static void note_line(const char *format, va_list args)
{
	size_t used = strlen(service_logged);

	vsnprintf(service_logged + used, sizeof(service_logged) - used, format, args);
	used = strlen(service_logged);
	snprintf(service_logged + used, sizeof(service_logged) - used, "\n");
}

/* In place of the library's, for libpam too: the sources are built with hidden symbols. */
#define SHOWN __attribute__((visibility("default")))

SHOWN void syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	note_line(format, args);
	va_end(args);
}

/* What a fortified build of libpam calls. */
SHOWN void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, format);
	note_line(format, args);
	va_end(args);
}

bool service_has_logged(const char *text)
{
	return strstr(service_logged, text) != NULL;
}

static int converse(
    int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	(void)data;
	for (int i = 0; i < count; i++) {
		int style = messages[i]->msg_style;

		snprintf(service_said, sizeof(service_said), "%s", messages[i]->msg);
		service_asked += style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
	}
	*responses = calloc((size_t)count, sizeof(**responses));
	return *responses == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static const struct pam_conv conversation = {.conv = converse};

static void write_file(const char *path, const char *format, va_list args)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file, "%s", path);
	vfprintf(file, format, args);
	cr_assert_eq(fclose(file), 0);
}

static void write_text(const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_file(path, format, args);
	va_end(args);
}

void service_configure(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_file(service_config, format, args);
	va_end(args);
}

void service_write(const char *arguments, const char *asker)
{
	char path[96], words[512];

	snprintf(words, sizeof(words), "%s config=%s rundir=%s shmdir=%s debug %s",
	    getenv("SD_PAM"), service_config, service_rundir, service_shmdir, arguments);
	snprintf(path, sizeof(path), "%s/tested", service_dir);
	write_text(path,
	    "auth requisite %s\nauth required %s\n"
	    "account required %s\naccount required pam_permit.so\n"
	    "session required %s\nsession required pam_permit.so\n",
	    words, asker, words, words);
}

void service_begin(void)
{
	if (getenv("SD_PAM") == NULL || geteuid() != 0)
		cr_skip_test("needs root, and the built module in SD_PAM");
	snprintf(service_dir, sizeof(service_dir), "/tmp/sftp-drain-pam.XXXXXX");
	cr_assert_not_null(mkdtemp(service_dir));
	snprintf(service_rundir, sizeof(service_rundir), "%s/run", service_dir);
	snprintf(service_shmdir, sizeof(service_shmdir), "%s/shm", service_dir);
	snprintf(service_config, sizeof(service_config), "%s/conf", service_dir);
	service_write("", "pam_permit.so");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void service_end(void)
{
	if (service_dir[0] != '\0')
		nftw(service_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

pam_handle_t *service_start(const char *user)
{
	pam_handle_t *pamh = NULL;

	service_said[0] = '\0';
	service_asked = 0;
	service_logged[0] = '\0';
	cr_assert_eq(
	    pam_start_confdir("tested", user, &conversation, service_dir, &pamh), PAM_SUCCESS);
	cr_assert_eq(pam_putenv(pamh, "SSH_CONNECTION=192.0.2.9 4711 192.0.2.1 22"), PAM_SUCCESS);
	return pamh;
}
