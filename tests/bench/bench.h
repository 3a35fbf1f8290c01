/* bench: what the scenarios share: the two servers, the scratch directory, the table of scenarios.
 * A scenario measures one server once; who is first, how often and what follows from it is decided
 * by run.c.  Never fails because something is slow. */
#ifndef SD_BENCH_BENCH_H
#define SD_BENCH_BENCH_H

#include "membership.h"
#include "place.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SIDES 2
#define PROBLEM_MAX 512

/* One of the two servers. */
struct side {
	char letter;      /* A or B */
	const char *text; /* the command as given */
	char **argv;      /* the same, split and filled in; owned */
};

struct bench {
	struct side sides[SIDES];
	unsigned rounds;
	bool quick;
	struct place large, small; /* for large files, and for small ones and for names */
	struct membership_place membership;
	uint64_t phase;            /* of what is written next: never the same twice */
	struct script *sshd;       /* through.c's, from its first use to the end */
	pid_t slow_pid;            /* slow.c's: the file system, or 0 */
	char problem[PROBLEM_MAX]; /* why the last call failed or was skipped */
};

/* One measurement of one server. */
struct sample {
	double amount;  /* of the scenario's unit: bytes, requests, names; or the value itself */
	double seconds; /* in which that was done; 0: the amount is a value, not a speed */
	double cpu;     /* the server's user and system time in seconds; negative: not measured */
};

enum unit {
	UNIT_MIB_S, /* amount in bytes */
	UNIT_PER_S, /* amount in requests, files, names */
	UNIT_KIB,   /* amount in KiB; less is better */
};

/* What a scenario's functions return: one of these, or a negative errno with bench->problem. */
enum { BENCH_DONE = 0, BENCH_SKIPPED = 1 };

struct scenario {
	const char *name; /* for --only and JSON */
	const char *title;
	enum unit unit;
	double speed_target; /* at least, as a ratio of the two servers; 0: none */
	double cpu_target;   /* at most; 0: none */
	/* Measures one server.  What it needs it makes at its first run, in the scratch
	 * directory. */
	int (*run)(struct bench *bench, const struct scenario *scenario, const struct side *side,
	    struct sample *out);
	uint64_t count;     /* requests, files or names; of sessions each */
	uint32_t size;      /* of a request's data in bytes */
	unsigned in_flight; /* requests, or files, at a time */
	unsigned sessions;
	uint8_t type; /* SFTP_... where the family has several */
	bool one_cpu; /* client and server share one */
	bool random;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* The count of a scenario, less when the bench is to be quick. */
uint64_t scenario_work(const struct bench *bench, const struct scenario *scenario);

/* Fills bench->problem and returns error. */
int bench_fail(struct bench *bench, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The families of scenarios. */
int bulk_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int bulk_run_many(struct bench *, const struct scenario *, const struct side *, struct sample *);
int copy_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int small_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int names_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int fstat_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int readdir_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int spawn_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int memory_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int slow_run(struct bench *, const struct scenario *, const struct side *, struct sample *);
int through_run(struct bench *, const struct scenario *, const struct side *, struct sample *);

/* Ends what they left running; may be called when they did not. */
void slow_end(struct bench *bench);
void through_end(struct bench *bench);

#endif
