noinst_LTLIBRARIES += libpolicy.la
libpolicy_la_SOURCES = \
	module/policy/policy.c module/policy/policy.h \
	module/policy/policy_groups.c module/policy/policy_groups.h \
	module/policy/policy_load.c module/policy/policy_load.h \
	module/policy/policy_match.c module/policy/policy_match.h \
	module/policy/policy_rules.c module/policy/policy_rules.h \
	module/policy/policy_text.c module/policy/policy_text.h
libpolicy_la_CFLAGS = $(AM_CFLAGS) $(LIBCONFIG_CFLAGS)
libpolicy_la_LIBADD = $(LIBCONFIG_LIBS)
