/* tests: a model of one connection: its sessions, the last one out and its closer, sshd, the PAM module, a
 * login elsewhere that reaps, and an operator.  run.sh checks it; HACKING.md says how to read it.
 *
 * Each atomic block is one indivisible step of the code: one fcntl(2) on one byte, one atomic load or
 * store.  With it stand only what the process then decides by itself, and the model's own notes (the
 * ghosts), which no step of the code reads.
 *
 * Waiting is a guard here, not a loop, and a limit that passes is a choice that can be made at any time.
 * So every run is finite, "it ends" means that no run stops short of it, and no fairness is assumed.
 *
 * Defined from outside:  CRASHES  processes that SIGKILL takes, each at any step
 *     STOPS    limits that pass because somebody else is stopped for so long
 *     CHANGES  of the operator: order, reopen, order, ...
 *     PAM      the PAM module, the login elsewhere, and a client that may go at any time, are there
 *     CLOSE_LAST  the policy is close = "last", not "client"
 *     GUARD    sessions that see an order see to a guard; otherwise there is none, as when its fork fails
 * and the mutations: run.sh. */
#ifndef N
#define N 3 /* sessions */
#endif
#define EVERYBODY ((1 << N) - 1)
#define BIT(i) (1 << (i))
#define NOBODY 7

#ifdef CLOSE_LAST
#define POLICY_CLOSES true
#else
#define POLICY_CLOSES false
#endif

mtype = { FREE, CLAIMING, OPEN, CLOSING, RELEASING, REAPING };

/* The kernel's locks, as sets of open file descriptions.  Description i is session i's, and its closer's,
 * which shares it once it is forked. */
byte rd, wr;     /* LOCK_MEMBERS */
byte leaver = NOBODY; /* LOCK_LEAVERS */
byte refusing;   /* LOCK_REFUSED */
byte listed;     /* a row's lock, and the row names its holder: whom root can signal */
byte session_has, closer_has;
#ifdef GUARD
/* LOCK_GUARD, which is its process's.  The guard that a session has forked has description N; one that was
 * the closer keeps its own. */
byte guard = NOBODY;
byte newborn = NOBODY; /* whose description one shares that is forked and has not come to members_reopen */
#define SHARES(i) (newborn == i)
#define BORN(i) newborn = (newborn == N && i == N -> NOBODY : newborn)
#define HAS_GUARD (guard != NOBODY || newborn != NOBODY)
#else
#define SHARES(i) false
#define HAS_GUARD false
#endif
#define OTHERS_HOLD(i) ((rd | wr) & ~BIT(i))
#define OTHERS_WRITE(i) (wr & ~BIT(i))
#define MEMBERS_ANY ((rd | wr) != 0)

/* The members file. */
bool has_name = true, gate_closing;

/* The table. */
mtype word = OPEN;
bool next_generation;
bool order_active;
byte moved = EVERYBODY;  /* who has not seen order_epoch as it is now */
bool marked;             /* ORDER_EPOCH_MARK */

/* Processes. */
byte started;  /* sessions that sshd has begun to start */
byte children; /* sessions whose process lives: children of sshd */
bool sshd_alive = true;
byte woken;    /* SIGURG is pending */
byte killed, killed_closers;
bool monitor_killed, operator_killed, login_killed;
byte crashes, stops;

/* Ghosts. */
byte inside;    /* admitted, and not yet on the way out */
byte leaving;   /* between letting go and the last try in members_try_last */
byte unknown;   /* sshd's children that may be anything: not yet come to the lock, or running alone */
bool unnoticed; /* somebody has been a member, and there was no last one out since */
bool released;  /* the entry has been given up */
byte telling;   /* who is in the middle of a change */
#define OPERATOR 1
#define MONITOR 2
bool owed;      /* an order has met somebody inside: it owes the connection's end */
bool kept;      /* a closer has found the connection in use by something else */
bool excused;   /* somebody was killed who was the guard, or had none beside him: the order is to be given again */

/* The last close(2) of a description, by whoever had it, or their deaths. */
inline drop_description(i)
{
	if
	:: ((session_has | closer_has) & BIT(i)) == 0 && !SHARES(i) ->
		rd = rd & ~BIT(i);
		wr = wr & ~BIT(i);
		refusing = refusing & ~BIT(i);
		moved = moved & ~BIT(i);
		leaver = (leaver == i -> NOBODY : leaver);
	:: else
	fi
}

/* G3: who goes without being the last one out leaves somebody behind who will be. */
inline expect_heir()
{
	assert(!unnoticed || (rd | wr | leaving) != 0 || HAS_GUARD || !sshd_alive || released)
}

/* Unless that one is killed. */
inline excuse_heir()
{
	if
	:: (rd | wr | leaving) == 0 && !HAS_GUARD -> unnoticed = false
	:: else
	fi
}

/* Somebody is killed: description k's closer, or N + 1, a session. */
inline excuse_order(k)
{
#ifdef GUARD
	excused = excused || guard == k || newborn == k || !HAS_GUARD;
	guard = (guard == k -> NOBODY : guard);
	newborn = (newborn == k && k == N -> NOBODY : newborn)
#else
	skip
#endif
}

/* A description of the guard's own, instead of its parent's. */
inline members_reopen()
{
#ifndef SHARED
	if
	:: newborn == 0 -> newborn = N; drop_description(0)
	:: newborn == 1 -> newborn = N; drop_description(1)
#if N > 2
	:: newborn == 2 -> newborn = N; drop_description(2)
#endif
	fi
#else
	skip
#endif
}

inline kill_session(k)
{
	excuse_order(N + 1);
	killed = killed | BIT(k);
	inside = inside & ~BIT(k);
	leaving = leaving & ~BIT(k);
	listed = listed & ~BIT(k);
	woken = woken & ~BIT(k);
	unknown = unknown & ~BIT(k);
	children = children & ~BIT(k);
	session_has = session_has & ~BIT(k);
	drop_description(k);
	excuse_heir()
}

inline kill_closer(k)
{
	excuse_order(k);
	killed_closers = killed_closers | BIT(k);
	closer_has = closer_has & ~BIT(k);
	leaving = leaving & ~BIT(k);
	drop_description(k);
	excuse_heir()
}

#define LIMIT_CAN_PASS (stops < STOPS)

/* session_update, up to its last step: orders_moved has found that the epoch moved; table_connection_state, a
 * load of the word, then one of the generation.  read_orders is the caller's next step, with what he makes of
 * it.  At a marked epoch each look reads; those that would find the same are left out.  Orders of several scopes are read one after the other like one; an order_cell from within is modelled
 * in orders.pml. */
#define EPOCH_MOVED(i) ((moved & BIT(i)) != 0 || (marked && plan != order_active))
/* Who finds it unmoved knows the order in force. */
#define KNOWS_ORDER assert(plan == order_active)
inline session_update(i)
{
	atomic { moved = moved & ~BIT(i); woken = woken & ~BIT(i) };
#ifdef PAM
#if defined(ONLY_CLOSING_ENDS)
	ends = (word == CLOSING);
	ends = (ends && !next_generation);
#elif defined(GENERATION_FIRST)
	ends = next_generation;
	ends = (ends || word != OPEN);
#else
	ends = (word != OPEN);
	ends = (ends || next_generation);
#endif
#endif
}

/* SIGURG for each row that is held, found one after the other.  An idle session looks only when it is woken:
 * after this, whoever has not yet seen what there is to see will. */
inline members_signal_all(who)
{
	do
	:: atomic { (listed >> j) != 0 ->
		do
		:: (listed & BIT(j)) == 0 -> j++
		:: else -> break
		od;
		woken = woken | BIT(j); j++ }
	:: atomic { (listed >> j) == 0 ->
#ifdef GUARD
		/* signal_guard */
		woken = woken | (guard != NOBODY -> BIT(guard) : 0);
#endif
		j = 0; telling = telling & ~who;
		assert(telling != 0 || (inside & moved & ~woken) == 0);
		break }
	od
}

/* members_try_last; goes to out or to last_one.  In turn, so that converting, which is one step, comes to the
 * last one, and nobody sees a moment without anybody.  But whoever has waited for his turn too long goes
 * without it; and then both may have been refused because of each other.  So the lock is let go, and then
 * asked for anew. */
#define WIN(i) wr = wr | BIT(i); unnoticed = false; assert(inside == 0); assert(wr == BIT(i)); \
	if \
	:: gate_closing \
	:: else -> goto winner /* nobody else can change it now */ \
	fi
inline members_try_last(i)
{
	if
#ifdef NO_TURNS
	:: true
#else
	:: atomic { leaver == NOBODY -> leaver = i }
	:: atomic { leaver != NOBODY && LIMIT_CAN_PASS -> stops++; goto loser }
#endif
	fi;
	if
	:: atomic { OTHERS_HOLD(i) == 0 -> rd = rd & ~BIT(i); WIN(i) }
	:: atomic { OTHERS_HOLD(i) != 0 };
loser:
		atomic { rd = rd & ~BIT(i);
			assert(crashes > 0 || stops > 0 || MEMBERS_ANY || !sshd_alive || released);
			leaving = leaving | BIT(i) };
#ifdef TRY_ONCE
		atomic { leaving = leaving & ~BIT(i); leaver = (leaver == i -> NOBODY : leaver); goto out }
#else
		if
		:: atomic { OTHERS_HOLD(i) != 0 -> leaving = leaving & ~BIT(i);
			if
			:: leaver == i
			:: else -> goto out
			fi };
			atomic { leaver = NOBODY; goto out }
		:: atomic { OTHERS_HOLD(i) == 0 -> leaving = leaving & ~BIT(i); WIN(i) }
		fi
#endif
	fi;
	/* What a closer that was killed said is not true of us. */
	gate_closing = false;
winner:
	atomic { leaver = (leaver == i -> NOBODY : leaver); goto last_one }
}

/* members_leave: end_row */
#define END_ROW(i) inside = inside & ~BIT(i); listed = listed & ~BIT(i); woken = woken & ~BIT(i)

/* One of sshd's commands on this connection, from its start to its end.  The sessions are alike, so it is
 * nothing which of them comes first: they start in turn. */
proctype session(byte i)
{
	bool plan, ends;

end_not_begun:
	{
		atomic { started == i && sshd_alive ->
			started++; children = children | BIT(i); unknown = unknown | BIT(i);
			session_has = session_has | BIT(i) };
#ifdef PAM
		/* find_registered: table_find_connection, then members_open.  Otherwise it runs alone. */
		if
		:: atomic { (word == OPEN || word == CLOSING) && !next_generation }
		:: atomic { else -> goto out }
		fi;
		if
		:: atomic { has_name }
		:: atomic { else -> goto out }
		fi;
#endif
#ifdef ORDERS_FIRST
		session_update(i);
		plan = order_active;
#endif
		/* members_join: lock_membership */
again:
		if
#ifdef NO_LOCK
		:: atomic { unknown = unknown & ~BIT(i); unnoticed = true }
#else
		:: atomic { OTHERS_WRITE(i) == 0 ->
			rd = rd | BIT(i); unknown = unknown & ~BIT(i); unnoticed = true;
			if
			:: gate_closing
			:: else -> goto joined /* nobody can change it while we have the lock */
			fi };
			/* It is of a closer that died. */
			gate_closing = false
		:: atomic { OTHERS_WRITE(i) != 0 -> unknown = unknown & ~BIT(i) };
#ifdef NO_GATE
			OTHERS_WRITE(i) == 0 -> goto again
#else
			if
			:: atomic { gate_closing -> goto gate }
			:: atomic { !gate_closing }
			fi;
			if
			:: atomic { OTHERS_WRITE(i) == 0 || gate_closing -> goto again }
			:: atomic { LIMIT_CAN_PASS -> stops++; unknown = unknown | BIT(i); goto out }
			fi
#endif
#endif
		fi;
joined:
#ifdef PAM
		/* has_name */
		if
		:: atomic { has_name }
		:: atomic { else -> rd = rd & ~BIT(i); goto out }
		fi;
#endif
		/* claim_row, begin_row */
		listed = listed | BIT(i);
		/* check_admission */
#ifndef ORDERS_FIRST
		session_update(i);
#endif
		atomic {
#ifndef ORDERS_FIRST
			plan = order_active;
#endif
			if
			:: plan || ends
			:: else -> assert(!released); inside = inside | BIT(i); goto serve
			fi
		};
		/* turn_away: members_show_refused */
		atomic { refusing = refusing | BIT(i); goto leave };

		/* engine.c: mind_orders, and the wait.  The client goes on for as long as it wants; what has been
		 * ordered is due at its deadline at the latest. */
serve:
		if
		:: atomic { EPOCH_MOVED(i) }; session_update(i);
			atomic {
				plan = order_active;
				if
				:: ends
#ifdef GUARD
				:: !ends && plan -> goto ordered
				:: !ends && !plan -> goto serve
#else
				:: else -> goto serve
#endif
				fi
			}
		:: atomic { END_ROW(i); goto left }
		fi;

leave:
		atomic { END_ROW(i); goto left };
#ifdef GUARD
		/* closer_guard: members_has_guard, fork_off */
ordered:
		if
		:: atomic { HAS_GUARD }
		:: atomic { !HAS_GUARD && ((closer_has | killed_closers) & BIT(N)) == 0 -> newborn = i; run closer(N, plan) }
		fi;
		goto serve;
#endif
left:
		members_try_last(i);

		/* closer_start: look */
last_one:
#if defined(PAM) || defined(GUARD)
		if
		:: atomic { sshd_alive }
		:: atomic { !sshd_alive -> goto out }
		fi;
#endif
		if
		:: atomic { EPOCH_MOVED(i) }; session_update(i);
			atomic {
				plan = order_active;
				if
				:: !ends && (plan || POLICY_CLOSES)
				:: else -> goto out
				fi
			}
		:: atomic { !EPOCH_MOVED(i) ->
			KNOWS_ORDER;
			if
			:: !ends && (plan || POLICY_CLOSES)
			:: else -> goto out
			fi }
		fi;
		atomic { closer_has = closer_has | BIT(i); run closer(i, plan) };
		/* session_free */
		atomic { session_has = session_has & ~BIT(i); drop_description(i); goto out };

		/* join_members: is the close being taken back? */
gate:
		if
		:: atomic { EPOCH_MOVED(i) }; session_update(i);
			atomic {
				plan = order_active;
				if
				:: plan || ends || POLICY_CLOSES -> goto refused
				:: else
				fi
			}
		:: atomic { !EPOCH_MOVED(i) ->
			KNOWS_ORDER;
			if
			:: plan || ends || POLICY_CLOSES -> goto refused
			:: else
			fi }
		fi;
		if
		:: atomic { OTHERS_WRITE(i) == 0 || !gate_closing || EPOCH_MOVED(i) -> goto again }
		:: atomic { operator_killed }
		:: atomic { LIMIT_CAN_PASS -> stops++ }
		fi;
refused:
		refusing = refusing | BIT(i);

		/* The end, of the process too; who is alone has run until here. */
out:
		atomic {
			unknown = unknown & ~BIT(i);
			children = children & ~BIT(i);
			session_has = session_has & ~BIT(i);
			drop_description(i);
			plan = false; ends = false;
			expect_heir()
		}
	} unless { atomic { (killed & BIT(i)) -> killed = killed & ~BIT(i); plan = false; ends = false } }
}

/* closer.c: look, at each tick of a wait.  It can only say something new when there is NEWS, so a wait is
 * left without NEWS, or looks and waits on. */
#if defined(PAM) || defined(GUARD)
#define NEWS(i) (EPOCH_MOVED(i) || !sshd_alive)
#else
#define NEWS(i) EPOCH_MOVED(i)
#endif
inline look(i)
{
	if
#if defined(PAM) || defined(GUARD)
	:: atomic { !sshd_alive -> goto out }
#endif
	:: atomic { EPOCH_MOVED(i) };
		session_update(i);
		atomic {
			plan = order_active;
			if
			:: ends -> goto out
			:: !ends && !plan && !POLICY_CLOSES -> goto called_off
			:: else
			fi
		}
	fi
}

/* Forked by the last one out; or as the guard, with i = N, by a session that saw an order.  One guard is
 * forked at a time, and one that has resigned is out of the way first: there is one description for them. */
proctype closer(byte i; bool plan)
{
	bool ends;

	{
#ifdef GUARD
		if
		:: atomic { i == N ->
			/* run_guard: members_reopen */
			closer_has = closer_has | BIT(N); moved = moved | BIT(N); members_reopen() };
stand:
			/* members_become_guard */
			if
			:: atomic { guard == NOBODY -> guard = i; BORN(i); goto watch }
			:: atomic { guard != NOBODY -> BORN(i); goto finish }
			fi
		:: atomic { i != N }
		fi;
begin:
#endif
		/* closing_run: members_begin_closing */
		if
		:: atomic { !POLICY_CLOSES || plan -> gate_closing = true }
		:: atomic { POLICY_CLOSES && !plan }
		fi;
		/* await_exit */
		do
		:: look(i)
		:: atomic { !NEWS(i) && (i == N || (children & BIT(i)) == 0) ->
			/* linger */
			if
			:: POLICY_CLOSES && !plan -> break
			:: else -> goto last_one
			fi }
		:: atomic { LIMIT_CAN_PASS -> stops++; goto called_off }
		od;
		/* members_resume; the gate has not been closed yet */
		atomic { wr = wr & ~BIT(i); rd = rd | BIT(i) };
		do
		:: look(i)
		:: atomic { !NEWS(i) -> break }
		od;
		members_try_last(i);
last_one:
		/* members_begin_closing, if it has not been done yet */
		if
#ifdef GATE_LEFT_OPEN
		:: atomic { !gate_closing }
#else
		:: atomic { !gate_closing -> gate_closing = true }
#endif
		:: atomic { gate_closing }
		fi;
		/* The rest of linger; settle.  Asking once is as good as asking again and again. */
settle:
		do
		:: look(i)
		:: atomic { !NEWS(i) -> break }
		od;
		/* look_for_others: who may be a shell; who is a session that is being refused is waited for. */
		if
		:: atomic { children == 0 }
		:: atomic { (children & unknown) != 0 -> kept = true; goto keep }
		:: atomic { children != 0 && LIMIT_CAN_PASS -> stops++; kept = true; goto keep }
		:: atomic { NEWS(i) -> goto settle }
		fi;
		/* end_connection.  The signal is the end: it cannot be taken back. */
		atomic { assert(inside == 0); assert(OTHERS_HOLD(i) == 0); sshd_alive = false; goto out };
keep:
#ifdef GUARD
		/* run_closer: members_become_guard */
		if
		:: atomic { guard == i }
#ifdef KEPT_AND_GO
		:: atomic { guard != i -> goto called_off }
#else
		:: atomic { guard == NOBODY -> guard = i }
		:: atomic { guard != i && guard != NOBODY -> goto called_off }
#endif
		fi;
		/* members_stop_closing */
		gate_closing = false;
		wr = wr & ~BIT(i);
		/* await_others */
		atomic { children == 0 || (woken & BIT(i)) != 0 || !sshd_alive -> woken = woken & ~BIT(i) };
		/* guard: closing_look */
watch:
		do
		:: look(i)
		:: atomic { !NEWS(i) -> break }
		od;
		/* members_wait_last */
		if
		:: atomic { OTHERS_HOLD(i) == 0 -> wr = wr | BIT(i); unnoticed = false;
			assert(inside == 0); assert(wr == BIT(i)) }
		:: atomic { (woken & BIT(i)) != 0 -> woken = woken & ~BIT(i); goto watch }
		fi;
		atomic { gate_closing = false; goto begin };
#endif
called_off:
#ifdef GUARD
		/* members_resign_guard; then one more look, for a session or closer that has found a guard counts on it */
		if
		:: atomic { guard == i -> guard = NOBODY };
#ifndef GO_AT_ONCE
			if
			:: atomic { EPOCH_MOVED(i) }; session_update(i);
				atomic {
					plan = order_active;
					if
					:: !ends && plan -> goto stand
					:: else
					fi
				}
			:: atomic { !EPOCH_MOVED(i) }
			fi
#endif
		:: atomic { guard != i }
		fi;
#endif
finish:
		/* finish: convert, in members_try_last */
		if
		:: atomic { (wr & BIT(i)) != 0 -> gate_closing = false }
		:: atomic { (wr & BIT(i)) == 0 }
		fi;
#ifdef RESUME_AND_GO
		atomic { wr = wr & ~BIT(i); rd = rd | BIT(i) };
#endif
out:
		atomic { closer_has = closer_has & ~BIT(i); drop_description(i);
#ifdef GUARD
			guard = (guard == i -> NOBODY : guard); woken = woken & ~BIT(i);
			if
			:: i == N && OTHERS_HOLD(i) == 0 -> unnoticed = false
			:: else
			fi;
#endif
			plan = false; ends = false; expect_heir() }
	} unless { atomic { (killed_closers & BIT(i)) ->
		killed_closers = killed_closers & ~BIT(i); plan = false; ends = false } }
}

#ifdef PAM
inline give_up_entry()
{
	assert(inside == 0);
	released = true
}

/* The PAM module in the connection's monitor: register_close, and forget. */
active proctype monitor()
{
	byte j;

end_unneeded:
	{
		!sshd_alive;
		/* table_begin_closing */
		atomic { word = CLOSING; telling = telling | MONITOR };
		moved = moved | session_has | closer_has;
		/* hold_until_gone */
		members_signal_all(MONITOR);
		if
		:: atomic { !MEMBERS_ANY -> goto gone }
		:: atomic { MEMBERS_ANY && LIMIT_CAN_PASS -> stops++ }
		fi;
		/* SIGKILL for whoever is listed; more cannot be done. */
		do
		:: atomic { j < N ->
			if
			:: (listed & BIT(j)) -> kill_session(j)
			:: else
			fi;
			j++ }
		:: atomic { j == N -> j = 0; break }
		od;
gone:
		/* table_release, members_remove */
		atomic { word = RELEASING; give_up_entry() };
		moved = moved | session_has | closer_has;
		word = FREE;
		moved = moved | session_has | closer_has;
		has_name = false
	} unless { monitor_killed }
}

/* A login elsewhere that comes to this entry: table_claim, and table_reap when the owner is dead. */
active proctype login()
{
	mtype was;

end_unneeded:
	{
		if
		:: atomic { monitor_killed && word != FREE -> was = word };
			/* has_members */
end_members:
			if
			:: atomic { has_name && !MEMBERS_ANY }
			fi;
			if
			:: atomic { word == was -> word = REAPING }
			:: atomic { word != was -> goto over }
			fi;
#ifndef REAP_BLINDLY
			/* has_members, now that nobody is admitted any more */
			if
			:: atomic { MEMBERS_ANY }; word = was; goto over
			:: atomic { !MEMBERS_ANY -> give_up_entry() }
			fi;
#else
			give_up_entry();
#endif
			has_name = false;
			word = FREE
		:: atomic { word == FREE }
		fi;
		/* claim_slot, the generation, table_publish */
		atomic { word == FREE -> word = CLAIMING };
		next_generation = true;
		word = OPEN;
		moved = moved | session_has | closer_has;
over:		skip
	} unless { login_killed }
}
#endif

#if CHANGES > 0
/* The operator: table_order and table_reopen in turn, and the waking.  A mark that is there stays until a change
 * is completed. */
active proctype operator()
{
	byte j, changes;

end_enough:
	do
	:: atomic { changes < CHANGES && !operator_killed ->
#ifdef NO_MARK
		/* order_write: the version */
		order_active = !order_active; changes++; telling = telling | OPERATOR; owed = false };
		{
#else
		/* lock_writers: the mark */
		marked = true; moved = moved | session_has | closer_has; changes++; telling = telling | OPERATOR };
		{
			/* order_write: the version */
			atomic { order_active = !order_active; owed = false };
#endif
			/* unlock_writers: the epoch */
			atomic { marked = false; moved = moved | session_has | closer_has;
				owed = (order_active && inside != 0) };
			/* scope_wake */
			members_signal_all(OPERATOR)
		} unless { operator_killed }
	od
}
#endif

#if CRASHES > 0
/* SIGKILL, for anybody, at any step. */
#define CAN_CRASH crashes < CRASHES
#define SESSION_CAN_CRASH(k) atomic { CAN_CRASH && (children & BIT(k)) -> crashes++; kill_session(k) }
#define CLOSER_CAN_CRASH(k) atomic { CAN_CRASH && (closer_has & BIT(k)) -> crashes++; kill_closer(k) }
active proctype fate()
{
end_fate:
	do
	:: SESSION_CAN_CRASH(0)
	:: SESSION_CAN_CRASH(1)
	:: CLOSER_CAN_CRASH(0)
	:: CLOSER_CAN_CRASH(1)
#ifdef GUARD
	:: CLOSER_CAN_CRASH(N)
#endif
#if N > 2
	:: SESSION_CAN_CRASH(2)
	:: CLOSER_CAN_CRASH(2)
#endif
#if CHANGES > 0
	:: atomic { CAN_CRASH && (telling & OPERATOR) && !operator_killed -> crashes++; operator_killed = true }
#endif
#ifdef PAM
	:: atomic { CAN_CRASH && !monitor_killed && has_name -> crashes++; monitor_killed = true }
	:: atomic { CAN_CRASH && !login_killed && word != OPEN -> crashes++; login_killed = true }
#endif
	od
}
#endif

#ifdef PAM
/* The client goes, and with it the sshd process that serves it. */
active proctype client()
{
	sshd_alive = false
}
#endif

/* What must be so when nobody can go on. */
active proctype judge()
{
	timeout;
	/* An order that has met a session has ended the connection, unless that serves something else, or
	 * somebody died or stood still. */
#ifdef GUARD
	assert(!owed || excused || stops > 0 || !sshd_alive);
#else
	assert(!owed || kept || crashes > 0 || stops > 0 || !sshd_alive);
#endif
	/* Of everybody who is gone nothing is left. */
	assert(wr == 0 && rd == 0 && listed == 0 && refusing == 0 && inside == 0);
#ifdef PAM
	assert(sshd_alive || monitor_killed || !has_name)
#endif
}

init {
	atomic {
		run session(0);
		run session(1);
#if N > 2
		run session(2)
#endif
	}
}
