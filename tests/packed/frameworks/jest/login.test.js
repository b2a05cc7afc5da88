// A widget in jsdom: with the wasm inside it runs, with the wasm as a file it reports what helps.

import { expect, test } from "@jest/globals";
import * as file from "scanlogin";
import * as inline from "scanlogin/inline";

const start = ({ startScanning }) =>
  new Promise((resolve) => {
    const container = document.body.appendChild(document.createElement("div"));
    const handle = startScanning(container, {
      appId: "demo-app",
      host: process.env.SCANLOGIN_HOST,
      onCodeShow: () => resolve({ state: handle.state, handle }),
      onError: (message, error) => resolve({ code: error.code, message, handle }),
    });
  });

test("inline_wasm_shows_a_code_of_the_server", async () => {
  const { handle, ...shown } = await start(inline);
  expect(shown).toEqual({ state: "ready" });
  handle.destroy();
});

test("wasm_as_a_file_is_reported_with_the_entry_point_that_helps", async () => {
  const { code, message } = await start(file);
  expect(code).toBe("wasm-unreachable");
  expect(message).toContain("scanlogin/inline");
});
