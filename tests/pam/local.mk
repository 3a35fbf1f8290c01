# Nothing yet: the module is tested through a real sshd in tests/e2e.
