import { tick } from "svelte";

/** After a row was taken away the keyboard goes on where the next one is added, not at the top of the page. */
export async function goOn(event: Event): Promise<void> {
  const question = (event.currentTarget as Element | null)?.closest("[role=group]");
  await tick();
  question?.querySelector<HTMLElement>("button.start, input[type=search]")?.focus();
}
