# The benchmarks: `make bench`, then tests/bench/sftp and tests/bench/table (--help).  Not tests: `make check`
# builds them and does not run them.
bench_programs = tests/bench/sftp tests/bench/table
if HAVE_FUSE3
bench_programs += tests/bench/slowfs
endif
check_PROGRAMS += $(bench_programs)
dist_noinst_SCRIPTS += tests/bench/through_sshd.sh

tests_bench_sftp_SOURCES = \
	tests/bench/bench.h \
	tests/bench/bulk.c tests/bench/bulk.h \
	tests/bench/client.c tests/bench/client.h \
	tests/bench/content.c tests/bench/content.h \
	tests/bench/copy.c \
	tests/bench/interrupt.c tests/bench/interrupt.h \
	tests/bench/many.c \
	tests/bench/membership.c tests/bench/membership.h \
	tests/bench/names.c tests/bench/names.h \
	tests/bench/place.c tests/bench/place.h \
	tests/bench/process.c \
	tests/bench/readdir.c \
	tests/bench/report.c tests/bench/report.h \
	tests/bench/report_json.c \
	tests/bench/requests.c tests/bench/requests.h \
	tests/bench/run.c tests/bench/run.h \
	tests/bench/scenarios.c \
	tests/bench/server.c tests/bench/server.h \
	tests/bench/session.c \
	tests/bench/sftp.c \
	tests/bench/slow.c \
	tests/bench/small.c \
	tests/bench/stats.c tests/bench/stats.h \
	tests/bench/through.c \
	tests/bench/twice.c tests/bench/twice.h
tests_bench_sftp_CPPFLAGS = $(AM_CPPFLAGS) \
	-DBENCH_SOURCES='"$(abs_top_srcdir)/tests/bench"'
tests_bench_sftp_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_sftp_LDADD = libcodec.la libtable.la libpolicy.la libutil.la

tests_bench_table_SOURCES = \
	tests/bench/bench.h \
	tests/bench/interrupt.c tests/bench/interrupt.h \
	tests/bench/membership.h \
	tests/bench/place.c tests/bench/place.h \
	tests/bench/content.c tests/bench/content.h \
	tests/bench/server.c tests/bench/server.h \
	tests/bench/stats.c tests/bench/stats.h \
	tests/bench/table.c tests/bench/table.h \
	tests/bench/table_claim.c \
	tests/bench/table_drain.c \
	tests/bench/table_join.c \
	tests/bench/table_list.c \
	tests/bench/table_report.c
tests_bench_table_LDADD = libtable.la libpolicy.la libutil.la

tests_bench_slowfs_SOURCES = tests/bench/slowfs.c tests/bench/bulk.h tests/bench/names.h \
	tests/bench/content.c tests/bench/content.h
tests_bench_slowfs_CFLAGS = $(AM_CFLAGS) $(FUSE3_CFLAGS) -pthread
tests_bench_slowfs_LDADD = libutil.la $(FUSE3_LIBS)

.PHONY: bench
bench: $(bench_programs) sftp-server$(EXEEXT) sftp-drain$(EXEEXT) pam_sftp_drain.la
