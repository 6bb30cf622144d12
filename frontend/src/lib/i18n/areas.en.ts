import type { Message } from "./message";

/** Areas, and whose things are, in English. */
export const areasWords = {
  "admin.areas": "Areas",
  "areas.lead":
    "Parts of the city in which a role can hold: whoever is limited to one sees and does what lies in it. Drawn anew, what stands open is placed anew at once.",
  "areas.new": "New area",
  "areas.name": "Name",
  "areas.code": "Code",
  "areas.codeHint": "Short and for good: a to z, digits, dashes. Grants and the sign-in file name it.",
  "areas.parts": "Parts and corners",
  "areas.people": "Limited to it",
  "areas.nobody": "nobody",
  "areas.changed": "Changed",
  "areas.none": "No areas yet: every role holds everywhere in its organisation.",
  "areas.edit": "Change {name}",
  "areas.remove": "Remove",
  "areas.removeAsk": "Remove {name}? What lies in it then lies in no area.",
  "areas.file": "GeoJSON file (a polygon of it becomes the area)",
  "areas.fileBad": "This file has no polygon in GeoJSON.",
  "areas.chosen": "Polygon of the file",
  "areas.unnamed": "polygon {n}",
  "areas.corners": "Corners, one a line: latitude, longitude",
  "areas.cornersHint":
    "Click on the map to add a corner, or type them. Three at least; the last joins the first.",
  "areas.cornerBad": "Line {n} is no corner.",
  "areas.fromFile": "The shape comes from a file and has {n} corners. Clear it to draw corners instead.",
  "areas.clear": "Clear the shape",
  "areas.save": "Save",
  "accounts.everywhere": "everywhere",
  "accounts.roleArea": "Area that the role holds in",
  "whose.label": "Belongs to",
  "whose.city": "the whole city",
  "whose.others": "You see this. People who act for {whose}, and the city's command centre, act on it.",
  "whose.commandCentre": "You see this. Only the city's command centre acts on it.",
  "error.out-of-reach":
    "This belongs to others: people who act there, and the city's command centre, may do it.",
  "error.whole-city": "This is the whole city's: only a role in all organisations and areas may change it.",
  "error.area-in-use": "Roles of {logins} are limited to this area: change them first.",
  "error.area-there": "There is an area with this code already.",
  "error.unknown-area": "This area is no longer there.",
} as const satisfies Record<string, Message>;
