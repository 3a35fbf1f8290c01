/* bench: the table of scenarios, with the ratios that sftp-drain's server is to reach against
 * OpenSSH's on a machine with two processors. */
#include "bench.h"

#include "codec/sftp.h"

#define KIB 1024u

/* What a quick run leaves out. */
static const uint64_t quick_part = 8, quick_least = 16;

/* clang-format off */
const struct scenario scenarios[] = {
	{"read-32k", "sequential read, 32 KiB x 64", UNIT_MIB_S, 3.0, 0.30, bulk_run,
	    .type = SFTP_READ, .size = 32 * KIB, .in_flight = 64, .count = 24576},
	{"read-255k", "sequential read, 255 KiB x 16", UNIT_MIB_S, 4.0, 0.15, bulk_run,
	    .type = SFTP_READ, .size = 255 * KIB, .in_flight = 16, .count = 4096},
	{"write-32k", "sequential write, 32 KiB x 64", UNIT_MIB_S, 1.4, 0.65, bulk_run,
	    .type = SFTP_WRITE, .size = 32 * KIB, .in_flight = 64, .count = 16384},
	{"write-255k", "sequential write, 255 KiB x 16", UNIT_MIB_S, 2.0, 0.60, bulk_run,
	    .type = SFTP_WRITE, .size = 255 * KIB, .in_flight = 16, .count = 3084},
	{"read-random", "random read, 4 KiB x 64", UNIT_PER_S, 3.4, 0.30, bulk_run,
	    .type = SFTP_READ, .size = 4 * KIB, .in_flight = 64, .count = 150000, .random = true},
	{"small-put", "10,000 small files put, 64", UNIT_PER_S, 2.2, 0.40, small_run,
	    .type = SFTP_WRITE, .size = 4 * KIB, .in_flight = 64, .count = 10000},
	{"small-get", "10,000 small files got, 64", UNIT_PER_S, 2.2, 0.40, small_run,
	    .type = SFTP_READ, .size = 4 * KIB, .in_flight = 64, .count = 10000},
	{"small-put-one", "the same put, 1, one CPU", UNIT_PER_S, 1.2, 0.72, small_run,
	    .type = SFTP_WRITE, .size = 4 * KIB, .in_flight = 1, .count = 10000, .one_cpu = true},
	{"small-get-one", "the same got, 1, one CPU", UNIT_PER_S, 1.2, 0.72, small_run,
	    .type = SFTP_READ, .size = 4 * KIB, .in_flight = 1, .count = 10000, .one_cpu = true},
	{"stat", "stat x 64", UNIT_PER_S, 2.6, 0.30, names_run,
	    .type = SFTP_STAT, .in_flight = 64, .count = 150000},
	{"lstat", "lstat x 64", UNIT_PER_S, 2.6, 0.30, names_run,
	    .type = SFTP_LSTAT, .in_flight = 64, .count = 150000},
	{"realpath", "realpath x 64", UNIT_PER_S, 3.3, 0.27, names_run,
	    .type = SFTP_REALPATH, .in_flight = 64, .count = 100000},
	{"fstat-one", "fstat round trip, one CPU", UNIT_PER_S, 1.35, 0.65, fstat_run,
	    .type = SFTP_FSTAT, .in_flight = 1, .count = 50000, .one_cpu = true},
	{"readdir", "readdir, 100,000 names", UNIT_PER_S, 2.4, 0.42, readdir_run,
	    .type = SFTP_READDIR, .in_flight = 1, .count = 100000},
	{"copy-data", "copy-data, 256 MiB", UNIT_MIB_S, 1.0, 1.0, copy_run,
	    .type = SFTP_EXTENDED, .in_flight = 1, .count = 1},
	{"eight-read", "eight sessions reading", UNIT_MIB_S, 1.6, 0.5, bulk_run_many,
	    .type = SFTP_READ, .size = 32 * KIB, .in_flight = 64, .count = 4096, .sessions = 8},
	{"eight-write", "eight sessions writing", UNIT_MIB_S, 1.5, 0.8, bulk_run_many,
	    .type = SFTP_WRITE, .size = 32 * KIB, .in_flight = 64, .count = 2048, .sessions = 8},
	{"spawn", "spawn to VERSION", UNIT_PER_S, 1.05, 0.95, spawn_run,
	    .type = SFTP_INIT, .in_flight = 1, .count = 200},
	{"memory", "PSS each of 100 idle sessions", UNIT_KIB, 1.2, 0, memory_run,
	    .sessions = 100},
	{"slow-read", "random read, 5 ms away, x 64", UNIT_PER_S, 15, 1.5, slow_run,
	    .type = SFTP_READ, .size = 4 * KIB, .in_flight = 64, .count = 256, .random = true},
	{"slow-stat", "stat, 5 ms away, x 64", UNIT_PER_S, 15, 1.5, slow_run,
	    .type = SFTP_STAT, .in_flight = 64, .count = 256},
	{"sshd-get", "through sshd, get of 1 GiB", UNIT_MIB_S, 1.12, 0, through_run,
	    .type = SFTP_READ, .sessions = 1},
	{"sshd-put", "through sshd, put of 1 GiB", UNIT_MIB_S, 1.05, 0, through_run,
	    .type = SFTP_WRITE, .sessions = 1},
	{"sshd-get-eight", "the same, eight gets at once", UNIT_MIB_S, 1.12, 0, through_run,
	    .type = SFTP_READ, .sessions = 8},
	{"sshd-put-eight", "the same, eight puts at once", UNIT_MIB_S, 1.05, 0, through_run,
	    .type = SFTP_WRITE, .sessions = 8},
};
/* clang-format on */

const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

uint64_t scenario_work(const struct bench *bench, const struct scenario *scenario)
{
	uint64_t part = scenario->count / quick_part;

	if (!bench->quick)
		return scenario->count;
	return part < quick_least ? quick_least : part;
}
