# The soak: `make soak`, half an hour of random events over a private sshd, as root.  Not part of check.
#
#     make soak SOAK_SECONDS=120 SOAK_SEED=7
SOAK_SECONDS = 1800
SOAK_SEED =
soak_files = tests/soak/chaos.py tests/soak/host.py tests/soak/journal.py \
	tests/soak/logs.py tests/soak/rounds.py tests/soak/siblings.py tests/soak/soak.py \
	tests/soak/verify.py
dist_noinst_DATA += $(soak_files)
dist_noinst_SCRIPTS += tests/soak/soak.sh
soak_programs = tests/support/devlog$(EXEEXT) tests/support/hold$(EXEEXT) tests/support/pattern$(EXEEXT)
if HAVE_LIBSSH
soak_programs += tests/support/siblings$(EXEEXT)
endif

.PHONY: soak
soak: $(soak_programs) sftp-server$(EXEEXT) sftp-drain$(EXEEXT) pam_sftp_drain.la
	@$(AM_TESTS_ENVIRONMENT) SOAK_SECONDS='$(SOAK_SECONDS)' SOAK_SEED='$(SOAK_SEED)' \
		bash $(srcdir)/tests/soak/soak.sh
