# Each program links its room's library and what that may use, so that an upward call fails to link.
if HAVE_CRITERION
unit_tests = \
	tests/unit/stress_members \
	tests/unit/test_control \
	tests/unit/test_policy \
	tests/unit/test_util
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
unit_cflags = $(AM_CFLAGS) $(CRITERION_CFLAGS) -Wno-missing-prototypes
unit_libs = libutil.la $(CRITERION_LIBS)

tests_unit_stress_members_SOURCES = tests/unit/stress_members.c
tests_unit_stress_members_CFLAGS = $(unit_cflags)
tests_unit_stress_members_LDADD = libtable.la $(unit_libs)
tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_CFLAGS = $(unit_cflags)
tests_unit_test_control_LDADD = libcontrol.la libtable.la libpolicy.la $(unit_libs)
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_CFLAGS = $(unit_cflags)
tests_unit_test_policy_LDADD = libpolicy.la $(unit_libs)
tests_unit_test_util_SOURCES = tests/unit/test_util.c
tests_unit_test_util_CFLAGS = $(unit_cflags)
tests_unit_test_util_LDADD = $(unit_libs)
