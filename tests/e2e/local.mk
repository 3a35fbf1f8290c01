# Real sshd, real clients; as root.  Each makes its own users, PAM service and session table, so that
# they may run at the same time.
e2e_tests = \
	tests/e2e/deadline.sh \
	tests/e2e/drain.sh \
	tests/e2e/kill.sh \
	tests/e2e/mixed.sh \
	tests/e2e/reopen.sh \
	tests/e2e/users.sh
dist_check_SCRIPTS += $(e2e_tests)
TESTS += $(e2e_tests)
