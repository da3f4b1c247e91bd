/**
 * The life of mysqld under a member that does not lead: start, the ex-primary's way back, clone, follow, and the
 * end of abstention (agent.md, The ex-primary). `tend` is the one place that says what mysqld should do next; it is
 * called whenever something it looks at has changed, and does nothing when nothing is due.
 */
import { givenUp } from "./rescue";
import { containsText, explained, markersOf, ofServer, unionText } from "./standing";
import { chain, deadline, follower, isDataVoter, persist, send, stay, verb, votersOf } from "./state";
import { retryDelayMs } from "./timing";
import { exitWhenDone } from "./transfer";
import type { Action, Follower, Input, MysqldPhase, State, Step, Told } from "./types";

/** What members that were started together may need until one of them can be elected. */
const RESTART_GRACE_MS = 5_000;
/**
 * The new primary opens first: crash recovery takes CPU and disk that its promotion may share. Not longer, since it may
 * need this member's acknowledgement to open.
 */
const OPENING_MS = 500;
/** Asks again for a marker that did not come. */
const MARKER_RETRY_MS = 1_000;
/** A marker that was named and does not come was not written. */
const MARKER_LOST_MS = 10_000;

export function tend(state: State, input: Input): Step {
  if (state.dataless) return stay(state);
  if (state.shuttingDown || state.fencing || waiting(state, input) || state.role.role === "leader")
    return stay(state);
  if (state.mysqld === "down") return tendDown(state, input);
  return state.mysqld === "running" && state.role.role === "follower"
    ? tendRunning(state, state.role, input)
    : stay(state);
}

const waiting = ({ deadlines }: State, { now }: Input): boolean =>
  deadlines.retry !== undefined && deadlines.retry > now;

function tendDown(state: State, input: Input): Step {
  const { heard, heardAt = -Infinity } = state.role.role === "follower" ? state.role : follower();
  if (state.durable.cloning) return heard === undefined ? awaitDonor(state) : clone(state);
  if (!state.durable.tail) return begin(state, "starting", verb(state, { verb: "startMysqld" }));
  // Only an elected leader proves what must go; a higher term or a candidate proves nothing.
  if (heard !== undefined)
    return heard.open || input.now - heardAt >= OPENING_MS
      ? begin(state, "rewinding", verb(state, { verb: "rewind", electedSet: heard.electedSet }))
      : stay(state); // Heartbeats come, or the election timeout.
  if (votersOf(state).length === 1) return startUncut(state);
  return stay(deadline(state, { recover: state.deadlines.recover ?? recoverAt(state, input) }));
}

/** After a clone that failed nobody knows what runs; started or attached to, its receiver can be stopped for a vote. */
const awaitDonor = (state: State): Step =>
  state.failures > 0 ? begin(state, "starting", verb(state, { verb: "startMysqld" })) : stay(state);

/**
 * How long an ex-leader waits for an elected leader. After a start of its own the others may be starting too, and a
 * tail that is committed meanwhile costs a clone; whoever stands and lacks this member's vote cuts the wait short.
 */
function recoverAt({ tuning, startedAt }: State, { now }: Input): number {
  const together = now - startedAt < RESTART_GRACE_MS;
  return now + tuning.electionMaxMs + (together ? RESTART_GRACE_MS : 0);
}

/** Someone stands whom this member could vote for, were its mysqld running: a leader comes soon, or never without it. */
export function onVoteMissed(state: State, { now }: Input): State {
  const { recover } = state.deadlines;
  return recover === undefined
    ? state
    : deadline(state, { recover: Math.min(recover, now + state.tuning.electionMinMs) });
}

/** No elected leader was heard for an election timeout: this member's vote may be the missing one. */
export function onRecoverTimeout(state: State): Step {
  const next = deadline(state, { recover: undefined });
  const silent =
    next.role.role !== "leader" && (next.role.role !== "follower" || next.role.heard === undefined);
  const able = next.mysqld === "down" && next.durable.tail && !next.durable.cloning && !next.shuttingDown;
  return silent && able ? startUncut(next) : stay(next);
}

/** Recovery will commit the tail in the engine: that is on disk first, lest it be taken for an alarm later. */
const startUncut = (state: State): Step =>
  chain(persist(deadline(state, { recover: undefined }), { uncut: true }), (now) =>
    begin(now, "starting", verb(now, { verb: "startMysqld" })),
  );

const begin = (state: State, mysqld: MysqldPhase, action: Action): Step => [{ ...state, mysqld }, [action]];

function tendRunning(state: State, role: Follower, input: Input): Step {
  const { heard } = role;
  if (heard === undefined || state.durable.quarantined !== "") return stay(state);
  if (state.durable.cloning) return clone(state);
  const acknowledge = isDataVoter(state);
  const asWanted = role.follow === "done" && role.acknowledge === acknowledge;
  if (asWanted) return state.durable.abstain ? seekMarker(state, role, input) : stay(state);
  if (role.follow === "asked" || !heard.receivable || state.ballot !== undefined) return stay(state);
  // Who has left says that it is silent without waiting to be let in again.
  const silence = state.acknowledging && !acknowledge ? [verb(state, { verb: "stopReceiver" })] : [];
  return chain(
    // Before a byte of this term is received: an abstainer will vote by it.
    persist(state, { receivedTerm: heard.term }),
    (now) => [
      {
        ...now,
        role: { ...role, follow: "asked", acknowledge },
        acknowledging: acknowledge || now.acknowledging,
      },
      [
        ...silence,
        verb(now, {
          verb: "follow",
          leader: heard.from,
          electedSet: heard.electedSet,
          leaderUuid: heard.serverUuid,
          clusterId: now.durable.clusterId,
          markers: markersOf(now.durable.clusterId, heard.term),
          acknowledge,
        }),
      ],
    ],
  );
}

/** The flag is on disk, with the receiver stopped, before the data goes: what it acknowledged is lost with it. */
function clone(state: State): Step {
  if (state.role.role !== "follower" || state.role.heard === undefined) return stay(state);
  const { donor, from } = state.role.heard;
  const source = donor === state.durable.memberId ? from : donor;
  const role: Follower = { ...state.role, follow: "no", marker: undefined, markerAskedAt: undefined };
  const lost = state.superseded === true && state.received !== "" ? givenUp(state, state.role.heard) : "";
  const news = lost === "" ? [] : tells({ what: "TransactionsDiscarded", gtids: lost });
  return chain(
    [state, news],
    (now) => persist(now, { abstain: true, cloning: true }),
    (now) =>
      begin(
        { ...now, role, joined: false, superseded: false },
        "cloning",
        verb(now, { verb: "clone", donor: source }),
      ),
  );
}

// -------------------------------------------------------------- mysqld's own events

export function onMysqldReady(state: State, received: string, serverUuid: string): Step {
  const uuids = [
    ...new Set([...state.durable.serverUuids.filter((uuid) => uuid !== serverUuid), serverUuid]),
  ];
  // While a rewind or clone goes on, its own end says when mysqld may be used.
  const mysqld = state.mysqld === "starting" ? "running" : state.mysqld;
  return persist({ ...state, mysqld, received, serverUuid }, { serverUuids: uuids });
}

/** Known ends (verbs that stop mysqld) are told apart by the phase. */
export function onMysqldDown(state: State, input: Input): Step {
  const role = state.role.role === "follower" ? { ...state.role, follow: "no" as const } : state.role;
  const next: State = {
    ...state,
    acknowledging: false,
    mysqld: "down",
    writable: false,
    joined: false,
    role,
    ballot: undefined,
    preVotes: [],
  };
  const armed: State = deadline(next, next.durable.tail ? { recover: recoverAt(next, input) } : {});
  return [armed, state.writable ? [{ do: "watchdog", armed: false }] : []];
}

export function onFenced(state: State, killed: boolean, input: Input): Step {
  const unlocked: State = { ...state, fencing: false, writable: false };
  const freed: Step = [unlocked, [{ do: "watchdog", armed: false }]];
  return chain(
    freed,
    (now) => (killed && now.mysqld === "running" ? onMysqldDown(now, input) : stay(now)),
    exitWhenDone,
  );
}

// -------------------------------------------------------------- ends of verbs

export function onFollowed(state: State): Step {
  // Overtaken: a clone that began meanwhile ends with another server, whose receiver nobody has started.
  if (state.role.role !== "follower" || state.role.follow !== "asked" || state.mysqld !== "running")
    return stay(state);
  const { term } = state.durable;
  const role: Follower = { ...state.role, follow: "done" };
  // It was compared with an elected leader's set: no tail is left.
  const news = state.joined ? [] : tells({ what: "MemberJoined", member: state.durable.memberId, term });
  return chain(
    persist(
      { ...state, role, joined: true, failures: 0, acknowledging: role.acknowledge === true },
      { tail: false, uncut: false },
    ),
    (now) => [now, news],
  );
}

/**
 * What the leader has purged can only be cloned; a receiver that ended by itself is pointed again, after a pause.
 */
export function onReceiverLost(state: State, purged: boolean, input: Input): Step {
  if (state.role.role !== "follower" || state.role.follow === "no" || state.mysqld !== "running")
    return stay(state);
  if (purged) return clone(state);
  return onRecoveryFailed(state, "follow", input);
}

export function onDiverged(state: State, errant: string): Step {
  if (state.mysqld !== "running") return stay(state); // Overtaken, as above.
  const role = state.role.role === "follower" ? { ...state.role, follow: "no" as const } : state.role;
  const next: State = { ...state, role, acknowledging: false };
  if (!explained(next.durable, errant)) return quarantine(next, errant);
  return chain([next, tells({ what: "TransactionsDiscarded", gtids: errant })], clone);
}

/**
 * Somebody wrote on this replica: it has transactions of its own server that its leader was not elected with, and wrote
 * none since. To be pointed at its leader anew compares in full, and closes it (I9); else it would be found at the next
 * failover only, and serve it until then.
 */
export function suspect(state: State): State {
  const { role, received, serverUuid } = state;
  if (role.role !== "follower" || role.follow !== "done" || role.heard === undefined) return state;
  const own = ofServer(received, serverUuid);
  return containsText(role.heard.electedSet, own) ? state : { ...state, role: { ...role, follow: "no" } };
}

/** I9: it serves nothing until policy or a person says so. */
function quarantine(state: State, errant: string): Step {
  return chain(persist(state, { quarantined: unionText(state.durable.quarantined, errant) }), (now) => [
    now,
    tells({ what: "Diverged", gtids: errant }),
  ]);
}

export function onRewound(state: State, result: "ok" | "impossible" | "committed", errant: string): Step {
  if (state.mysqld !== "rewinding") return stay(state);
  if (result === "impossible") return clone({ ...state, mysqld: "down" });
  const running: State = { ...state, mysqld: "running", acknowledging: false };
  // The engine had committed own GTIDs that nobody acknowledged: only an uncut start explains that (mysql-facts A,
  // the detector). What it had received from others and applied is explained as on any follower.
  if (result === "committed") {
    const known = explained({ ...running.durable, tail: running.durable.uncut }, errant);
    return known
      ? chain([running, tells({ what: "TransactionsDiscarded", gtids: errant })], clone)
      : quarantine(running, errant);
  }
  return chain(persist(running, { tail: false, uncut: false }), (now) => [
    now,
    errant === "" ? [] : tells({ what: "Rewound", gtids: errant }),
  ]);
}

export function onCloned(state: State): Step {
  if (state.mysqld !== "cloning") return stay(state);
  const donor = state.role.role === "follower" ? (state.role.heard?.donor ?? "") : "";
  const gtids = state.durable.quarantined;
  return chain(
    persist(
      { ...state, mysqld: "running", failures: 0, acknowledging: false },
      { cloning: false, tail: false, uncut: false, quarantined: "" },
    ),
    (now) => [now, tells({ what: "Cloned", donor, gtids })],
  );
}

const tells = (event: Told): Action[] => [{ do: "tell", event }];

/** The verb is tried again later; what it meant to reach is still wanted, and `tend` knows. */
export function onRecoveryFailed(
  state: State,
  failed: "startMysqld" | "follow" | "rewind" | "clone",
  input: Input,
): Step {
  const phases = {
    startMysqld: "starting",
    rewind: "rewinding",
    clone: "cloning",
    follow: "running",
  } as const;
  if (state.mysqld !== phases[failed]) return stay(state); // Overtaken by another verb on mysqld.
  const failures = state.failures + 1;
  const next = deadline({ ...state, failures }, { retry: input.now + retryDelayMs(failures) });
  if (failed !== "follow") return stay({ ...next, mysqld: "down" });
  return stay(next.role.role === "follower" ? { ...next, role: { ...next.role, follow: "no" } } : next);
}

/** An operator or a policy gives the member's data up. */
export function onRebuild(state: State): Step {
  const idle = state.mysqld === "running" || state.mysqld === "down"; // Else a start, rewind or clone would overlap.
  if (state.dataless || state.role.role !== "follower" || state.role.heard === undefined || !idle)
    return stay(state);
  return clone(state);
}

// -------------------------------------------------------------- abstention

function seekMarker(state: State, role: Follower, { now }: Input): Step {
  if (role.marker !== undefined && containsText(state.received, role.marker))
    return persist(state, { abstain: false });
  if (role.leader === undefined) return stay(state);
  const patienceMs = role.marker === undefined ? MARKER_RETRY_MS : MARKER_LOST_MS;
  if (role.markerAskedAt !== undefined && now - role.markerAskedAt < patienceMs) return stay(state);
  const next: State = { ...state, role: { ...role, markerAskedAt: now } };
  return [next, [send(next, role.leader, { type: "markerRequest", term: next.durable.term })]];
}

export function onMarkerReply(state: State, term: number, marker: string, input: Input): Step {
  if (state.role.role !== "follower" || term !== state.durable.term || state.role.markerAskedAt === undefined)
    return stay(state);
  return tend({ ...state, role: { ...state.role, marker } }, input);
}
