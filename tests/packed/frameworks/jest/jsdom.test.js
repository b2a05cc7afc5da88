/**
 * jsdom alone has neither TextDecoder nor fetch. The package can be imported, and reports that.
 *
 * @jest-environment jsdom
 */

import { expect, test } from "@jest/globals";
import { startScanning } from "scanlogin/inline";

test("missing_text_decoder_is_reported_with_the_environment_that_helps", async () => {
  const container = document.body.appendChild(document.createElement("div"));
  const error = await new Promise((resolve) => {
    startScanning(container, { appId: "demo-app", onError: (_message, error) => resolve(error) });
  });
  expect(error.code).toBe("wasm-unsupported");
  expect(error.message).toContain("jest-fixed-jsdom");
});
