# What helps to build, try and check, not installed; and the example of a configuration.
dist_doc_DATA += contrib/sftp-drain.conf
dist_noinst_SCRIPTS += \
	.ci/run \
	contrib/check \
	contrib/quickstart
dist_noinst_DATA += \
	contrib/lib/build.sh \
	contrib/lib/machine.sh \
	contrib/lib/private_sshd.sh \
	contrib/lib/story.sh \
	contrib/pam/sshd.snippet \
	contrib/sshd_config/sftp-drain.conf \
	contrib/systemd/session-.scope.d/sftp-drain.conf \
	contrib/systemd/sftp-drain-shutdown.service \
	contrib/tmpfiles/sftp-drain.conf

bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = contrib/completion/sftp-drain
EXTRA_DIST += contrib/completion/sftp-drain.bash
CLEANFILES += contrib/completion/sftp-drain
contrib/completion/sftp-drain: contrib/completion/sftp-drain.bash
	$(AM_V_GEN)mkdir -p contrib/completion && cp $(srcdir)/contrib/completion/sftp-drain.bash $@
