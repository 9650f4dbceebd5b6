/** The phone app's composition root: makes the parts, and draws the screen of the app's state. */
import { createActions } from "./app/actions.js";
import { App } from "./app/app.js";
import { Device } from "./app/device.js";
import { joinLinkOf, lookUp } from "./app/lookup.js";
import { BrowserStorage } from "./app/storage.js";
import { Router } from "./app/router.js";
import { connect } from "./client.js";
import { spaced } from "./core/code.js";
import { homeModel, linkModel } from "./models/home.js";
import { statusModel, screenOf } from "./models/screen.js";
import { loadTranslator } from "./strings/translator.js";
import { statusView } from "./views/status.js";
import { homeView, linkView } from "./views/home.js";
import { Screens, styled } from "./views/screens.js";
import { ScreenHost } from "./views/screen_host.js";

const TICK_MS = 500;
const NEVER = -1;

const device = new Device();
const timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
const screenHost = new ScreenHost({
  root: document.querySelector("#screen"),
  voice: document.querySelector("#voice"),
  notice: document.querySelector("#notice"),
});

/** A screen is its view and the model of what the view draws. */
const screens = new Screens(
  {
    home: { view: homeView, model: () => homeModel(app.state, t) },
    link: { view: linkView, model: () => linkModel(app.state, t) },
    door: { view: statusView, model: ({ kind }) => statusModel(kind, app.state, t) },
  },
  {
    async party() {
      const [{ partyView }, { partyModel }] = await Promise.all([
        import("./views/party.js"),
        import("./models/party.js"),
        styled("party_shared"),
        styled("party_panels"),
        styled("party_layout"),
        ensureOverlay(),
      ]);
      return { view: partyView, model: () => partyModel(app.state, device, clocks(), t) };
    },
    async wall() {
      const [{ wallView }, { wallModel }] = await Promise.all([
        import("./views/wall.js"),
        import("./models/wall.js"),
        styled("party_shared"),
        styled("wall"),
        ensureOverlay(),
      ]);
      return { view: wallView, model: () => wallModel(app.state, device, clocks(), t) };
    },
    async recap() {
      const [{ recapView }, { recapModel }] = await Promise.all([
        import("./views/recap.js"),
        import("./models/recap.js"),
        styled("recap"),
      ]);
      const canShare = device.canShareFile(app.sharing.pictureFile(new Blob()));
      return { view: recapView, model: () => ({ ...recapModel(app.state.recap, t), canShare }) };
    },
  },
  timers,
  paint,
);

let app = null;
let t = null;
let actions = null;
let frame = NEVER;
let overlay = null;

/** The layer that reactions rise in, over the party and over its wall. */
async function ensureOverlay() {
  const { reactionOverlay } = await import("./views/reaction_overlay.js");
  if (overlay !== null) return;
  overlay = reactionOverlay(Math.random);
  document.body.append(overlay.root);
}

/** Draw once a frame at most, however many changes it has. */
function paint() {
  if (frame !== NEVER) return;
  frame = requestAnimationFrame(() => {
    frame = NEVER;
    draw();
  });
}

function draw() {
  const wanted = screenOf(app.state);
  const screen = screens.get(wanted.name);
  // Each party gets its own view. Without this, parts of one party could be seen in another.
  const key = `${wanted.name}:${app.state.route.code ?? ""}`;
  // While a screen's modules load, the screen before it stays: it says what is awaited.
  if (screen !== null) screenHost.show(key, () => screen.view(actions, t), screen.model(wanted));
  screenHost.notice(app.state.notice);
  // Load the next screen while the server answers.
  if (app.state.entering !== null) screens.fetch(app.state.entering === "watch" ? "wall" : "party");
  const { code } = app.state.route;
  document.title = code === null ? "Hubbub" : `${spaced(code)} · Hubbub`;
}

function clocks() {
  return { now: Date.now(), storeNow: app.storeNow() };
}

/** Ask in a dialog; the dialogs come with the party's screen. */
async function askToConfirm(texts) {
  const dialogs = await import("./views/dialogs.js");
  return dialogs.askToConfirm(texts);
}

async function start() {
  t = await loadTranslator(navigator.languages);
  document.documentElement.lang = t.language;
  app = new App(
    {
      connect,
      lookUp,
      joinLinkOf,
      device,
      t,
      timers,
      storage: new BrowserStorage(
        () => window.localStorage,
        () => window.sessionStorage,
        Date.now,
      ),
      router: new Router(() => app.open()),
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    },
    {
      onChange: paint,
      onReaction: (counts) => overlay?.show(counts),
      onAnnounce: (text) => screenHost.announce(text),
      onEntered: loadTheRest,
    },
  );
  actions = createActions(app, t, askToConfirm);
  app.open();
  setInterval(() => app.isMoving && paint(), TICK_MS);
  window.addEventListener("pagehide", () => app.pause());
  document.addEventListener("visibilitychange", () => app.pause());
  document.addEventListener("paste", onPaste);
  // Prefetch the party's screen on the first interaction.
  for (const type of ["pointerdown", "keydown"]) {
    document.addEventListener(type, () => screens.fetch("party"), { once: true });
  }
}

/**
 * Load what can wait until this phone is in: the recap, and the worker with which an installed app opens offline.
 */
function loadTheRest() {
  screens.fetch("recap");
  if (window.isSecureContext)
    navigator.serviceWorker?.register("/service-worker.js", { updateViaCache: "none" }).catch(() => {});
}

/** A code can be pasted anywhere on the start, not only into its field. */
function onPaste(event) {
  if (screenHost.view.paste === undefined || event.target.closest?.("input, textarea") !== null) return;
  screenHost.view.paste(event.clipboardData?.getData("text") ?? "");
}

start();
