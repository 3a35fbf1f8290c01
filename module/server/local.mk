# The engine is a library, so that tests and fuzzers link it without main.
noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES = \
	module/server/closer.c module/server/closer.h \
	module/server/closing.c module/server/closing.h \
	module/server/crew.c module/server/crew.h \
	module/server/directory.c module/server/directory.h \
	module/server/dispatch.c module/server/dispatch.h \
	module/server/drain.c module/server/drain.h \
	module/server/engine.c module/server/engine.h \
	module/server/handle.c module/server/handle.h \
	module/server/intake.c module/server/intake.h \
	module/server/log_name.c module/server/log_name.h \
	module/server/longname.c module/server/longname.h \
	module/server/nap.c module/server/nap.h \
	module/server/op_attr.c \
	module/server/op_copy.c \
	module/server/op_dir.c \
	module/server/op_file.c \
	module/server/op_name.c \
	module/server/op_user.c \
	module/server/options.c module/server/options.h \
	module/server/output.c module/server/output.h \
	module/server/pace.c module/server/pace.h \
	module/server/path.c module/server/path.h \
	module/server/pipes.c module/server/pipes.h \
	module/server/reply.c module/server/reply.h \
	module/server/ring.c module/server/ring.h \
	module/server/send_queue.c module/server/send_queue.h \
	module/server/self.c module/server/self.h \
	module/server/serve.c module/server/serve.h \
	module/server/server.h \
	module/server/session.c module/server/session.h \
	module/server/session_orders.c \
	module/server/session_show.c \
	module/server/signals.c module/server/signals.h \
	module/server/sshd.c module/server/sshd.h \
	module/server/status.c module/server/status.h

server_PROGRAMS += sftp-server
# Set in both cases: automake would else leave out AM_CFLAGS in the other one.
sftp_server_CFLAGS = $(AM_CFLAGS) $(LTO_FLAGS)
sftp_server_LDFLAGS = $(AM_LDFLAGS) $(LTO_FLAGS)
if LTO
# Across files: a request passes through a dozen of them.  main.c stands last, for gcc lays out their variables from
# the last file to the first, and its own share the page of those that every session writes to.
sftp_server_SOURCES = $(libserver_la_SOURCES) $(libcodec_la_SOURCES) $(libtable_la_SOURCES) \
	$(libutil_la_SOURCES) module/server/main.c
sftp_server_LDADD = libpolicy.la
else
sftp_server_SOURCES = module/server/main.c
sftp_server_LDADD = libserver.la libcodec.la libtable.la libpolicy.la libutil.la
endif
