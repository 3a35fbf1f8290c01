# Without Criterion: the build for the thread sanitizer runs it too.
check_PROGRAMS += tests/unit/race_crew
TESTS += tests/unit/race_crew
tests_unit_race_crew_SOURCES = tests/unit/race_crew.c
tests_unit_race_crew_LDADD = libserver.la libcodec.la libtable.la libpolicy.la libutil.la

# Each program links its room's library and what that may use, so that an upward call fails to link.
if HAVE_CRITERION
unit_tests = \
	tests/unit/test_claim \
	tests/unit/test_members \
	tests/unit/test_orders \
	tests/unit/test_table \
	tests/unit/test_codec \
	tests/unit/stress_members \
	tests/unit/test_control \
	tests/unit/test_dispatch \
	tests/unit/test_engine \
	tests/unit/test_faults \
	tests/unit/test_force \
	tests/unit/test_interleaving \
	tests/unit/test_policy \
	tests/unit/test_program \
	tests/unit/test_reference \
	tests/unit/test_server \
	tests/unit/test_start \
	tests/unit/test_util
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
unit_cflags = $(AM_CFLAGS) $(CRITERION_CFLAGS) -Wno-missing-prototypes
unit_libs = libutil.la $(CRITERION_LIBS)
unit_silent = tests/unit/silent_mount.c tests/unit/silent_mount.h

tests_unit_stress_members_SOURCES = tests/unit/stress_members.c
tests_unit_stress_members_CFLAGS = $(unit_cflags)
tests_unit_stress_members_LDADD = libtable.la $(unit_libs)
tests_unit_test_control_SOURCES = \
	tests/unit/control_scratch.c tests/unit/control_scratch.h \
	tests/unit/test_control.c \
	tests/unit/test_control_list.c \
	tests/unit/test_control_monitor.c \
	tests/unit/test_control_orders.c \
	tests/unit/test_control_wait.c \
	$(unit_silent)
tests_unit_test_control_CFLAGS = $(unit_cflags)
tests_unit_test_control_LDADD = libcontrol.la libtable.la libpolicy.la $(unit_libs)
tests_unit_test_force_SOURCES = tests/unit/test_force.c \
	tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_force_CFLAGS = $(unit_cflags)
tests_unit_test_force_LDADD = libcontrol.la libtable.la libpolicy.la $(unit_libs)
tests_unit_test_policy_SOURCES = \
	tests/unit/policy_scratch.c tests/unit/policy_scratch.h \
	tests/unit/test_policy.c \
	tests/unit/test_policy_load.c \
	tests/unit/test_policy_match.c
tests_unit_test_policy_CFLAGS = $(unit_cflags)
tests_unit_test_policy_LDADD = libpolicy.la $(unit_libs)
tests_unit_test_util_SOURCES = \
	tests/unit/test_util.c \
	tests/unit/test_util_log.c \
	tests/unit/test_util_proc.c \
	tests/unit/test_util_safe_open.c \
	$(unit_silent)
tests_unit_test_util_CFLAGS = $(unit_cflags)
tests_unit_test_util_LDADD = $(unit_libs)

unit_scratch = tests/unit/packet.c tests/unit/packet.h tests/unit/scratch.c tests/unit/scratch.h
unit_server_libs = libserver.la libcodec.la libtable.la libpolicy.la $(unit_libs)

tests_unit_test_codec_SOURCES = tests/unit/test_codec.c tests/unit/packet.c tests/unit/packet.h
tests_unit_test_codec_CFLAGS = $(unit_cflags)
tests_unit_test_codec_LDADD = libcodec.la $(unit_libs)
tests_unit_test_dispatch_SOURCES = \
	tests/unit/test_dispatch_attr.c \
	tests/unit/test_dispatch_copy.c \
	tests/unit/test_dispatch_file.c \
	tests/unit/test_dispatch_hostile.c \
	tests/unit/test_dispatch_name.c \
	tests/unit/test_dispatch_refuse.c \
	tests/unit/jail.c tests/unit/jail.h \
	tests/unit/serving.c tests/unit/serving.h \
	$(unit_scratch)
tests_unit_test_dispatch_CFLAGS = $(unit_cflags)
tests_unit_test_dispatch_LDADD = $(unit_server_libs)
tests_unit_test_table_SOURCES = tests/unit/test_table.c tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_table_CFLAGS = $(unit_cflags)
tests_unit_test_table_LDADD = libtable.la $(unit_libs)
tests_unit_test_claim_SOURCES = tests/unit/test_claim.c tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_claim_CFLAGS = $(unit_cflags)
tests_unit_test_claim_LDADD = libtable.la $(unit_libs)
tests_unit_test_orders_SOURCES = tests/unit/test_orders.c tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_orders_CFLAGS = $(unit_cflags)
tests_unit_test_orders_LDADD = libtable.la $(unit_libs)
tests_unit_test_members_SOURCES = tests/unit/test_members.c tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_members_CFLAGS = $(unit_cflags)
tests_unit_test_members_LDADD = libtable.la $(unit_libs)
tests_unit_test_server_SOURCES = \
	tests/unit/test_handle.c \
	tests/unit/test_longname.c \
	tests/unit/test_nap.c \
	tests/unit/test_options.c \
	tests/unit/test_path.c \
	tests/unit/test_reply.c \
	tests/unit/test_sshd.c \
	$(unit_scratch)
tests_unit_test_server_CFLAGS = $(unit_cflags)
tests_unit_test_server_LDADD = $(unit_server_libs)
tests_unit_test_engine_SOURCES = \
	tests/unit/test_engine.c \
	tests/unit/test_engine_crew.c \
	tests/unit/test_engine_drain.c \
	tests/unit/test_engine_limits.c \
	tests/unit/test_engine_pages.c \
	tests/unit/test_engine_pressure.c \
	tests/unit/peer.c tests/unit/peer.h \
	tests/unit/serving.c tests/unit/serving.h \
	tests/unit/table_scratch.c tests/unit/table_scratch.h \
	$(unit_scratch)
tests_unit_test_engine_CFLAGS = $(unit_cflags)
tests_unit_test_engine_LDADD = $(unit_server_libs)
tests_unit_test_faults_SOURCES = \
	tests/unit/test_faults.c \
	tests/unit/peer.c tests/unit/peer.h \
	tests/unit/serving.c tests/unit/serving.h \
	tests/unit/table_scratch.c tests/unit/table_scratch.h \
	$(unit_scratch)
tests_unit_test_faults_CFLAGS = $(unit_cflags)
tests_unit_test_faults_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=read,--wrap=write,--wrap=pread,--wrap=pwrite \
	-Wl,--wrap=splice,--wrap=poll,--wrap=ppoll
tests_unit_test_faults_LDADD = $(unit_server_libs)
tests_unit_test_interleaving_SOURCES = tests/unit/test_interleaving.c \
	tests/unit/table_scratch.c tests/unit/table_scratch.h
tests_unit_test_interleaving_CFLAGS = $(unit_cflags)
tests_unit_test_interleaving_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=lock_try,--wrap=lock_wait,--wrap=lock_is_held,--wrap=order_write
tests_unit_test_interleaving_LDADD = $(unit_server_libs)
tests_unit_test_program_SOURCES = tests/unit/test_program.c $(unit_scratch)
tests_unit_test_program_CFLAGS = $(unit_cflags)
tests_unit_test_program_LDADD = $(unit_libs)
tests_unit_test_reference_SOURCES = \
	tests/unit/test_reference.c \
	tests/unit/test_reference_flags.c \
	tests/unit/test_reference_list.c \
	tests/unit/test_reference_syslog.c \
	tests/unit/jail.c tests/unit/jail.h \
	tests/unit/golden.c tests/unit/golden.h \
	tests/unit/program.c tests/unit/program.h \
	tests/unit/script.c tests/unit/script.h \
	$(unit_scratch)
tests_unit_test_reference_CFLAGS = $(unit_cflags)
tests_unit_test_reference_LDADD = $(unit_libs)
tests_unit_test_start_SOURCES = \
	tests/unit/test_start.c \
	tests/unit/table_scratch.c tests/unit/table_scratch.h \
	$(unit_scratch)
tests_unit_test_start_CPPFLAGS = $(AM_CPPFLAGS) -DSD_LIBCONFIG='"$(LIBCONFIG_SONAME)"'
tests_unit_test_start_CFLAGS = $(unit_cflags)
tests_unit_test_start_LDADD = libtable.la $(unit_libs)
