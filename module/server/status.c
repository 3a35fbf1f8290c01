/* server: what a failed system call means in SFTP.  No I/O. */
#include "server/status.h"

#include <errno.h>

enum sftp_status status_from_errno(int error)
{
	switch (error) {
	case 0:
		return SFTP_OK;
	case ENOENT:
	case ENOTDIR:
	case EBADF:
	case ELOOP:
		return SFTP_NO_SUCH_FILE;
	case EPERM:
	case EACCES:
	case EFAULT:
		return SFTP_PERMISSION_DENIED;
	case ENAMETOOLONG:
	case EINVAL:
	case EBADMSG:
		return SFTP_BAD_MESSAGE;
	case ENOSYS:
		return SFTP_OP_UNSUPPORTED;
	default:
		return SFTP_FAILURE;
	}
}

const char *status_text(enum sftp_status status)
{
	static const char *const texts[] = {
	    [SFTP_OK] = "Success",
	    [SFTP_EOF] = "End of file",
	    [SFTP_NO_SUCH_FILE] = "No such file",
	    [SFTP_PERMISSION_DENIED] = "Permission denied",
	    [SFTP_FAILURE] = "Failure",
	    [SFTP_BAD_MESSAGE] = "Bad message",
	    [SFTP_NO_CONNECTION] = "No connection",
	    [SFTP_CONNECTION_LOST] = "Connection lost",
	    [SFTP_OP_UNSUPPORTED] = "Operation unsupported",
	};

	return status <= SFTP_OP_UNSUPPORTED ? texts[status] : "Unknown error";
}
