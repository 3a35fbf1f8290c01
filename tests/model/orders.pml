/* tests: a model of an order_cell (module/table/order.h): writers, who may be killed at any step, and
 * readers, who wait for nobody.  Checked by run.sh, as membership.pml.
 *
 * A slot is two words here, and copied word by word: what memcpy(3) may do.  WRITERS and READERS; TRIES of a
 * reader; NO_LOCK is the mutation. */
#define WRITERS 3
#define READERS 1
#define TRIES 3

byte version;
typedef slot { byte first, second };
slot slots[2];
bool locked; /* LOCK_WRITERS */
byte killed; /* a writer */

proctype writer(byte value)
{
	byte before;
	bool holds;

	{
		/* lock_writers */
#ifndef NO_LOCK
		atomic { !locked -> locked = true; holds = true };
#endif
		/* order_write */
		before = version;
		slots[(before + 1) & 1].first = value;
		slots[(before + 1) & 1].second = value;
		version = before + 1;
		/* unlock_writers */
		atomic {
			if
			:: holds -> locked = false; holds = false
			:: else
			fi
		}
	} unless {
		atomic { killed == value ->
			if
			:: holds -> locked = false
			:: else
			fi }
	}
}

proctype reader()
{
	byte before, tries, first, second;

	/* order_read */
	do
	:: tries < TRIES ->
		before = version;
		first = slots[before & 1].first;
		second = slots[before & 1].second;
		if
		:: atomic { version == before -> assert(first == second); break }
		:: version != before -> tries++
		fi
	:: tries == TRIES -> break
	od
}

/* One writer is killed, at any step; or none is. */
active proctype fate()
{
	byte k;

	select (k : 1 .. WRITERS + 1);
	killed = k
}

active proctype judge()
{
	timeout;
	/* The dead have changed nothing or all of it, and are in nobody's way. */
	assert(!locked && slots[version & 1].first == slots[version & 1].second);
	assert(version == WRITERS || (killed <= WRITERS && version == WRITERS - 1))
}

init {
	byte k;

	atomic {
		for (k : 1 .. WRITERS) {
			run writer(k)
		};
		for (k : 1 .. READERS) {
			run reader()
		}
	}
}
