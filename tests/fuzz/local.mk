# Fuzzers: configure CC=clang --enable-fuzzing --enable-asan --enable-ubsan; then, for example,
#     tests/fuzz/seeds.sh seeds && tests/fuzz/fuzz_session -dict=seeds/words -max_total_time=600 seeds/session
dist_noinst_SCRIPTS += tests/fuzz/seeds.sh
if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_codec tests/fuzz/fuzz_session
endif
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

tests_fuzz_fuzz_codec_SOURCES = tests/fuzz/fuzz_codec.c
tests_fuzz_fuzz_codec_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_codec_LDADD = libcodec.la
tests_fuzz_fuzz_session_SOURCES = \
	tests/fuzz/fuzz_session.c \
	tests/fuzz/cage.c tests/fuzz/cage.h \
	tests/fuzz/replies.c tests/fuzz/replies.h \
	tests/fuzz/script.c tests/fuzz/script.h \
	tests/unit/jail.c tests/unit/jail.h
tests_fuzz_fuzz_session_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_fuzz_fuzz_session_LDFLAGS = $(fuzz_ldflags) -pthread \
	-Wl,--wrap=dispatch_packet,--wrap=pace_note,--wrap=read
tests_fuzz_fuzz_session_LDADD = libserver.la libcodec.la libtable.la libpolicy.la libutil.la
