noinst_LTLIBRARIES += libutil.la
libutil_la_SOURCES = \
	module/util/clock.c module/util/clock.h \
	module/util/decimal.c module/util/decimal.h \
	module/util/duration.c module/util/duration.h \
	module/util/escape.c module/util/escape.h \
	module/util/log.c module/util/log.h \
	module/util/proc.c module/util/proc.h \
	module/util/safe_open.c module/util/safe_open.h
