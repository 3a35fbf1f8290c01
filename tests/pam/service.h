/* tests: a PAM service of a test's own, with the built module in all the places where it may stand, and
 * a table, members files and a configuration of its own.  Through libpam; no sshd. */
#ifndef SD_TESTS_SERVICE_H
#define SD_TESTS_SERVICE_H

#include <security/pam_appl.h>
#include <stdbool.h>

extern char service_dir[64], service_rundir[80], service_shmdir[80], service_config[80];
extern char service_said[512];     /* what the module said to the user last */
extern int service_asked;          /* how many answers were asked for */
extern char service_logged[16384]; /* what was written to syslog(3), by whomever: lines */

/* Of a test suite: makes the places, or skips without root or without SD_PAM; removes them. */
void service_begin(void);
void service_end(void);

/* Writes the service file, with these arguments of the module besides those for the places.  The module
 * is followed by one that admits everybody, but for auth, where asker follows. */
void service_write(const char *arguments, const char *asker);

/* Writes the configuration. */
void service_configure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A handle for the user, as sshd makes it. */
pam_handle_t *service_start(const char *user);

/* Whether the log has a line with text in it. */
bool service_has_logged(const char *text);

#endif
