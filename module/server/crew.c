/* server: threads for slow file systems.  A job that is not alone touches nothing but itself, handles that
 * nobody changes meanwhile, and the log. */
#include "server/crew.h"

#include "codec/sftp.h"
#include "server/dispatch.h"
#include "server/signals.h"
#include "util/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS 32
#define JOBS 64
/* Of replies that are awaited. */
#define BYTES (8u << 20)
/* Enough for a few paths, a line of the log and the buffer of copy-data. */
#define STACK_BYTES (256u << 10)

struct crew {
	struct server *server;
	int event;
	pthread_mutex_t mutex;
	pthread_cond_t work; /* there is a job, or the end has come */
	bool ends;
	pthread_t threads[THREADS];
	unsigned int thread_count, idle_count;
	/* Jobs by age: oldest, the next that nobody has begun, one past the youngest. */
	struct crew_job *jobs[JOBS];
	size_t oldest, next, youngest;
	size_t bytes;
};

struct crew *crew_new(struct server *server)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (crew == NULL)
		return NULL;
	crew->server = server;
	crew->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (crew->event < 0) {
		free(crew);
		return NULL;
	}
	pthread_mutex_init(&crew->mutex, NULL);
	pthread_cond_init(&crew->work, NULL);
	return crew;
}

void crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->ends = true;
	pthread_cond_broadcast(&crew->work);
	pthread_mutex_unlock(&crew->mutex);
	for (unsigned int i = 0; i < crew->thread_count; i++)
		pthread_join(crew->threads[i], NULL);
	while (crew->oldest != crew->youngest)
		free(crew->jobs[crew->oldest++ % JOBS]);
	pthread_cond_destroy(&crew->work);
	pthread_mutex_destroy(&crew->mutex);
	close(crew->event);
	free(crew);
}

int crew_fd(const struct crew *crew)
{
	return crew->event;
}

static void carry_out(struct server *server, struct crew_job *job)
{
	uint64_t start = clock_now_ns();

	job->rc =
	    dispatch_carry_out(server, &job->request, job->packet, job->packet_len, &job->reply);
	job->reply_len = job->rc == 0 ? reply_end(&job->reply) : 0;
	job->took_ns = clock_now_ns() - start;
}

static void *work(void *argument)
{
	static const uint64_t one = 1;
	struct crew *crew = argument;

	pthread_mutex_lock(&crew->mutex);
	while (!crew->ends) {
		struct crew_job *job;

		if (crew->next == crew->youngest) {
			crew->idle_count++;
			pthread_cond_wait(&crew->work, &crew->mutex);
			crew->idle_count--;
			continue;
		}
		job = crew->jobs[crew->next++ % JOBS];
		pthread_mutex_unlock(&crew->mutex);
		carry_out(crew->server, job);
		pthread_mutex_lock(&crew->mutex);
		job->done = true;
		if (job == crew->jobs[crew->oldest % JOBS])
			(void)!write(crew->event, &one, sizeof(one));
	}
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

/* One thread more when those that wait are too few for one job more.  The session minds the signals, not
 * they. */
static void add_thread(struct crew *crew)
{
	pthread_attr_t attributes;

	if (crew->idle_count > crew->youngest - crew->next || crew->thread_count == THREADS ||
	    pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	signals_block();
	if (pthread_create(&crew->threads[crew->thread_count], &attributes, work, crew) == 0)
		crew->thread_count++;
	signals_unblock();
	pthread_attr_destroy(&attributes);
}

int crew_submit(struct crew *crew, const uint8_t *packet, size_t len)
{
	size_t cap = dispatch_reply_most(packet, len);
	struct crew_job *job;
	int rc;

	pthread_mutex_lock(&crew->mutex);
	rc = crew->youngest - crew->oldest == JOBS || (crew->bytes > 0 && crew->bytes + cap > BYTES)
		 ? -EAGAIN
		 : 0;
	pthread_mutex_unlock(&crew->mutex);
	if (rc != 0)
		return rc;
	job = malloc(sizeof(*job) + cap + len);
	if (job == NULL)
		return -ENOMEM;
	memset(job, 0, offsetof(struct crew_job, request));
	job->packet_len = len;
	job->packet = job->out + cap;
	memcpy(job->packet, packet, len);
	reply_begin(&job->reply, 0, job->out, cap);
	job->reply.apart = true;
	pthread_mutex_lock(&crew->mutex);
	add_thread(crew);
	rc = crew->thread_count == 0 ? -EAGAIN : 0;
	if (rc == 0) {
		crew->jobs[crew->youngest++ % JOBS] = job;
		crew->bytes += cap;
		pthread_cond_signal(&crew->work);
	}
	pthread_mutex_unlock(&crew->mutex);
	if (rc != 0)
		free(job);
	return rc;
}

size_t crew_jobs(const struct crew *crew)
{
	/* Only the session itself changes them. */
	return crew->youngest - crew->oldest;
}

const struct crew_job *crew_oldest(struct crew *crew)
{
	const struct crew_job *job = NULL;
	uint64_t count;

	pthread_mutex_lock(&crew->mutex);
	if (crew->oldest != crew->youngest && crew->jobs[crew->oldest % JOBS]->done)
		job = crew->jobs[crew->oldest % JOBS];
	else
		(void)!read(crew->event, &count, sizeof(count));
	pthread_mutex_unlock(&crew->mutex);
	return job;
}

void crew_collect(struct crew *crew)
{
	struct crew_job *job = crew->jobs[crew->oldest % JOBS];

	pthread_mutex_lock(&crew->mutex);
	crew->oldest++;
	crew->bytes -= job->reply.writer.cap;
	pthread_mutex_unlock(&crew->mutex);
	free(job);
}
