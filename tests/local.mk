# The tests.  Those of one room link that room's library only; those in e2e run the programs.
include tests/unit/local.mk
include tests/pam/local.mk
include tests/support/local.mk
include tests/model/local.mk
include tests/e2e/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/soak/local.mk
