# tests: what the soak's logs may hold.  Three are read: sshd's, the sessions', and the private syslog, to
# which the PAM module writes.  An error in any of them must be explained by a kill.
import re

# sshd's own errors.
SSHD = re.compile(r"^(error|fatal):")
# What the sessions log at the level ERROR; their lines do not say the level.
SESSIONS = re.compile(
    r"cannot |not in the session table|running alone|session table in|does not (end|take)|bad message"
    r"|malformed|Unknown (message|extended)|built-in policy|: read:|: (read|write) \"[^\"]*\": "
)
# <priority>time name[pid]: text; the priorities up to 3 are errors, the rest of the number is the facility.
SYSLOG = re.compile(r"^<(\d+)>.*pam_sftp_drain\(")

# (text, victims, why): there may be as many such lines as such victims were killed.  A session that sshd was
# just starting when its own process or the monitor was killed finds neither above it: it runs alone, to
# the end of its input, which has come.
ORPHANED = "a session began under a killed sshd"
EXPLAINED = [
    (r"not in the session table: No such (process|file)", ["monitor", "sshd"], ORPHANED),
    (r"running alone: no connection to share \(No such process\)", ["monitor", "sshd"], ORPHANED),
]


def errors_of_syslog(lines):
    found = [(SYSLOG.match(line), line) for line in lines]
    return [line for match, line in found if match and int(match.group(1)) % 8 <= 3]


def read_lines(path):
    with open(path, errors="replace") as file:
        return [line.rstrip("\n") for line in file]


def verify_logs(journal, env):
    errors = [line for line in read_lines(env["sshd_log"]) if SSHD.search(line)]
    errors += [line for line in read_lines(env["sessions_log"]) if SESSIONS.search(line)]
    syslog = read_lines(env["syslog"])
    if not any(SYSLOG.match(line) for line in syslog):
        journal.violation("the PAM module has logged nothing, not even that it was there")
    errors += errors_of_syslog(syslog)
    for line in errors:
        if not any(re.search(text, line) for text, _, _ in EXPLAINED):
            journal.violation("an error in a log", line=line)
    for text, victims, why in EXPLAINED:
        count = sum(bool(re.search(text, line)) for line in errors)
        kills = sum(journal.counts[f"kill {victim}"] for victim in victims)
        journal.count(*[f"explained {why}"] * count)
        if count > kills:
            journal.violation("more errors than kills", line=text, errors=count, kills=kills)
