/* unit tests: the operator's list of what is going on. */
#include "control_scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(list, .init = make_dirs, .fini = remove_dirs, .timeout = 30);

Test(list, nothing)
{
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "\"schema\": \"sftp-drain/1\"");
	EXPECT_IN(result.out, "\"host\": null");
	EXPECT_IN(result.out, "\"users\": []");
	EXPECT_IN(result.out, "\"connections\": []");
	cr_expect_eq(access(rundir, F_OK), -1, "looking made a table");
}

Test(list, a_broken_table_is_an_error)
{
	char path[128];
	int fd;

	open_connection();
	snprintf(path, sizeof(path), "%s/table", rundir);
	fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "x", 1, 0), 1);
	close(fd);
	run("list");
	EXPECT_STATUS(STATUS_ERROR);
	EXPECT_IN(result.err, "another version");
}

Test(list, plain)
{
	pid_t pid;
	char line[32];

	open_connection();
	run("list");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out,
	    "CONNECTION  USER      ADDRESS    PID  STATE  IDLE  READ  WRITTEN  FILES\n");
	EXPECT_IN(
	    result.out, "0.1         m\\033ila  192.0.2.7    -  open      -     -        -  -\n");
	pid = start_session(STAYS, 0);
	run("list");
	snprintf(line, sizeof(line), "%d  active", (int)pid);
	EXPECT_IN(result.out, line);
	EXPECT_IN(result.out, "1.5K       7B  a\\012\\042b 41% + 1 more\n");
	run("list -o requests,pid connection=0.1");
	snprintf(line, sizeof(line), "      42  %d\n", (int)pid);
	EXPECT_IN(result.out, line);
	run("list connection=0.2");
	EXPECT_STATUS(STATUS_DONE);
	cr_expect_str_empty(result.out);
	run("list user=%lu", (unsigned long)geteuid() + 1);
	cr_expect_str_empty(result.out);
}

Test(list, json)
{
	char line[64];

	open_connection();
	snprintf(line, sizeof(line), "\"pid\": %d,", (int)start_session(STAYS, 0));
	run("list --json");
	EXPECT_STATUS(STATUS_DONE);
	EXPECT_IN(result.out, "\"id\": \"0.1\"");
	EXPECT_IN(result.out, "\"user\": \"m\\u001bila\"");
	EXPECT_IN(result.out, "\"address\": \"192.0.2.7\"");
	EXPECT_IN(result.out, "\"state\": \"open\"");
	EXPECT_IN(result.out, "\"order\": null");
	EXPECT_IN(result.out, "\"deadline_ns\": null");
	EXPECT_IN(result.out, line);
	EXPECT_IN(result.out, "\"read_bytes\": 1536");
	EXPECT_IN(result.out, "\"path\": \"a\\u000a\\\"b\"");
	EXPECT_IN(result.out, "\"direction\": \"read\"");
	EXPECT_IN(result.out, "\"offset\": 410");
	EXPECT_IN(result.out, "\"path\": \"up\\ufffd.part\"");
	snprintf(line, sizeof(line), "\"monitor_pid\": %d,", (int)getpid());
	EXPECT_IN(result.out, line);
	cr_assert_eq(table_begin_closing(&table, ref), 0);
	run("list --json");
	EXPECT_IN(result.out, "\"state\": \"closing\"");
}

Test(list, orders_in_force)
{
	open_connection();
	run("close -q --drain now --deadline 260s --message b\"y");
	EXPECT_STATUS(STATUS_DONE);
	run("close -q user=%lu", (unsigned long)geteuid());
	EXPECT_STATUS(STATUS_DONE);
	run("list");
	EXPECT_IN(result.out, "host draining: drain now, deadline in 4m 1");
	EXPECT_IN(result.out, "s, \"b\\042y\"\n");
	EXPECT_IN(
	    result.out, " draining: drain as each policy says, deadline as each policy says\n");
	EXPECT_IN(result.out, "  draining");
	run("list --json");
	EXPECT_IN(result.out, "\"drain\": \"now\"");
	EXPECT_IN(result.out, "\"drain\": \"policy\"");
	EXPECT_IN(result.out, "\"message\": \"b\\\"y\"");
	EXPECT_IN(result.out, "\"state\": \"draining\"");
	EXPECT_IN(result.out, "\"order\": null");
	EXPECT_NOT_IN(result.out, "\"host\": null");
	EXPECT_NOT_IN(result.out, "\"users\": []");
	run("list -o deadline");
	EXPECT_IN(result.out, "4m 1");
}

Test(list, orders_pass_over_the_admitted)
{
	open_connection();
	run("close -q");
	newcomers_get = POLICY_ADMIT;
	open_connection();
	run("list -o connection,state");
	EXPECT_IN(result.out, "0.1         draining\n1.1         open\n");
}

Test(list, others_see_no_sessions)
{
	if (geteuid() != 0)
		cr_skip_test("takes root");
	open_connection();
	start_session(STAYS, 0);
	cr_expect_eq(status_as_nobody("list", "192.0.2.7    -  open "), STATUS_DONE);
	cr_expect_eq(status_as_nobody("list --json", "\"sessions\": null"), STATUS_DONE);
	cr_expect_eq(status_as_nobody("wait", "for root and that user to see"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("close", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("reopen", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("close connection=0.1", "takes root"), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("abort", "abort: "), STATUS_ERROR);
	cr_expect_eq(status_as_nobody("abort connection=0.1", "takes root"), STATUS_ERROR);
}
