import { ApiError } from "../api/client";
import { proceduresApi } from "../api/procedures";
import type { Definition, Draft, Problem, Step, StepKind, Version } from "../api/procedures.types";
import {
  arranged,
  changeKind,
  insert,
  insertFirst,
  isSame,
  moveEarlier,
  moveLater,
  remove,
  tidied,
} from "./edit";
import { sorted, type Sorted } from "./problems";
import { procedureError } from "./words";

const CHECK_AFTER_MS = 400;
const LOOK_EVERY_MS = 20_000;
const MOST_UNDONE = 50;

interface Unsaved {
  definition: Definition;
  base: Draft;
}
/** What was being written when a person went elsewhere in the console: it is there when they come back. */
const left = new Map<string, Unsaved>();

/** A draft as it is being changed by one person, with what others do to it meanwhile. */
export class Editing {
  definition = $state<Definition | null>(null);
  base = $state.raw<Draft | null>(null);
  selected = $state<string | null>(null);
  /** Problems of the definition as it stood when it was looked at last, sorted to its fields. */
  found = $state.raw<Sorted>(sorted([], []));
  problems = $state.raw<Problem[]>([]);
  checked = $state(false);
  /** The definition as it is drawn: a moment behind the keys, since drawing takes longer than a letter. */
  drawn = $state.raw<Step[]>([]);
  busy = $state(false);
  failure = $state<string | null>(null);
  broken = $state<string | null>(null);
  said = $state<"saved" | "published" | "discarded" | null>(null);
  /** The draft of somebody who saved meanwhile. */
  theirs = $state.raw<Draft | null>(null);
  private past: Step[][] = [];
  undoable = $state(0);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked: AbortController | null = null;

  constructor(readonly code: string) {}

  /** Open the draft and look for others' changes until the returned function is called. */
  start(): () => void {
    void this.load();
    const looking = setInterval(() => document.hidden || void this.look(), LOOK_EVERY_MS);
    const onLeave = (event: BeforeUnloadEvent) => this.isChanged && event.preventDefault();
    window.addEventListener("beforeunload", onLeave);
    return () => {
      clearInterval(looking);
      clearTimeout(this.timer);
      this.asked?.abort();
      window.removeEventListener("beforeunload", onLeave);
      if (this.isChanged && this.base && this.definition)
        left.set(this.code, { definition: this.snapshot(), base: this.base });
      else left.delete(this.code);
    };
  }

  get isChanged(): boolean {
    return !!this.definition && !!this.base && !isSame(tidied(this.snapshot()), tidied(this.base.definition));
  }

  private snapshot(): Definition {
    return $state.snapshot(this.definition) as Definition;
  }

  async load(): Promise<void> {
    try {
      const draft = await proceduresApi.draft(this.code);
      const unsaved = left.get(this.code);
      this.take(draft);
      this.broken = null;
      if (!unsaved) return;
      this.definition = unsaved.definition;
      if (draft.version !== unsaved.base.version) {
        this.base = unsaved.base;
        this.theirs = draft;
      }
      this.touched();
    } catch (error) {
      this.broken = procedureError(error);
    }
  }

  private take(draft: Draft): void {
    this.base = draft;
    this.definition = structuredClone(draft.definition);
    this.theirs = null;
    this.past = [];
    this.undoable = 0;
    if (!this.definition.steps.some(({ id }) => id === this.selected))
      this.selected = this.definition.steps[0]?.id ?? null;
    this.drawn = this.snapshot().steps;
    this.sort(draft.problems);
  }

  private sort(problems: Problem[]): void {
    this.problems = problems;
    this.found = sorted(
      problems,
      (this.definition?.steps ?? []).map(({ id }) => id),
    );
    this.checked = true;
  }

  /** Somebody else may have saved: better to know before writing for an hour. */
  private async look(): Promise<void> {
    if (this.busy || !this.base) return;
    const draft = await proceduresApi.draft(this.code).catch(() => null);
    if (!draft || this.busy || !this.base || draft.version === this.base.version) return;
    if (this.isChanged) this.theirs = draft;
    else this.take(draft);
  }

  /** Something was changed: draw and check it when the keys rest. */
  touched(): void {
    this.said = null;
    this.checked = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  private async check(): Promise<void> {
    this.asked?.abort();
    const asking = (this.asked = new AbortController());
    const definition = this.snapshot();
    this.drawn = definition.steps;
    try {
      const { problems } = await proceduresApi.check(tidied(definition), asking.signal);
      if (!asking.signal.aborted) this.sort(problems);
    } catch {
      // Without an answer the old problems stay; saving says what is wrong with the line.
    }
  }

  /** Replace the steps; what was there before can be had back. */
  private restep(steps: Step[]): void {
    if (!this.definition) return;
    this.past = [...this.past.slice(1 - MOST_UNDONE), this.snapshot().steps];
    this.undoable = this.past.length;
    this.definition.steps = steps;
    this.drawn = this.snapshot().steps;
    if (!steps.some(({ id }) => id === this.selected)) this.selected = steps[0]?.id ?? null;
    this.touched();
  }
  private get steps(): Step[] {
    return this.snapshot().steps;
  }

  add(from: string | null, branch: number | null, kind: StepKind): void {
    const added = from === null ? insertFirst(this.steps, kind) : insert(this.steps, from, branch, kind);
    this.restep(added.steps);
    this.selected = added.id;
  }
  remove(id: string): void {
    const after = this.definition?.steps.find((step) => step.id === id)?.next;
    this.restep(remove(this.steps, id));
    if (after) this.selected = after;
  }
  earlier = (id: string) => this.restep(moveEarlier(this.steps, id));
  later = (id: string) => this.restep(moveLater(this.steps, id));
  rekind = (id: string, kind: StepKind) => this.restep(changeKind(this.steps, id, kind));
  /** Change where a step leads, or how many branches it has. */
  rejoin(id: string, change: (step: Step) => Step): void {
    this.restep(arranged(this.steps.map((step) => (step.id === id ? change(step) : step))));
  }
  undo(): void {
    const before = this.past.pop();
    this.undoable = this.past.length;
    if (!before || !this.definition) return;
    this.definition.steps = before;
    this.drawn = this.snapshot().steps;
    if (!before.some(({ id }) => id === this.selected)) this.selected = before[0]?.id ?? null;
    this.touched();
  }

  private async doing(action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.failure = null;
    try {
      await action();
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412)
        this.theirs = await proceduresApi.draft(this.code).catch(() => null);
      else this.failure = procedureError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  save(): Promise<boolean> {
    return this.doing(async () => {
      const sent = this.snapshot();
      const draft = await proceduresApi.save(this.code, this.base?.version ?? 0, tidied(sent));
      // What was typed while the answer was on its way stays, and is still to be saved.
      const isStill = isSame(sent, this.snapshot());
      this.base = draft;
      this.theirs = null;
      if (isStill) this.sort(draft.problems);
      this.said = "saved";
    });
  }
  /** Save over what somebody else saved meanwhile; they are told by their own editor. */
  async saveOver(): Promise<boolean> {
    if (this.theirs) this.base = this.theirs;
    return this.save();
  }
  takeTheirs(): void {
    if (this.theirs) this.take(this.theirs);
  }

  async publish(note: string): Promise<Version | null> {
    let published: Version | null = null;
    await this.doing(async () => {
      if (!this.base || this.isChanged || this.base.version === 0) {
        const draft = await proceduresApi.save(this.code, this.base?.version ?? 0, tidied(this.snapshot()));
        this.base = draft;
        this.sort(draft.problems);
        if (draft.problems.length > 0) return;
      }
      published = await proceduresApi.publish(this.code, this.base.version, note);
      this.said = "published";
    });
    return published;
  }
  async discard(): Promise<boolean> {
    const done = await this.doing(() => proceduresApi.discard(this.code, this.base?.version ?? 0));
    if (done) {
      this.definition = null;
      this.base = null;
      left.delete(this.code);
    }
    return done;
  }
}
