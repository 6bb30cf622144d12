import { tasksApi, type Crew, type Position, type Skill, type Task } from "../api/tasks";
import { inScript, texts } from "../i18n/index.svelte";
import { Meanwhile } from "../meanwhile";
import { session } from "../session.svelte";
import { Reading } from "../reading";
import { errorText } from "../words";
import { work } from "../work";

/** The stream tells positions and duty as they come; this is for what a browser missed. */
const CREWS_MS = 60_000;
const OVER = ["done", "failed", "cancelled"];
export const isOver = (task: Task) => OVER.includes(task.state);

/** Tasks that are not over and the crews with where they are, kept by the live stream. */
class Tasks {
  tasks = $state.raw<Map<number, Task>>(new Map());
  crews = $state.raw<Crew[]>([]);
  skills = $state.raw<Skill[]>([]);
  loaded = $state(false);
  failure = $state<string | null>(null);
  private told = new Meanwhile<Task>();
  private crewsRead = new Reading(
    async () => (session.may("tasks.manage") ? (await tasksApi.crews()).items : []),
    (items) => this.setCrews(items),
    // The next round asks again; what is shown says its age.
    () => {},
  );
  private users = 0;
  private stopAll: (() => void) | null = null;

  /** Keep the lists current for as long as somebody looks; returns the way to stop. */
  watch(): () => void {
    if (this.users++ === 0) this.stopAll = this.start();
    return () => {
      if (--this.users === 0) this.stopAll?.();
    };
  }

  private start(): () => void {
    void this.load(this.crewsRead.anew());
    const stops = [
      work.on<Task>("task", (event) => (this.told.hear(event.data), this.put(event.data))),
      work.on<Crew>("crew", (event) => this.heardOf(event.data)),
      work.onPresence(
        (event) => event.topic === "crew" && this.saw(Number(event.subject), event.data.position),
      ),
      work.onGap(() => void this.load()),
    ];
    const timer = setInterval(() => document.hidden || void this.crewsRead.again(), CREWS_MS);
    return () => {
      clearInterval(timer);
      this.crewsRead.stop();
      for (const stop of stops) stop();
    };
  }

  async load(crews = this.crewsRead.again()): Promise<void> {
    try {
      const [skills] = await Promise.all([
        this.skills.length ? { items: this.skills } : tasksApi.skills(),
        this.told.reading(
          () => tasksApi.list("active", { limit: 1000 }),
          ({ items }, told) => this.set(items, told),
        ),
        crews,
      ]);
      this.skills = skills.items;
      this.failure = null;
      this.loaded = true;
    } catch (error) {
      this.failure = errorText(error);
    }
  }

  private set(listed: Task[], told: readonly Task[]): void {
    const ended = [...this.tasks.values()].filter(isOver);
    this.tasks = new Map([...ended, ...listed].map((task) => [task.id, task]));
    for (const task of told) this.put(task);
  }

  readCrews(): Promise<void> {
    return this.crewsRead.again();
  }

  private setCrews(listed: Crew[]): void {
    // A position that the stream told meanwhile is newer than the answer's.
    const known = new Map(this.crews.map((crew) => [crew.id, crew]));
    this.crews = listed.map((crew) =>
      // None in the answer is none: it has not said where it is, or this person may not know any more.
      crew.position ? withNewer(crew, known.get(crew.id)?.position ?? null) : crew,
    );
  }

  /** A crew was changed, or went on or off duty: off duty its position leaves this browser at once. */
  private heardOf(crew: Crew): void {
    if (!crew.on_duty)
      this.crews = this.crews.map((one) =>
        one.id === crew.id && one.version <= crew.version ? { ...one, on_duty: false, position: null } : one,
      );
    void this.crewsRead.again();
  }

  private saw(id: number, position: Position): void {
    this.crews = this.crews.map((crew) =>
      crew.id === id && crew.on_duty ? withNewer(crew, position) : crew,
    );
  }

  /** Take a task as it now stands; an older version changes nothing. */
  put(task: Task): void {
    const known = this.tasks.get(task.id);
    if (known && known.version > task.version) return;
    this.tasks = new Map(this.tasks).set(task.id, task);
  }

  putCrew(crew: Crew): void {
    const others = this.crews.filter((one) => one.id !== crew.id);
    this.crews = [...others, crew].sort(
      (a, b) => Number(b.on_duty) - Number(a.on_duty) || a.name.localeCompare(b.name),
    );
  }

  skillName(code: string | null): string {
    const found = this.skills.find((skill) => skill.code === code);
    return found ? texts(found.text) : inScript(code ?? "");
  }
}

/** A crew with the newer one of two positions; a position of before its duty, or without duty, is none. */
function withNewer(crew: Crew, position: Position | null): Crew {
  if (!crew.on_duty || !position || position.at < (crew.on_duty_since ?? "")) return crew;
  return crew.position && crew.position.at >= position.at ? crew : { ...crew, position };
}

export const tasks = new Tasks();
