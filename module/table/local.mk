noinst_LTLIBRARIES += libtable.la
libtable_la_SOURCES = \
	module/table/lock.c module/table/lock.h \
	module/table/members.c module/table/members.h \
	module/table/members_gate.c \
	module/table/members_row.c \
	module/table/members_file.c module/table/members_file.h \
	module/table/members_read.c module/table/members_read.h \
	module/table/order.c module/table/order.h \
	module/table/pipe_share.c module/table/pipe_share.h \
	module/table/session_share.c module/table/session_share.h \
	module/table/table.c module/table/table.h \
	module/table/table_claim.c \
	module/table/table_format.h \
	module/table/table_order.c
