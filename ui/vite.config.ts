/// <reference types="vitest/config" />
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      "@": new URL("./src", import.meta.url).pathname,
      // The pages show the operator's guide, which has one source.
      "@docs": new URL("../docs", import.meta.url).pathname,
    },
  },
  build: {
    outDir: "dist",
    target: ["chrome111", "safari16.4", "firefox128"],
    // The content security policy allows no data: scripts or fonts; files stay files.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
  },
  server: {
    fs: { allow: [".", "../docs"] },
    // A daemon on this computer answers the development server's calls.
    proxy: { "/admin": { target: "http://127.0.0.1:9103", changeOrigin: true } },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // One test reads the style as text; otherwise none is made.
    css: { include: [/styles\.css\?raw/] },
    // Only a fault takes so long, on however busy a machine.
    testTimeout: 60_000,
  },
});
