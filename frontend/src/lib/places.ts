import type { MessageKey } from "./i18n/en";
import type { IconName } from "./icons";
import type { ScreenName } from "./router.svelte";
import { session } from "./session.svelte";

export interface Place {
  address: string;
  key: string;
  icon: IconName;
  label: MessageKey;
  screens: ScreenName[];
  /** The permission without which there is nothing to see. */
  needs?: string;
}

/** The places of the console, with the letter that goes there after "g". */
const PLACES: Place[] = [
  {
    address: "/situation",
    key: "s",
    icon: "situation",
    label: "nav.situation",
    screens: ["situation", "asset"],
  },
  { address: "/desk", key: "o", icon: "desk", label: "nav.desk", screens: ["desk"], needs: "incidents.read" },
  {
    address: "/alarms",
    key: "a",
    icon: "alarms",
    label: "nav.alarms",
    screens: ["alarms"],
    needs: "alarms.read",
  },
  {
    address: "/incidents",
    key: "i",
    icon: "incidents",
    label: "nav.incidents",
    screens: ["incidents"],
    needs: "incidents.read",
  },
  {
    address: "/requests",
    key: "q",
    icon: "requests",
    label: "nav.requests",
    screens: ["requests"],
    needs: "requests.read",
  },
  {
    address: "/procedures",
    key: "r",
    icon: "procedures",
    label: "nav.procedures",
    screens: ["procedures"],
  },
  {
    address: "/tasks",
    key: "t",
    icon: "tasks",
    label: "nav.tasks",
    screens: ["tasks"],
    needs: "incidents.read",
  },
  { address: "/duty", key: "d", icon: "duty", label: "nav.duty", screens: ["duty"], needs: "duty.read" },
  { address: "/warnings", key: "w", icon: "warnings", label: "nav.warnings", screens: ["warnings"] },
  { address: "/exercises", key: "x", icon: "exercises", label: "nav.exercises", screens: ["exercises"] },
  { address: "/city", key: "y", icon: "city", label: "nav.city", screens: ["city", "vitals"] },
  {
    address: "/devices",
    key: "e",
    icon: "devices",
    label: "nav.devices",
    screens: ["devices", "device"],
    needs: "devices.read",
  },
  {
    address: "/dead-letters",
    key: "l",
    icon: "dead-letters",
    label: "nav.deadLetters",
    screens: ["dead-letters"],
    needs: "deadletters.read",
  },
  {
    address: "/pilots/plans",
    key: "p",
    icon: "pilots",
    label: "nav.pilots",
    screens: ["pilots"],
    needs: "pilots.read",
  },
  {
    address: "/administration",
    key: "c",
    icon: "administration",
    label: "nav.administration",
    screens: ["administration"],
  },
];

/** The places where this person may look. */
export const openPlaces = (): Place[] => PLACES.filter(({ needs }) => !needs || session.may(needs));

/** Whether a screen lies in a place that is closed to this person. */
export const isClosed = (screen: ScreenName): boolean =>
  PLACES.some(({ screens, needs }) => screens.includes(screen) && needs !== undefined && !session.may(needs));
