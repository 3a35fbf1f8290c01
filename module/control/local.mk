# The command sftp-drain; the library is apart from main so that tests can link it.
noinst_LTLIBRARIES += libcontrol.la
libcontrol_la_SOURCES = \
	module/control/change.c module/control/change.h \
	module/control/cmd_abort.c \
	module/control/cmd_check.c \
	module/control/cmd_close.c module/control/cmd_close.h \
	module/control/cmd_list.c \
	module/control/cmd_policy.c \
	module/control/cmd_reopen.c \
	module/control/cmd_wait.c module/control/cmd_wait.h \
	module/control/columns.c module/control/columns.h \
	module/control/control.c module/control/control.h \
	module/control/force.c module/control/force.h \
	module/control/human.c module/control/human.h \
	module/control/idle.c module/control/idle.h \
	module/control/json.c module/control/json.h \
	module/control/listing.c module/control/listing.h \
	module/control/options.c module/control/options.h \
	module/control/orders.c module/control/orders.h \
	module/control/render_json.c module/control/render_json.h \
	module/control/render_plain.c module/control/render_plain.h \
	module/control/scope.c module/control/scope.h \
	module/control/scope_advisory.c \
	module/control/target.c module/control/target.h \
	module/control/watch.c module/control/watch.h \
	module/control/watched.c module/control/watched.h
sbin_PROGRAMS += sftp-drain
sftp_drain_SOURCES = module/control/main.c
sftp_drain_LDADD = libcontrol.la libtable.la libpolicy.la libutil.la
