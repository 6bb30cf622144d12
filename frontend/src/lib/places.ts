import type { MessageKey } from "./i18n/en";
import type { IconName } from "./icons";
import type { ScreenName } from "./router.svelte";

/** The places of the console, with the letter that goes there after "g". */
export const PLACES: {
  address: string;
  key: string;
  icon: IconName;
  label: MessageKey;
  screens: ScreenName[];
}[] = [
  {
    address: "/situation",
    key: "s",
    icon: "situation",
    label: "nav.situation",
    screens: ["situation", "asset"],
  },
  { address: "/desk", key: "o", icon: "desk", label: "nav.desk", screens: ["desk"] },
  { address: "/alarms", key: "a", icon: "alarms", label: "nav.alarms", screens: ["alarms"] },
  { address: "/incidents", key: "i", icon: "incidents", label: "nav.incidents", screens: ["incidents"] },
  { address: "/requests", key: "q", icon: "requests", label: "nav.requests", screens: ["requests"] },
  {
    address: "/procedures",
    key: "r",
    icon: "procedures",
    label: "nav.procedures",
    screens: ["procedures"],
  },
  { address: "/tasks", key: "t", icon: "tasks", label: "nav.tasks", screens: ["tasks"] },
  { address: "/duty", key: "d", icon: "duty", label: "nav.duty", screens: ["duty"] },
  { address: "/warnings", key: "w", icon: "warnings", label: "nav.warnings", screens: ["warnings"] },
  { address: "/exercises", key: "x", icon: "exercises", label: "nav.exercises", screens: ["exercises"] },
  { address: "/city", key: "y", icon: "city", label: "nav.city", screens: ["city", "vitals"] },
  { address: "/devices", key: "e", icon: "devices", label: "nav.devices", screens: ["devices", "device"] },
  {
    address: "/dead-letters",
    key: "l",
    icon: "dead-letters",
    label: "nav.deadLetters",
    screens: ["dead-letters"],
  },
  { address: "/pilots/plans", key: "p", icon: "pilots", label: "nav.pilots", screens: ["pilots"] },
  {
    address: "/administration",
    key: "c",
    icon: "administration",
    label: "nav.administration",
    screens: ["administration"],
  },
];
