# The built module through libpam; with a real sshd it is tested in tests/e2e.
if HAVE_CRITERION
check_PROGRAMS += tests/pam/test_pam
TESTS += tests/pam/test_pam
endif
tests_pam_test_pam_SOURCES = tests/pam/test_pam.c
tests_pam_test_pam_CFLAGS = $(unit_cflags)
tests_pam_test_pam_LDADD = libtable.la $(unit_libs) $(PAM_LIBS)
