/** A message is a sentence, or its plural forms chosen by {n}. */
export type Message = string | { one: string; few?: string; other: string };
