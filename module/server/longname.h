/* server: the line that `ls -l` would write, which NAME replies carry for people to read. */
#ifndef SD_SERVER_LONGNAME_H
#define SD_SERVER_LONGNAME_H

#include <sys/stat.h>

/* Bytes that the line takes beside the name, at most; user and group names that are longer are cut.
 */
#define LONGNAME_EXTRA 256

/* Writes "-rw-r--r--    1 user     group        1234 Nov 23 07:12 name" as OpenSSH does, with names
 * of the name service where it has them and the local time zone, into out of NAME_MAX +
 * LONGNAME_EXTRA bytes.  Returns out. */
char *longname_format(const char *name, const struct stat *st, char *out);

#endif
