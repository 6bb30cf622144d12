import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const backend = process.env["VIDIK_BACKEND"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/vidik/console/static",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // The map library is 1.1 MB on its own; it is a chunk that only a page with a map asks for.
    chunkSizeWarningLimit: 1400,
  },
  worker: { format: "es" },
  server: { proxy: { "/api": backend, "/health": backend } },
});
