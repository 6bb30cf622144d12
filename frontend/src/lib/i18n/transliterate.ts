/**
 * Serbian Cyrillic to Latin.
 *
 * We store Cyrillic and derive Latin, never the reverse: in this direction every letter has one
 * answer, while Latin "nj" may be њ or нј (injekcija, Tanjug) and "dž" may be џ or дж (nadživeti).
 */
const LETTERS: Record<string, string> = {
  а: "a", б: "b", в: "v", г: "g", д: "d", ђ: "đ", е: "e", ж: "ž", з: "z", и: "i", ј: "j", к: "k", л: "l", љ: "lj", м: "m",
  н: "n", њ: "nj", о: "o", п: "p", р: "r", с: "s", т: "t", ћ: "ć", у: "u", ф: "f", х: "h", ц: "c", ч: "č", џ: "dž", ш: "š",
}; // prettier-ignore

const CYRILLIC = /[\u0400-\u045f]/;
const isCapital = (letter: string | undefined) => !!letter && letter !== letter.toLowerCase();

/** Latin spelling of a text; what is not Serbian Cyrillic (URLs, units, Latin names) stays as it is. */
export function toLatin(text: string): string {
  if (!CYRILLIC.test(text)) return text;
  const letters = [...text];
  return letters
    .map((letter, place) => {
      const latin = LETTERS[letter.toLowerCase()];
      if (latin === undefined) return letter;
      if (!isCapital(letter)) return latin;
      if (latin.length === 1) return latin.toUpperCase();
      // Љубав -> Ljubav, but ЉУБАВ -> LJUBAV: the neighbours tell whether the word is shouted.
      const neighbour = CYRILLIC.test(letters[place + 1] ?? "") ? letters[place + 1] : letters[place - 1];
      const shouted = isCapital(neighbour) && CYRILLIC.test(neighbour ?? "");
      return shouted ? latin.toUpperCase() : latin.charAt(0).toUpperCase() + latin.slice(1);
    })
    .join("");
}

/** A form for comparing what people type: Latin, lower case, without marks; đ, dj and ђ meet as "dj". */
export function fold(text: string): string {
  return toLatin(text)
    .toLowerCase()
    .replaceAll("đ", "dj")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "");
}
