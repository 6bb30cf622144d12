import type { Reason, Task, TaskEvent } from "../api/tasks";
import { inScript, texts } from "../i18n/index.svelte";
import { k, known } from "../i18n/tasks";
import { clockText } from "../now.svelte";

/** What a task is called: as Vidik says it, or as a person typed it. */
export const taskTitle = (task: Pick<Task, "title" | "titles">): string =>
  inScript(task.titles ? texts(task.titles) : task.title);
export const taskInstructions = (task: Pick<Task, "instructions" | "instruction_texts">): string =>
  inScript(task.instruction_texts ? texts(task.instruction_texts) : task.instructions);

/** One reason for or against a crew, in words. */
export function reasonText({ kind, good, data }: Reason): string {
  switch (kind) {
    case "minutes":
      return k(data.from === "depot" ? "reason.minutes.depot" : "reason.minutes", {
        n: Math.max(1, Math.round(data.minutes ?? 0)),
      });
    case "duty":
      if (!good) return k("reason.duty.bad");
      return data.until ? k("reason.duty.until", { time: clockText(data.until) }) : k("reason.duty.good");
    case "load":
      return good ? k("reason.load.good") : k("reason.load.bad", { n: data.open_tasks ?? 0 });
    case "skill":
      return k(good ? "reason.skill.good" : "reason.skill.bad");
    case "shift-ends":
      return k("reason.shift-ends.bad");
  }
}

const FIELDS = { title: "field.title", kind: "field.kind", priority: "field.priority" } as const;

/** One line of a task's history, in words. */
export function eventText(event: TaskEvent): string {
  const fields = Object.keys(event.data.after ?? {})
    .map((name) => known(FIELDS[name as keyof typeof FIELDS] ?? `detail.${name}`) ?? name)
    .join(", ");
  return (
    known(`event.${event.kind}`, { crew: inScript(event.crew?.name ?? ""), fields: fields.toLowerCase() }) ??
    event.kind
  );
}

/** Where a task is, in words. */
export const whereText = (task: Task) => inScript(task.address);
export const isOverdue = (task: Task, now: number) =>
  task.due_at !== null && task.ended_at === null && Date.parse(task.due_at) < now;
