import { alarmsApi } from "../api/alarms";
import type { Rule } from "../api/types";
import { measured } from "../measured.svelte";
import { errorText } from "../words";

/** The rules that stand, by code; read once, and again when asked. */
class Rulebook {
  rules = $state.raw<Map<string, Rule> | null>(null);
  failure = $state<string | null>(null);
  private asked: Promise<void> | null = null;

  /** Read them if nobody has; `anew` also when somebody has. */
  load(anew = false): Promise<void> {
    if (anew || (this.failure && !this.rules)) this.asked = null;
    void measured.load();
    this.asked ??= alarmsApi
      .rules()
      .then(({ items }) => {
        this.rules = new Map(items.map((rule) => [rule.code, rule]));
        this.failure = null;
      })
      .catch((error: unknown) => {
        this.failure = errorText(error);
      });
    return this.asked;
  }

  put(rule: Rule): void {
    this.rules = new Map(this.rules ?? []).set(rule.code, rule);
  }

  remove(code: string): void {
    const left = new Map(this.rules ?? []);
    left.delete(code);
    this.rules = left;
  }
}

export const rulebook = new Rulebook();
