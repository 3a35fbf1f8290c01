# tests: the soak proper: workers, chaos and verifier for so many seconds, a line each minute, a summary.
# Run by soak.sh, which has made the place.  Exit status 0 only when nothing was wrong.
#
#     soak.py policy USER...     prints the configuration
#     soak.py run USER...
import json
import os
import signal
import sys
import time

from chaos import Chaos
from host import LIMIT, Host
from journal import Journal
from logs import verify_logs
from rounds import Worker
from verify import Verifier

# Each user has another policy.  A login of one with max_connections clears away what dead monitors of his
# connections have left, which is awaited at the end.
DEFAULT = {"drain": "transfer", "deadline": 60}
POLICIES = [
    {"max_sessions_per_connection": 2},
    {"close": "last"},
    {"close": "first"},
    {"while_draining": "refuse-login"},
    {"while_draining": "admit", "drain": "session"},
]
WORKERS = 6


def settings(policy):
    # A number, or a string: as JSON has them.
    return " ".join(f"{name} = {json.dumps(value)};" for name, value in policy.items())


def print_policy(users):
    print('default = { linger = "300ms"; deadline = "60s"; max_connections = 200; };')
    rules = [
        f'\t{{ match = {{ user = "{user}"; }}; {settings(policy)} }}'
        for user, policy in zip(users, POLICIES)
    ]
    print("rules = (\n" + ",\n".join(rules) + "\n);")


# What a line of figures has, and how the counts in it begin.
FIGURES = {
    "transfers": ["uploads ", "downloads "],
    "commands": ["commands "],
    "clients": ["refused ", "ended "],
    "killed": ["kill "],
    "orders": ["close status ", "close --wait status ", "reopen status "],
    "waits": ["wait status "],
    "aborts": ["abort status "],
    "explained": ["explained "],
}


def figures(journal, log):
    """The logins that sshd has logged, and the counts so far."""
    with open(log, errors="replace") as file:
        logins = sum(line.startswith("Accepted ") for line in file)
    parts = [f"logins {logins}, rounds {journal.counts['rounds']}, stops {journal.counts['stop']}"]
    for title, starts in FIGURES.items():
        shown = [
            f"{name.removeprefix('kill ').removeprefix('explained ')} {count}"
            for name, count in sorted(journal.counts.items())
            if name.startswith(tuple(starts))
        ]
        parts.append(f"{title}: {', '.join(shown) or 'none'}")
    return "; ".join(parts)


def soak(env, users):
    seconds, seed = int(env["SOAK_SECONDS"]), env["SOAK_SEED"]
    host = Host(env, users)
    journal = Journal(f"{host.place}/journal")
    policies = {user: {**DEFAULT, **policy} for user, policy in zip(users, POLICIES)}
    verifier = Verifier(host, journal, policies, env["sessions_log"])
    workers = [Worker(i, seed, users, host, journal, verifier.rounds) for i in range(WORKERS)]
    chaos = Chaos(seed, users, host, journal, policies)
    threads = [verifier, *workers, chaos]
    for thread in threads:
        thread.daemon = True
        thread.start()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(60, max(0, end - time.monotonic())))
            minutes = (time.monotonic() - journal.began) / 60
            print(f"{minutes:.0f} min: {figures(journal, env['sshd_log'])}", flush=True)
        return finish(journal, host, workers, chaos, verifier, env)
    except KeyboardInterrupt:
        host.end_all()
        return 130


def finish(journal, host, workers, chaos, verifier, env):
    for thread in [*workers, chaos]:
        thread.stop.set()
    for thread in [chaos, *workers]:
        thread.join(3 * LIMIT)
    verifier.rounds.put(None)
    verifier.join(2 * LIMIT)
    for thread in [*workers, chaos, verifier]:
        if thread.is_alive():
            journal.violation("still at work", thread=thread.name)
    verify_logs(journal, env)
    print(f"in all: {figures(journal, env['sshd_log'])}")
    print(f"violations: {len(journal.violations)}", flush=True)
    return 1 if journal.violations else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.argv[1] == "policy":
        print_policy(sys.argv[2:])
    else:
        sys.exit(soak(os.environ, sys.argv[2:]))
