import assert from "node:assert/strict";
import { test } from "node:test";

import { createActions } from "../../../src/hubbub/web/app/actions.js";
import { AppPhone, settled } from "./support/app-phone.js";
import { t } from "./support/shown.js";

/** An app whose methods record how they were called. */
function recordingApp() {
  const calls = [];
  const recorder = (owner) =>
    new Proxy({}, { get: (_, name) => (...values) => (calls.push([owner, name, ...values]), owner) });
  const app = new Proxy(
    { commands: recorder("commands"), sharing: recorder("sharing"), state: { client: { isHost: true, code: "BCDFGH" } } },
    { get: (parts, name) => parts[name] ?? ((...values) => (calls.push(["app", name, ...values]), "app")) },
  );
  return { app, calls };
}

test("each action calls its method and returns the result", () => {
  const { app, calls } = recordingApp();
  const actions = createActions(app, t, async () => true);
  const confirmed = ["kick", "promote", "leave", "end"];
  const owners = {
    app: ["start", "enterCode", "join", "go", "home", "onNameInput", "openRecap", "startAgain", "chooseStatusAction"],
    commands: ["sendMessage", "react", "setMode", "setLocked", "playTrack", "queueTrack", "play", "pause", "skip"],
    sharing: ["share", "copy", "sharePicture", "savePicture"],
  };
  owners.app.push("tryNow", "showTab", "submitName", "rename");
  assert.deepEqual(Object.keys(actions).sort(), [...Object.values(owners).flat(), ...confirmed].sort());
  for (const [owner, names] of Object.entries(owners)) {
    for (const name of names) {
      assert.equal(actions[name]("one", 2), owner);
      assert.deepEqual(calls.pop(), [owner, name, "one", 2]);
    }
  }
});

test("an app without one of the methods is refused at once", async () => {
  const { app } = await AppPhone.visiting();
  assert.doesNotThrow(() => createActions(app, t, async () => true));
  assert.throws(() => createActions({ commands: {}, sharing: {} }, t, async () => true), /no action start/);
});

for (const [name, values, call] of [
  ["kick", ["id", "Ben"], ["commands", "kick", "id"]],
  ["promote", ["id", "Ben"], ["commands", "promote", "id", "Ben"]],
  ["leave", [], ["app", "leave"]],
  ["end", [], ["app", "leave"]],
]) {
  test(`${name} asks first, and runs only after a yes`, async () => {
    const { app, calls } = recordingApp();
    const asked = [];
    let isSure = false;
    const actions = createActions(app, t, async (texts) => (asked.push(texts), isSure));
    actions[name](...values);
    await settled();
    assert.deepEqual(calls, []);
    const text = (part) => t(`${name}.${part}`, { name: "Ben" });
    assert.deepEqual(asked, [{ title: text("title"), text: text("text"), yes: text("yes"), no: text("no") }]);
    isSure = true;
    actions[name](...values);
    await settled();
    assert.deepEqual(calls, [call]);
  });

  test(`${name} does not run if host or party changed while it asked`, async () => {
    for (const changed of [
      { isHost: false, code: "BCDFGH" },
      { isHost: true, code: "BCDFGJ" },
    ]) {
      const { app, calls } = recordingApp();
      const actions = createActions(app, t, async () => {
        app.state = { client: changed };
        return true;
      });
      actions[name](...values);
      await settled();
      assert.deepEqual(calls, []);
    }
  });
}
