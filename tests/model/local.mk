# The model of the protocol, and what spin says about it.  Without spin it is skipped, and says so.
dist_check_DATA += tests/model/membership.pml tests/model/orders.pml
dist_check_SCRIPTS += tests/model/run.sh
TESTS += tests/model/run.sh
