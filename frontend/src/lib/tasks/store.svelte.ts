import { tasksApi, type Crew, type Skill, type Task } from "../api/tasks";
import { inScript, texts } from "../i18n/index.svelte";
import { session } from "../session.svelte";
import { errorText } from "../words";
import { work } from "../work";

const POSITIONS_MS = 10_000;
const OVER = ["done", "failed", "cancelled"];
export const isOver = (task: Task) => OVER.includes(task.state);

/** Tasks that are not over and the crews, kept by the live stream; positions are asked for every ten seconds. */
class Tasks {
  tasks = $state.raw<Map<number, Task>>(new Map());
  crews = $state.raw<Crew[]>([]);
  skills = $state.raw<Skill[]>([]);
  loaded = $state(false);
  failure = $state<string | null>(null);
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
    void this.load();
    const stops = [
      work.on<Task>("task", (event) => this.put(event.data)),
      work.on("crew", () => void this.loadCrews()),
      work.onGap(() => void this.load()),
    ];
    const timer = setInterval(() => document.hidden || void this.loadCrews(), POSITIONS_MS);
    return () => {
      clearInterval(timer);
      for (const stop of stops) stop();
    };
  }

  async load(): Promise<void> {
    try {
      const [list, skills] = await Promise.all([
        tasksApi.list("active", { limit: 1000 }),
        this.skills.length ? { items: this.skills } : tasksApi.skills(),
        this.loadCrews(),
      ]);
      const ended = [...this.tasks.values()].filter(isOver);
      this.tasks = new Map([...ended, ...list.items].map((task) => [task.id, task]));
      this.skills = skills.items;
      this.failure = null;
      this.loaded = true;
    } catch (error) {
      this.failure = errorText(error);
    }
  }

  async loadCrews(): Promise<void> {
    if (!session.may("tasks.manage")) return;
    try {
      this.crews = (await tasksApi.crews()).items;
    } catch {
      // The next round asks again; what is shown says its age.
    }
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

export const tasks = new Tasks();
