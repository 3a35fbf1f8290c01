# The built module through libpam; with a real sshd it is tested in tests/e2e.
if HAVE_CRITERION
pam_tests = \
	tests/pam/test_admit \
	tests/pam/test_keys \
	tests/pam/test_pam
check_PROGRAMS += $(pam_tests)
TESTS += $(pam_tests)
endif
pam_service = tests/pam/service.c tests/pam/service.h
tests_pam_test_admit_SOURCES = tests/pam/test_admit.c $(pam_service)
tests_pam_test_admit_CFLAGS = $(unit_cflags)
tests_pam_test_admit_LDADD = libtable.la $(unit_libs) $(PAM_LIBS)
tests_pam_test_keys_SOURCES = tests/pam/test_keys.c pam/keys.c pam/keys.h
tests_pam_test_keys_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/pam
tests_pam_test_keys_CFLAGS = $(unit_cflags) $(CRYPTO_CFLAGS)
tests_pam_test_keys_LDADD = libpolicy.la $(unit_libs) $(CRYPTO_LIBS)
tests_pam_test_pam_SOURCES = tests/pam/test_pam.c $(pam_service)
tests_pam_test_pam_CFLAGS = $(unit_cflags)
tests_pam_test_pam_LDADD = libtable.la $(unit_libs) $(PAM_LIBS)
