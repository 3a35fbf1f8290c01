/* server: what a failed system call means in SFTP.  No I/O. */
#ifndef SD_SERVER_STATUS_H
#define SD_SERVER_STATUS_H

#include "codec/sftp.h"

/* The status code for an errno, as OpenSSH's sftp-server gives it; 0 is SFTP_OK. */
enum sftp_status status_from_errno(int error);

/* The code in OpenSSH's words ("No such file"), for the log and for codes without an errno; a
 * constant string. */
const char *status_text(enum sftp_status status);

#endif
