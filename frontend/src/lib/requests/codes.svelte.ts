import { requestsApi } from "../api/requests";
import type { Texts } from "../api/types";
import { texts } from "../i18n/index.svelte";
import { session } from "../session.svelte";

/** What citizens may report, by the city's codes. */
class RequestCodes {
  private titles = $state.raw<Map<string, Texts>>(new Map());

  /** Ask for them once; without them a code stays a code. */
  async load(): Promise<void> {
    if (this.titles.size > 0 || !session.may("requests.read")) return;
    const page = await requestsApi.services().catch(() => null);
    if (page) this.titles = new Map(page.items.map(({ code, title }) => [code, title]));
  }

  nameOf(code: string): string {
    const title = this.titles.get(code);
    return title ? texts(title) : code;
  }
}

export const requestCodes = new RequestCodes();
