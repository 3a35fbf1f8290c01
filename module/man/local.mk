dist_man_MANS += \
	module/man/pam_sftp_drain.8 \
	module/man/sftp-drain.8 \
	module/man/sftp-drain.conf.5 \
	module/man/sftp-drain-server.8
