noinst_LTLIBRARIES += libpolicy.la
libpolicy_la_SOURCES = \
	module/policy/policy.c module/policy/policy.h \
	module/policy/policy_address.c module/policy/policy_address.h \
	module/policy/policy_groups.c module/policy/policy_groups.h \
	module/policy/policy_key.c module/policy/policy_key.h \
	module/policy/policy_libconfig.c module/policy/policy_libconfig.h \
	module/policy/policy_load.c module/policy/policy_load.h \
	module/policy/policy_match.c module/policy/policy_match.h \
	module/policy/policy_rule_match.c module/policy/policy_rule_match.h \
	module/policy/policy_rules.c module/policy/policy_rules.h \
	module/policy/policy_text.c module/policy/policy_text.h
# Not linked: it is loaded when there is a file for it (policy_libconfig.h).
libpolicy_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCONFIG_CFLAGS) -DSD_LIBCONFIG='"$(LIBCONFIG_SONAME)"'
libpolicy_la_LIBADD = $(DLOPEN_LIBS)
