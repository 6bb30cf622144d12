/** Keys of the whole console. Screens add their own for as long as they are shown. */
export type Binding = (event: KeyboardEvent) => boolean | void;

const layers: Map<string, Binding>[] = [];
let prefix: string | null = null;
let prefixTimer: ReturnType<typeof setTimeout> | undefined;

/** Bind keys ("j", "Enter", "g a") until the returned function is called. The newest binding wins. */
export function bindKeys(bindings: Record<string, Binding>): () => void {
  const layer = new Map(Object.entries(bindings));
  layers.push(layer);
  return () => {
    const place = layers.indexOf(layer);
    if (place >= 0) layers.splice(place, 1);
  };
}

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  !(target instanceof HTMLInputElement && /^(checkbox|radio|button)$/.test(target.type));

// Cyrillic keyboards send Cyrillic letters; the physical key is what a shortcut means.
function keyOf(event: KeyboardEvent): string {
  if (event.key.length === 1 && /^Key[A-Z]$/.test(event.code) && !/[a-z]/i.test(event.key)) {
    return event.code.slice(3).toLowerCase();
  }
  return event.key;
}

function run(name: string, event: KeyboardEvent): boolean {
  for (const layer of [...layers].reverse()) {
    const binding = layer.get(name);
    if (binding && binding(event) !== false) {
      event.preventDefault();
      return true;
    }
  }
  return false;
}

export function handleKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const key = keyOf(event);
  if (isTyping(event.target) && key !== "Escape") return;
  // Enter and space belong to the focused button or link.
  if ((key === "Enter" || key === " ") && (event.target as Element).closest?.("a, button, summary")) return;
  if (prefix) {
    const name = `${prefix} ${key}`;
    clearPrefix();
    if (run(name, event)) return;
  }
  if (layers.some((layer) => [...layer.keys()].some((name) => name.startsWith(`${key} `)))) {
    prefix = key;
    prefixTimer = setTimeout(clearPrefix, 1200);
    return;
  }
  run(key, event);
}

function clearPrefix(): void {
  clearTimeout(prefixTimer);
  prefix = null;
}
