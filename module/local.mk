# The rooms.  Each is a convenience library; what it may use is what it links, one way:
# server -> codec, table, policy;  control -> table, policy;  all -> util.
include module/util/local.mk
include module/codec/local.mk
include module/policy/local.mk
include module/table/local.mk
include module/server/local.mk
include module/control/local.mk
include module/man/local.mk
