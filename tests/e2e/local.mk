# Real sshd, real clients; as root.  Each makes its own users, PAM service and session table, so that
# they may run at the same time.
e2e_tests = \
	tests/e2e/abort.sh \
	tests/e2e/admit.sh \
	tests/e2e/client_asyncssh.sh \
	tests/e2e/client_curl.sh \
	tests/e2e/client_lftp.sh \
	tests/e2e/client_libssh.sh \
	tests/e2e/client_paramiko.sh \
	tests/e2e/client_pkg_sftp.sh \
	tests/e2e/client_psftp.sh \
	tests/e2e/client_rclone.sh \
	tests/e2e/client_scp.sh \
	tests/e2e/client_sftp.sh \
	tests/e2e/client_sshfs.sh \
	tests/e2e/deadline.sh \
	tests/e2e/drain.sh \
	tests/e2e/force.sh \
	tests/e2e/forward.sh \
	tests/e2e/host_dropbear.sh \
	tests/e2e/host_openssh.sh \
	tests/e2e/host_tinyssh.sh \
	tests/e2e/kill.sh \
	tests/e2e/kill_closing.sh \
	tests/e2e/limits.sh \
	tests/e2e/login.sh \
	tests/e2e/mixed.sh \
	tests/e2e/orders.sh \
	tests/e2e/pipe_budget.sh \
	tests/e2e/received.sh \
	tests/e2e/policy.sh \
	tests/e2e/reopen.sh \
	tests/e2e/shutdown.sh \
	tests/e2e/signals.sh \
	tests/e2e/slow_peer.sh \
	tests/e2e/timeouts.sh \
	tests/e2e/upload_killed.sh \
	tests/e2e/users.sh
dist_check_SCRIPTS += $(e2e_tests)
TESTS += $(e2e_tests)

# The clients that are libraries.  Those of Python are run, that of Go is built by its test, if it can be.
dist_check_DATA += \
	tests/e2e/clients/asyncssh_client.py \
	tests/e2e/clients/paramiko_client.py \
	tests/e2e/clients/pkg_sftp_client.go
if HAVE_LIBSSH
check_PROGRAMS += tests/e2e/clients/libssh_client
endif
tests_e2e_clients_libssh_client_SOURCES = tests/e2e/clients/libssh_client.c
tests_e2e_clients_libssh_client_CFLAGS = $(AM_CFLAGS) $(LIBSSH_CFLAGS)
tests_e2e_clients_libssh_client_LDADD = $(LIBSSH_LIBS)
