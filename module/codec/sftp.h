/* codec: the numbers of SFTP version 3.  Nothing else.
 * Source: draft-ietf-secsh-filexfer-02, sections in brackets; OpenSSH PROTOCOL section 4. */
#ifndef SD_CODEC_SFTP_H
#define SD_CODEC_SFTP_H

#define SFTP_VERSION 3

/* Packet types [3]. */
enum sftp_type {
	SFTP_INIT = 1,
	SFTP_VERSION_REPLY = 2,
	SFTP_OPEN = 3,
	SFTP_CLOSE = 4,
	SFTP_READ = 5,
	SFTP_WRITE = 6,
	SFTP_LSTAT = 7,
	SFTP_FSTAT = 8,
	SFTP_SETSTAT = 9,
	SFTP_FSETSTAT = 10,
	SFTP_OPENDIR = 11,
	SFTP_READDIR = 12,
	SFTP_REMOVE = 13,
	SFTP_MKDIR = 14,
	SFTP_RMDIR = 15,
	SFTP_REALPATH = 16,
	SFTP_STAT = 17,
	SFTP_RENAME = 18,
	SFTP_READLINK = 19,
	SFTP_SYMLINK = 20,
	SFTP_STATUS = 101,
	SFTP_HANDLE = 102,
	SFTP_DATA = 103,
	SFTP_NAME = 104,
	SFTP_ATTRS = 105,
	SFTP_EXTENDED = 200,
	SFTP_EXTENDED_REPLY = 201,
};

/* Status codes [7]. */
enum sftp_status {
	SFTP_OK = 0,
	SFTP_EOF = 1,
	SFTP_NO_SUCH_FILE = 2,
	SFTP_PERMISSION_DENIED = 3,
	SFTP_FAILURE = 4,
	SFTP_BAD_MESSAGE = 5,
	SFTP_NO_CONNECTION = 6,
	SFTP_CONNECTION_LOST = 7,
	SFTP_OP_UNSUPPORTED = 8,
};

/* Flags of OPEN [6.3]. */
#define SFTP_FLAG_READ 0x01u
#define SFTP_FLAG_WRITE 0x02u
#define SFTP_FLAG_APPEND 0x04u
#define SFTP_FLAG_CREAT 0x08u
#define SFTP_FLAG_TRUNC 0x10u
#define SFTP_FLAG_EXCL 0x20u

/* Flags of a file's attributes [5]. */
#define SFTP_ATTR_SIZE 0x01u
#define SFTP_ATTR_UIDGID 0x02u
#define SFTP_ATTR_PERMISSIONS 0x04u
#define SFTP_ATTR_TIMES 0x08u
#define SFTP_ATTR_EXTENDED 0x80000000u

/* Flags of the reply of statvfs@openssh.com (OpenSSH PROTOCOL 4.4). */
#define SFTP_STATVFS_RDONLY 0x1u
#define SFTP_STATVFS_NOSUID 0x2u

/* Sizes in bytes.  A packet, its length field not counted, is at most SFTP_PACKET_MAX (as in
 * OpenSSH: 256 KiB); data in READ and WRITE at most 1 KiB less, which limits@openssh.com announces.
 */
#define SFTP_PACKET_MAX (256u * 1024u)
#define SFTP_DATA_MAX (SFTP_PACKET_MAX - 1024u)

#endif
