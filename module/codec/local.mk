noinst_LTLIBRARIES += libcodec.la
libcodec_la_SOURCES = \
	module/codec/attrs.c module/codec/attrs.h \
	module/codec/request.c module/codec/request.h \
	module/codec/sftp.h \
	module/codec/wire.c module/codec/wire.h
