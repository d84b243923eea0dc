import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The build is committed: the same sources must give the same bytes, and it must run under any prefix and a strict CSP.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../app/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    sourcemap: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
