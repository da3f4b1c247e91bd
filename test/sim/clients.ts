/**
 * Writers of unique rows. They go to whoever is published, and often to anyone else who lets them in: a stale
 * primary must not be able to say OK. Also the leader's nudge rows, which belong to the rim of each mysqld.
 */
import type { Member } from "./member";
import type { World } from "./world";

const WRITERS = 3;
/** A client gives up an unanswered commit and opens a new connection. */
const PATIENCE_MS = 1_500;

/** Commits that wait this long make a leader hand over (agent.md: 10 s, settable). */
const STALLED_MS = 4_000;

interface Seen {
  at: number;
  committed: number;
  wires: number;
  progressAt: number;
}

export class Clients {
  ok = 0;
  unknown = 0;
  refused = 0;
  paused = false;

  constructor(
    private readonly world: World,
    everyMs: number,
  ) {
    for (let writer = 0; writer < WRITERS; writer++) world.agenda.after(500, () => this.next(everyMs));
    for (const member of world.members)
      world.agenda.after(80, () => this.nudge(member, { at: 0, committed: 0, wires: 0, progressAt: 0 }));
  }

  private next(everyMs: number): void {
    const { random, agenda } = this.world;
    const pause = random.between(everyMs * 0.4, everyMs * 1.6);
    if (this.paused) return agenda.after(pause, () => this.next(everyMs));
    let over = false;
    const again = (): void => {
      if (over) return;
      over = true;
      agenda.after(pause, () => this.next(everyMs));
    };
    if (this.write(this.choose(), again)) agenda.after(PATIENCE_MS, again);
    else again();
  }

  private choose(): Member {
    const { random, slice, members } = this.world;
    const published = members.find(({ name }) => name === slice.member);
    return published !== undefined && random.odds(0.7) ? published : random.pick(members);
  }

  /** False: nobody lets the client in there. */
  write(member: Member, then: () => void): boolean {
    const { mysqld } = member;
    if (!mysqld.openForWrites || mysqld.full || mysqld.stoppedUntil > this.world.agenda.now) {
      this.refused++;
      return false;
    }
    this.world.judge.served(member.name);
    mysqld.write("client", (outcome) => {
      if (outcome === "ok") this.ok++;
      else this.unknown++;
      then();
    });
    return true;
  }

  /** Waiting commits without progress, or a new semi-sync client: a later row frees them (mysql-facts D). */
  private nudge(member: Member, last: Seen): void {
    const { agenda } = this.world;
    const { mysqld, agent } = member;
    const { now } = agenda;
    const seen: Seen = {
      at: last.at,
      committed: mysqld.volume.committed,
      wires: mysqld.wires.size,
      progressAt: progressed(mysqld, last) ? now : last.progressAt,
    };
    const able = agent !== undefined && takesNudges(mysqld, now);
    const leads = agent?.state.role.role === "leader" && member.stalledUntil <= now;
    const stuck = mysqld.waiting > 0 && last.committed === seen.committed;
    const due = last.wires !== seen.wires || now - last.at > 300;
    if (able && leads && stuck && due) {
      mysqld.write("nudge");
      seen.at = now;
    }
    if (able && leads && now - seen.progressAt > STALLED_MS) {
      seen.progressAt = now;
      agent.post({ type: "stalled", term: agent.state.durable.term });
    }
    agenda.after(90, () => this.nudge(member, seen));
  }
}

const takesNudges = (mysqld: Member["mysqld"], now: number): boolean =>
  mysqld.up && !mysqld.full && !mysqld.superReadOnly && mysqld.semisync && mysqld.stoppedUntil <= now;

const progressed = (mysqld: Member["mysqld"], last: Seen): boolean =>
  mysqld.waiting === 0 || last.committed !== mysqld.volume.committed;
