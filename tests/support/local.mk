# What the end-to-end tests are made of.  Without libssh they are skipped, and say so.
dist_check_DATA += tests/support/e2e.sh tests/support/hosts.sh tests/support/lsan.supp \
	tests/support/scenario.sh tests/support/scenario_program.sh
dist_check_SCRIPTS += tests/support/criterion_tap.sh tests/support/own_dev.sh

check_PROGRAMS += \
	tests/support/devlog \
	tests/support/hold \
	tests/support/pattern \
	tests/support/pipe_level \
	tests/support/pipe_sizes \
	tests/support/relay \
	tests/support/slow_reader \
	tests/support/watch
if HAVE_FUSE3
check_PROGRAMS += tests/support/delayfs
endif
if HAVE_LIBSSH
check_PROGRAMS += tests/support/siblings
endif

tests_support_delayfs_SOURCES = tests/support/delayfs.c
tests_support_delayfs_CFLAGS = $(AM_CFLAGS) $(FUSE3_CFLAGS)
tests_support_delayfs_LDADD = $(FUSE3_LIBS)
tests_support_devlog_SOURCES = tests/support/devlog.c
tests_support_hold_SOURCES = tests/support/hold.c
tests_support_pattern_SOURCES = tests/support/pattern.c \
	tests/support/stream.c tests/support/stream.h
tests_support_pipe_level_SOURCES = tests/support/pipe_level.c
tests_support_pipe_sizes_SOURCES = tests/support/pipe_sizes.c
tests_support_relay_SOURCES = tests/support/relay.c
tests_support_siblings_SOURCES = tests/support/siblings.c tests/support/siblings.h \
	tests/support/siblings_transfer.c tests/support/stream.c tests/support/stream.h
tests_support_siblings_CFLAGS = $(AM_CFLAGS) $(LIBSSH_CFLAGS)
tests_support_siblings_LDADD = $(LIBSSH_LIBS)
tests_support_slow_reader_SOURCES = tests/support/slow_reader.c
tests_support_watch_SOURCES = tests/support/watch.c
