# The model of the protocol, and what spin says about it.  Without spin it is skipped, and says so.
dist_check_DATA += tests/model/membership.pml tests/model/orders.pml
dist_check_SCRIPTS += tests/model/run.sh
# It has nothing of the program's code, so that sanitizers would find nothing in it.
if !ASAN
TESTS += tests/model/run.sh
endif
