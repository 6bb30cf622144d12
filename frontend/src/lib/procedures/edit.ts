/** Changes of a procedure's steps as a supervisor makes them. Pure: each gives new steps and leaves the old as they are. */
import type { Definition, Step, StepKind, Words } from "../api/procedures.types";
import { entriesOf, exitsOf, inReadingOrder, isBranching } from "./graph";

export const KINDS: StepKind[] = ["check", "question", "condition", "wait", "notify", "command", "task"];

/** Which steps have a time: how long to wait, or after how long a person is late. */
export const mayHaveMinutes = (step: Pick<Step, "kind" | "do">): boolean =>
  step.kind === "wait" ||
  step.kind === "check" ||
  step.kind === "question" ||
  (step.kind === "command" && !step.do?.confirmed);
/** Which steps can be left out: a question or a wait has to be answered or sat out, or something is chosen for good. */
export const mayBeOptional = ({ kind }: Pick<Step, "kind">): boolean =>
  kind !== "question" && kind !== "condition" && kind !== "wait";
/** What a person does, or only Vidik. */
export const isAutomatic = (step: Pick<Step, "kind" | "do">): boolean =>
  ["condition", "wait", "notify", "task"].includes(step.kind) ||
  (step.kind === "command" && !!step.do?.confirmed);

const empty = (): Words => ({ en: "", sr: "" });

/** An id that no step has: never used again within this procedure while a step of a higher number is there. */
export function freshId(steps: readonly Step[]): string {
  const numbers = steps.map(({ id }) => Number(/^step_(\d+)$/.exec(id)?.[1] ?? 0));
  return `step_${Math.max(0, ...numbers) + 1}`;
}

/** What a step of a kind needs besides its words, with nothing filled in. */
function particulars(kind: StepKind, next: string | null): Partial<Step> {
  switch (kind) {
    case "question":
      return {
        branches: [
          { label: { en: "Yes", sr: "Да" }, next },
          { label: { en: "No", sr: "Не" }, next },
        ],
      };
    case "condition":
      return {
        branches: [
          { label: empty(), when: [{ fact: "severity", at_least: "severe" }], next },
          { label: empty(), next },
        ],
      };
    case "wait":
      return { minutes: 10, next };
    case "notify":
      return { do: { roles: ["command"], channels: ["web-push"], text: empty() }, next };
    case "command":
      return { do: { entity: "", command: "", parameters: {}, confirmed: false }, next };
    case "task":
      return { do: { kind: "inspect", priority: "high", crew: "best" }, next };
    case "check":
      return { next };
  }
}

export const blankStep = (steps: readonly Step[], kind: StepKind, next: string | null): Step => ({
  id: freshId(steps),
  kind,
  title: empty(),
  ...particulars(kind, next),
});

const replaced = (steps: readonly Step[], id: string, change: (step: Step) => Step): Step[] =>
  steps.map((step) => (step.id === id ? change(step) : step));

/** Lead one way out of a step elsewhere; `branch` is null for a step that has only one way. */
export function lead(steps: readonly Step[], id: string, branch: number | null, to: string | null): Step[] {
  return replaced(steps, id, (step) =>
    branch === null
      ? { ...step, next: to }
      : {
          ...step,
          branches: (step.branches ?? []).map((one, place) =>
            place === branch ? { ...one, next: to } : one,
          ),
        },
  );
}

/** Put a new step into a way out of another one: it leads to where that way led. */
export function insert(
  steps: readonly Step[],
  from: string,
  branch: number | null,
  kind: StepKind,
): { steps: Step[]; id: string } {
  const step = steps.find(({ id }) => id === from);
  const exit = step && exitsOf(step).find((one) => one.branch === branch);
  if (!exit) return { steps: [...steps], id: from };
  const added = blankStep(steps, kind, exit.to);
  return { steps: arranged([...lead(steps, from, branch, added.id), added]), id: added.id };
}

/** Put a new step before the first one. */
export function insertFirst(steps: readonly Step[], kind: StepKind): { steps: Step[]; id: string } {
  const added = blankStep(steps, kind, steps[0]?.id ?? null);
  return { steps: [added, ...steps], id: added.id };
}

/** Take a step away: what led to it leads to where its (first) way led. The last step stays. */
export function remove(steps: readonly Step[], id: string): Step[] {
  const gone = steps.find((step) => step.id === id);
  if (!gone || steps.length < 2) return [...steps];
  const after = exitsOf(gone)[0]?.to ?? null;
  const to = after === id ? null : after;
  let rest = steps.filter((step) => step.id !== id);
  for (const { from, exit } of entriesOf(steps, id)) rest = lead(rest, from.id, exit.branch, to);
  // The first step is the one that everything begins with: what it led to is that now.
  if (steps[0]?.id === id && to) rest = [...rest].sort((a, b) => Number(b.id === to) - Number(a.id === to));
  return arranged(rest);
}

/** The step with which a step can change places when moved one place earlier: it alone leads here, by its one way. */
function before(steps: readonly Step[], step: Step): Step | null {
  const entries = entriesOf(steps, step.id);
  const from = entries[0]?.from;
  if (entries.length !== 1 || !from || from.id === step.id) return null;
  return isBranching(from) || isBranching(step) ? null : from;
}

export const canMoveEarlier = (steps: readonly Step[], id: string): boolean => {
  const step = steps.find((one) => one.id === id);
  return !!step && step.id !== steps[0]?.id && before(steps, step) !== null;
};

export const canMoveLater = (steps: readonly Step[], id: string): boolean => {
  const step = steps.find((one) => one.id === id);
  return !!step && !isBranching(step) && !!step.next && canMoveEarlier(steps, step.next);
};

/** Change places with the step before: A → B → C becomes B → A → C. Unchanged where that would change a branch. */
export function moveEarlier(steps: readonly Step[], id: string): Step[] {
  const step = steps.find((one) => one.id === id);
  const former = step && canMoveEarlier(steps, id) ? before(steps, step) : null;
  if (!step || !former) return [...steps];
  let changed: Step[] = [...steps];
  for (const { from, exit } of entriesOf(steps, former.id))
    if (from.id !== id) changed = lead(changed, from.id, exit.branch, id);
  changed = lead(changed, former.id, null, step.next === former.id ? former.id : (step.next ?? null));
  changed = lead(changed, id, null, former.id);
  if (steps[0]?.id === former.id)
    changed = [...changed].sort((a, b) => Number(b.id === id) - Number(a.id === id));
  return arranged(changed);
}

export function moveLater(steps: readonly Step[], id: string): Step[] {
  const next = steps.find((one) => one.id === id)?.next;
  return canMoveLater(steps, id) && next ? moveEarlier(steps, next) : [...steps];
}

/** Another kind for a step: words, role and way stay; what the new kind does not know goes. */
export function changeKind(steps: readonly Step[], id: string, kind: StepKind): Step[] {
  return replaced(steps, id, (step) => {
    if (step.kind === kind) return step;
    const next = exitsOf(step)[0]?.to ?? null;
    const kept: Step = { id, kind, title: step.title, ...particulars(kind, next) };
    if (step.text) kept.text = step.text;
    if (step.role) kept.role = step.role;
    if (step.optional && mayBeOptional(kept)) kept.optional = true;
    if (step.minutes && mayHaveMinutes(kept)) kept.minutes = step.minutes;
    if (isBranching(step) && isBranching({ kind }))
      kept.branches = (step.branches ?? []).map(({ label, next: to }) => ({ label, next: to }));
    return kept;
  });
}

/** The steps as they are read, so that a file and a screen show the same order; the first stays the first. */
export const arranged = (steps: readonly Step[]): Step[] => inReadingOrder(steps);

/** Whether two definitions say the same. */
export const isSame = (one: unknown, other: unknown): boolean => canonical(one) === canonical(other);

const saysNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  value === "" ||
  (Array.isArray(value) && value.length === 0);

/** As JSON with sorted members and without those that say nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    member && typeof member === "object" && !Array.isArray(member)
      ? Object.fromEntries(
          Object.entries(member)
            .filter(([, one]) => !saysNothing(one))
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : member,
  );
}

const LONGEST_CODE = 60;

/** A code for a new procedure, made from its title; another one than those that are taken. */
export function codeOf(title: string, taken: readonly string[]): string {
  const letters = title
    .toLowerCase()
    .replaceAll("đ", "dj")
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "");
  const base = (letters.length < 3 ? `procedure_${letters}` : letters)
    .slice(0, LONGEST_CODE - 4)
    .replace(/_+$/, "");
  let code = base;
  for (let number = 2; taken.includes(code); number += 1) code = `${base}_${number}`;
  return code;
}

/** What a new procedure begins with: one step, and words that say what belongs there. */
export const newDefinition = (code: string, title: Words): Definition => ({
  code,
  title,
  purpose: { en: "When and why this is done.", sr: "Када и зашто се ово ради." },
  incident_types: [],
  steps: [
    {
      id: "step_1",
      kind: "check",
      title: { en: "Confirm what has happened", sr: "Потврдите шта се догодило" },
    },
  ],
});

/** A definition without members that say nothing, as the server wants it. */
export function tidied(definition: Definition): Definition {
  const filled = (words: Words | null | undefined) =>
    words && (words.en.trim() || words.sr.trim()) ? words : undefined;
  const steps = definition.steps.map((step): Step => {
    const doing = step.do
      ? { ...step.do, title: filled(step.do.title), instructions: filled(step.do.instructions) }
      : undefined;
    return withoutNothing({
      ...step,
      text: filled(step.text),
      optional: step.optional || undefined,
      do: doing && withoutNothing(doing),
      branches: isBranching(step) ? (step.branches ?? []).map(withoutNothing) : undefined,
      next: isBranching(step) ? undefined : step.next,
    });
  });
  return { ...definition, steps };
}

const withoutNothing = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined && one !== null && one !== ""),
  ) as T;
