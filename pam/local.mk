pam_LTLIBRARIES += pam_sftp_drain.la
pam_sftp_drain_la_SOURCES = \
	pam/admit.c pam/admit.h \
	pam/arguments.c pam/arguments.h \
	pam/hold.c pam/hold.h \
	pam/keys.c pam/keys.h \
	pam/login.c pam/login.h \
	pam/pam_sftp_drain.c \
	pam/register.c pam/register.h
pam_sftp_drain_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
pam_sftp_drain_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,--version-script=$(top_srcdir)/pam/pam_sftp_drain.map
pam_sftp_drain_la_LIBADD = libtable.la libpolicy.la libutil.la $(PAM_LIBS) $(CRYPTO_LIBS)
EXTRA_pam_sftp_drain_la_DEPENDENCIES = pam/pam_sftp_drain.map
EXTRA_DIST = pam/pam_sftp_drain.map

# libpam opens the module itself; libtool's description of it would only lie about.
install-data-hook: remove-pam-la
.PHONY: remove-pam-la
remove-pam-la:
	rm -f $(DESTDIR)$(pamdir)/pam_sftp_drain.la
uninstall-hook:
	rm -f $(DESTDIR)$(pamdir)/pam_sftp_drain.so
