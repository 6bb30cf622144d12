import { ApiError } from "../api/client";
import { known } from "../i18n/warnings";
import { errorText } from "../words";

/** What went wrong at the doors of warnings, in the language of the person. */
export function warningError(error: unknown): string {
  const said = error instanceof ApiError ? known(`error.${error.code}`, error.values) : null;
  return said ?? errorText(error);
}
