import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/rows.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { now } from "./lib/now.svelte";
import { preferences } from "./lib/preferences.svelte";
import { router } from "./lib/router.svelte";

preferences.start();
router.start();
now.start();

const target = document.getElementById("app");
if (target) mount(App, { target });
